import { readPrefix } from "../bytes/read_prefix.ts";
import type { ByteStream } from "../model/bytes.ts";
import {
  ApiVersionError,
  ConflictError,
  EngineError,
  type EngineErrorOptions,
  type EngineFailureReason,
  ImageNotFoundError,
} from "../model/errors.ts";
import { isJSONObject } from "../model/json_object.ts";
import { redactText } from "../model/redact.ts";

/** The most bytes of an error body that are read; longer ones are no messages. */
const MAX_ERROR_BYTES = 64 * 1024;

/** How long an error body may take: the status alone is worth reporting. */
const ERROR_BODY_MS = 10_000;

/** How much of the engine's words is shown in a message. */
const MAX_SAID_LENGTH = 1000;

/** Makes the error of an operation that failed. */
export type MakeError = (message: string, options: EngineErrorOptions) => EngineError;

/** The words by which engines of every age tell why something failed. */
const REASONS: readonly (readonly [RegExp, EngineFailureReason])[] = [
  [/toomanyrequests|rate limit/i, "rate-limit"],
  [
    /no basic auth credentials|unauthorized|authentication required|incorrect username/i,
    "authentication",
  ],
  [
    /pull access denied|requested access to the resource is denied|\bdenied:|insufficient_scope/i,
    "authorization",
  ],
  [
    new RegExp(
      "not found|no such image|image not known|manifest unknown|name unknown|does not exist|no matching manifest|" +
        "could not find|does not provide the specified platform|" +
        "does not match the specified platform",
      "i",
    ),
    "not-found",
  ],
];

/** What the routers of Docker and podman say of paths that they do not know. */
const ROUTER_REGEXP = /^(?:(?:page )?not found|path \S+ is not supported)$/i;

/**
 * Tells why an engine failed.
 *
 * @param status The HTTP status; engines of before Docker 24 answer 500 to most of it.
 * @param said The engine's words.
 */
export function reasonFor(status: number, said: string): EngineFailureReason | undefined {
  if (ROUTER_REGEXP.test(said)) return undefined;
  if (status === 401) return "authentication";
  if (status === 429) return "rate-limit";
  if (isConflict(status, said)) return "conflict";
  const found = REASONS.find(([words]) => words.test(said))?.[1];
  if (found !== undefined) return found;
  if (status === 403) return "authorization";
  return status === 404 ? "not-found" : undefined;
}

/** Reads what an error body says: JSON of Docker or podman, text, a proxy's HTML, or nothing. */
export async function readSaid(body: ByteStream, contentType: string): Promise<string> {
  const text = await readPrefix(body, MAX_ERROR_BYTES, (onEnd) => {
    const timer = setTimeout(onEnd, ERROR_BODY_MS);
    return () => clearTimeout(timer);
  });
  let plain = text;
  try {
    const value: unknown = JSON.parse(text);
    if (isJSONObject(value)) {
      const { message, error, cause } = value;
      plain = [message, error, cause].find((said) => typeof said === "string" && said !== "")
        ?.toString() ?? "";
    }
  } catch {
    if (/html/i.test(contentType) || /^\s*</.test(text)) plain = text.replace(/<[^<>]*>/g, " ");
  }
  return said(plain);
}

/** Takes out of the engine's words what could harm a terminal or is secret, and cuts them. */
export function said(text: string): string {
  // deno-lint-ignore no-control-regex
  const clean = redactText(text).replace(/[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029]+/g, " ").trim();
  return clean.length > MAX_SAID_LENGTH ? `${clean.slice(0, MAX_SAID_LENGTH)}…` : clean;
}

/** An answer that is an error. */
export interface FailedAnswer {
  /** What was attempted: `remove image "app:1"`. */
  readonly action: string;
  readonly status: number;
  readonly endpoint: string;
  readonly said: string;
  /** The version of the API that the request had; `undefined` for none. */
  readonly apiVersion: string | undefined;
  /** Whether 404 means that an image is not there. */
  readonly isAboutImage: boolean;
  /** Makes the error of an operation; default one by the status. */
  readonly makeError: MakeError | undefined;
}

const VERSION_FAULT_REGEXP = /client(?: API)? version \S+ is too (?:new|old)/i;

/** Whether an image is missing; podman says so with other statuses too. */
function isMissing(status: number, said: string): boolean {
  if (ROUTER_REGEXP.test(said)) return false;
  return status === 404 || status >= 500 && /no such image|image not known/i.test(said);
}

/** Whether something is in the way; podman says so with another status. */
function isConflict(status: number, said: string): boolean {
  return status === 409 ||
    status >= 500 && /by ID with more than one tag|image is in use by/.test(said);
}

/** Makes the error of an answer that is one. */
export function failureOf(answer: FailedAnswer): EngineError {
  const { action, status, endpoint, said, apiVersion } = answer;
  const words = said === "" ? `it answered ${status} to ${endpoint}` : said;
  const message = `Cannot ${action}: ${words}`;
  const options = { status, endpoint, said, reason: reasonFor(status, said) };
  if (status === 400 && VERSION_FAULT_REGEXP.test(said)) {
    return new ApiVersionError(message, {
      ...options,
      apiVersion,
      needed: /minimum supported API version is (\d+\.\d+)/i.exec(said)?.[1],
    });
  }
  if (answer.makeError !== undefined) return answer.makeError(message, options);
  if (answer.isAboutImage && isMissing(status, said)) {
    return new ImageNotFoundError(message, options);
  }
  return isConflict(status, said)
    ? new ConflictError(message, options)
    : new EngineError(message, options);
}
