import {
  AuthenticationError,
  AuthorizationError,
  ContentError,
  InvalidManifestError,
  isLadingError,
  LimitExceededError,
  NotFoundError,
  RateLimitError,
  RegistryError,
} from "../model/errors.ts";
import { Refusal } from "./_refusal.ts";

/** Tells whether something is not there upstream. */
export function isNotFound(error: unknown): error is NotFoundError {
  return isLadingError(error) && error instanceof NotFoundError;
}

/** Tells whether the upstream says that there is no such repository at all. */
export function isNameUnknown(error: NotFoundError): boolean {
  const { cause } = error;
  return isLadingError(cause) && cause instanceof RegistryError &&
    cause.diagnostics.some(({ code }) => code === "NAME_UNKNOWN");
}

/**
 * Tells whether an upstream cannot be asked now: it cannot be reached, has trouble of its own, or
 * wants to be left alone for a while. What it answers otherwise counts.
 */
export function isTemporary(error: unknown): boolean {
  if (!isLadingError(error)) return true;
  if (!(error instanceof RegistryError)) return false;
  return error.status === 0 || error.status === 429 || error.status >= 500;
}

/** Says in the words of the specification what went wrong upstream, without a word of the upstream. */
export function upstreamRefusal(error: unknown): Refusal {
  if (error instanceof Refusal) return error;
  if (!isLadingError(error)) return unavailable(502, "the upstream cannot be reached");
  // 401 would have the client show its credentials for here: those of the proxy are wrong for there.
  if (error instanceof AuthenticationError || error instanceof AuthorizationError) {
    return new Refusal(403, "DENIED", "the upstream does not give this to the proxy");
  }
  if (error instanceof RateLimitError) {
    return new Refusal(429, "TOOMANYREQUESTS", "the upstream takes no more requests for now", {
      headers: retryAfterOf(error),
    });
  }
  if (error instanceof RegistryError) {
    if (hasTimedOut(error)) return unavailable(504, "the upstream does not answer in time");
    const reason = error.status === 0 ? "the upstream cannot be reached" : "the upstream failed";
    return unavailable(502, reason, retryAfterOf(error));
  }
  const isContent = [ContentError, InvalidManifestError, LimitExceededError]
    .some((kind) => error instanceof kind);
  return unavailable(502, isContent ? "the upstream has something else" : "the upstream failed");
}

function unavailable(
  status: number,
  message: string,
  headers: Readonly<Record<string, string>> = {},
): Refusal {
  return new Refusal(status, "UNAVAILABLE", message, { headers });
}

function retryAfterOf({ retryAfter }: RegistryError): Readonly<Record<string, string>> {
  return retryAfter === undefined ? {} : { "retry-after": String(Math.ceil(retryAfter / 1000)) };
}

/** What the clients of lading, and `AbortSignal.timeout`, call it. */
const TIMEOUTS: ReadonlySet<string> = new Set(["SilenceError", "TimeoutError"]);

function hasTimedOut(error: unknown): boolean {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if (TIMEOUTS.has(cause.name)) return true;
  }
  return false;
}
