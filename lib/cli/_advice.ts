import { isLadingError, RegistryError } from "../model/errors.ts";
import { FileSystemError } from "../store/file_system.ts";
import { meantPlace } from "./_meant_place.ts";
import { whyProxyUnused } from "./_node_proxies.ts";
import type { CommandLine } from "./_parse.ts";

/** How many causes of an error are looked at. */
const MAX_CAUSES = 8;

/** What the runtimes say of a server that answers TLS with plain text. */
const PLAIN_ANSWER_REGEXP = /wrong.version.number|packet length too long|InvalidContentType/i;

/** What servers of TLS say to who speaks plain text: those in Go, and nginx. */
const TLS_WANTED_REGEXP = /HTTP request to an HTTPS server|plain HTTP request was sent to HTTPS/i;

/** What the runtimes say of a certificate that they do not trust. */
const CERTIFICATE_REGEXP = /\bcertificate\b|altnames/i;

/** What they say of a host that is not found, or does not answer. */
const UNREACHED_REGEXP = /ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH/;

/** The messages of an error and of what caused it. */
function* messages(error: unknown): Generator<string, void, undefined> {
  let cause = error;
  for (let i = 0; i < MAX_CAUSES && cause instanceof Error; i++) {
    yield cause.message;
    cause = cause.cause;
  }
}

/**
 * Says what helps against a failure at the command line, where an option or another place does.
 *
 * @param error What was thrown.
 * @param call The command that failed.
 * @returns The advice; `undefined` when there is none.
 */
export async function advice(error: unknown, call: CommandLine): Promise<string | undefined> {
  return optionAdvice(error, call) ?? await meantPlace(error, call.args);
}

/** Names options that the command has, and that were not given. */
function optionAdvice(error: unknown, call: CommandLine): string | undefined {
  const { options } = call;
  const specs = call.command.options;
  const has = (name: string): boolean => specs[name] !== undefined && !options.has(name);
  const isIn = (pattern: RegExp): boolean =>
    [...messages(error)].some((text) => pattern.test(text));
  if (error instanceof FileSystemError && has("replace")) {
    const isThere = error.reason === "exists" || error.reason === "not-empty";
    return isThere ? "--replace replaces files" : undefined;
  }
  if (!isLadingError(error) || specs["plain-http"] === undefined) return undefined;
  if (error.code === "NOT_A_FILE") return "lading ls lists it, lading export archives the tree";
  if (error instanceof RegistryError && error.status === 400 && isIn(TLS_WANTED_REGEXP)) {
    return options.has("plain-http")
      ? "it speaks https: leave --plain-http out"
      : "it speaks https: give --ca-cert FILE, or --insecure for any certificate";
  }
  if (isIn(PLAIN_ANSWER_REGEXP)) {
    return has("plain-http") ? "it seems to speak no https: --plain-http" : undefined;
  }
  if (isIn(CERTIFICATE_REGEXP)) {
    return has("insecure")
      ? "--ca-cert FILE trusts its authority, --insecure any certificate"
      : undefined;
  }
  return isIn(UNREACHED_REGEXP) ? whyProxyUnused() : undefined;
}
