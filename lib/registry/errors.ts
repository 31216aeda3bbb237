import { readPrefix } from "../bytes/read_prefix.ts";
import {
  AuthenticationError,
  AuthorizationError,
  type Diagnostic,
  type LadingError,
  NotFoundError,
  RateLimitError,
  RegistryError,
  type RegistryErrorOptions,
} from "../model/errors.ts";
import { diagnosticOf, diagnosticsOf, MAX_MESSAGE_LENGTH } from "../model/diagnostics.ts";
import { isJSONObject } from "../model/json_object.ts";
import type { Answer } from "./_answer.ts";
import type { Clock } from "./clock.ts";
import { printable, redactText, redactURL } from "../model/redact.ts";
import { retryAfter } from "../model/retry_after.ts";

/** The most bytes of an error body that are read; longer ones are no messages. */
export const MAX_ERROR_BYTES: number = 64 * 1024;

/** How long an error body may take: the status alone is worth reporting. */
const ERROR_BODY_MS = 10_000;

/** What a registry says about a failure. */
export interface Failure {
  /** The entries of the error body. */
  readonly diagnostics: readonly Diagnostic[];
  /** The body as text when it has no such entries. */
  readonly text: string;
}

const failures = new WeakMap<Answer, Promise<Failure>>();

/**
 * Reads the body of an answer that is an error: at most 64 KiB, for at most 10 seconds. It never
 * fails; reading it again gives the same.
 *
 * @param answer The answer.
 * @param clock Measures the time.
 * @returns What the body says.
 */
export function failureOf(answer: Answer, clock: Clock): Promise<Failure> {
  let failure = failures.get(answer);
  if (failure === undefined) {
    const startTimer = (onEnd: () => void) => clock.setTimer(ERROR_BODY_MS, onEnd);
    failure = readPrefix(answer.body, MAX_ERROR_BYTES, startTimer)
      .then((text) => parseFailure(redactText(text)));
    failures.set(answer, failure);
  }
  return failure;
}

/**
 * Takes an error body apart: the form of the distribution-spec, and those of the servers in front of
 * registries: `{"error": …}`, `{"message": …}`, `{"details": …}`, HTML, text.
 *
 * @param text The body.
 * @returns What it says.
 */
export function parseFailure(text: string): Failure {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    const plain = text.slice(0, 8192).replace(/<(script|style)[^]*?<\/\1>|<[^<>]*>/gi, " ");
    return { diagnostics: [], text: printable(plain, MAX_MESSAGE_LENGTH) };
  }
  if (!isJSONObject(json)) return { diagnostics: [], text: "" };
  if (Array.isArray(json["errors"])) return { diagnostics: diagnosticsOf(json), text: "" };
  if (json["error"] !== undefined) return { diagnostics: diagnosticOf(json["error"]), text: "" };
  const said = json["message"] ?? json["details"];
  return {
    diagnostics: [],
    text: typeof said === "string" ? printable(said, MAX_MESSAGE_LENGTH) : "",
  };
}

// Harbor 2.10 and Red Hat answer so where the specification has MANIFEST_UNKNOWN.
function isNotFound(status: number, diagnostics: readonly Diagnostic[]): boolean {
  return status === 404 ||
    status >= 400 &&
      diagnostics.some(({ code, message }) => code === "UNKNOWN" && /not found/i.test(message));
}

/** Statuses that say enough with their code; the words of others help. */
const SPEAKING: ReadonlySet<number> = new Set([401, 403, 404]);

function describe(answer: Answer, failure: Failure, waitMs: number | undefined): string {
  const { status, attempts, method } = answer;
  const codes = [...new Set(failure.diagnostics.map(({ code }) => code))].slice(0, 3).join(", ");
  const words = failure.diagnostics.map(({ message }) => message).find((text) => text !== "") ??
    failure.text;
  const who = answer.isForeign ? answer.url.host : "registry";
  const isWrite = method !== "GET" && method !== "HEAD";
  return `${who} answered ${status}${codes === "" ? "" : ` ${codes}`}` +
    (isWrite ? ` to ${method} ${redactURL(answer.url)}` : "") +
    (attempts > 1 ? ` after ${attempts} attempts` : "") +
    (SPEAKING.has(status) || words === "" ? "" : `: ${printable(words, 200)}`) +
    (waitMs === undefined ? "" : `; try again in ${Math.ceil(waitMs / 1000)} s`) +
    (isWrite && codes.includes("NAME_UNKNOWN") ? "; create the repository first" : "");
}

/**
 * Makes the error for an answer that is none of those that were hoped for, and reads its body.
 *
 * @param answer The answer.
 * @param action What was attempted: `pull "docker.io/library/alpine:9"`.
 * @param clock Measures the time.
 * @returns The error to throw.
 */
export async function answerError(
  answer: Answer,
  action: string,
  clock: Clock,
): Promise<LadingError> {
  const failure = await failureOf(answer, clock);
  const waitMs = retryAfter(answer.headers, clock.now());
  const message = `Cannot ${action}: ${describe(answer, failure, waitMs)}`;
  const options: RegistryErrorOptions = {
    status: answer.status,
    method: answer.method,
    url: redactURL(answer.url),
    diagnostics: failure.diagnostics,
    retryAfter: waitMs,
  };
  if (isNotFound(answer.status, failure.diagnostics)) {
    return new NotFoundError(message, { cause: new RegistryError(message, options) });
  }
  switch (answer.status) {
    case 401: {
      const challenge = answer.headers.get("www-authenticate");
      return new AuthenticationError(message, {
        ...options,
        ...(challenge === null ? {} : { challenge }),
      });
    }
    case 403:
      return new AuthorizationError(message, options);
    case 429:
      return new RateLimitError(message, options);
    default:
      return new RegistryError(message, options);
  }
}

/**
 * Makes the error for an answer with a good status that is not what a registry answers: a login
 * page, a proxy's greeting.
 *
 * @param answer The answer; its body has been read or let go.
 * @param action What was attempted.
 * @param reason What is wrong with it.
 * @returns The error to throw.
 */
export function notARegistry(answer: Answer, action: string, reason: string): RegistryError {
  return new RegistryError(
    `Cannot ${action}: ${redactURL(answer.url)} does not answer like a registry: ${reason}`,
    { status: answer.status, method: answer.method, url: redactURL(answer.url) },
  );
}
