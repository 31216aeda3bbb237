import type { Diagnostic } from "../model/errors.ts";

/**
 * How failed requests are repeated. Not repeated is what does not get better by itself: certificates
 * that are wrong, and over sockets (`hostTransport()`) names that nobody has and, after one more time,
 * ports where nobody listens and nobody has answered before.
 */
export interface RetryOptions {
  /** How many times a failed request is sent again; default 5. */
  readonly retries?: number | undefined;
  /** The longest wait before the first repetition in milliseconds; it doubles; default 250. */
  readonly baseMs?: number | undefined;
  /** The longest wait that doubling leads to, in milliseconds; default 20,000. */
  readonly maxMs?: number | undefined;
  /**
   * The longest wait that a registry may ask for, in milliseconds; default 120,000. When it asks for
   * more, the call fails at once and the error says for how long.
   */
  readonly maxRetryAfterMs?: number | undefined;
  /** Gives a number from 0 up to 1, for jitter; default `Math.random`. */
  readonly random?: (() => number) | undefined;
}

/** Retry options with nothing left out. */
export interface RetryPolicy {
  readonly retries: number;
  readonly baseMs: number;
  readonly maxMs: number;
  readonly maxRetryAfterMs: number;
  readonly random: () => number;
}

/** Spreads clients that were told the same time; in milliseconds. */
const RETRY_AFTER_JITTER_MS = 500;

/** Statuses that may be different a moment later; 499 and 520-524 come from proxies. */
const RETRYABLE: ReadonlySet<number> = new Set([
  ...[408, 425, 429, 499, 500, 502, 503, 504, 520, 521, 522, 523, 524],
]);

/** Error codes that may be different a moment later, as go-containerregistry has them. */
const TEMPORARY_CODES: ReadonlySet<string> = new Set([
  "BLOB_UPLOAD_INVALID",
  "TOOMANYREQUESTS",
  "UNAVAILABLE",
]);

/**
 * Fills in the defaults.
 *
 * @param options What the caller wants.
 * @returns The whole policy.
 * @throws {RangeError} when a number is negative or none.
 */
export function retryPolicy(options: RetryOptions = {}): RetryPolicy {
  const { retries = 5, baseMs = 250, maxMs = 20_000, maxRetryAfterMs = 120_000 } = options;
  for (const [name, value] of Object.entries({ retries, baseMs, maxMs, maxRetryAfterMs })) {
    if (!(value >= 0)) throw new RangeError(`Cannot retry: ${name} is ${value}`);
  }
  return { retries, baseMs, maxMs, maxRetryAfterMs, random: options.random ?? Math.random };
}

/**
 * Tells whether a request that got this status may be sent again.
 *
 * @param status The HTTP status.
 * @returns Whether the same request may succeed later.
 */
export function isRetryableStatus(status: number): boolean {
  return RETRYABLE.has(status);
}

/**
 * Tells whether a failure may go away when the whole operation is started anew: the status says so,
 * or every error code does.
 *
 * @param failure What the registry said.
 * @param failure.status The status; 0 where there is none.
 * @param failure.diagnostics The entries of the error body.
 * @returns Whether it is temporary.
 */
export function isTemporary(
  failure: { readonly status: number; readonly diagnostics: readonly Pick<Diagnostic, "code">[] },
): boolean {
  const { status, diagnostics } = failure;
  return isRetryableStatus(status) ||
    diagnostics.length > 0 && diagnostics.every(({ code }) => TEMPORARY_CODES.has(code));
}

/**
 * Gives the longest wait before a repetition.
 *
 * @param policy The policy.
 * @param attempt How many repetitions there were before.
 * @returns Milliseconds.
 */
export function backoffCeiling(policy: RetryPolicy, attempt: number): number {
  return Math.min(policy.maxMs, policy.baseMs * 2 ** attempt);
}

/**
 * Gives the wait before a repetition: any part of the ceiling ("full jitter"), so that clients that
 * failed together do not come back together.
 *
 * @param policy The policy.
 * @param attempt How many repetitions there were before.
 * @returns Milliseconds.
 */
export function backoff(policy: RetryPolicy, attempt: number): number {
  return policy.random() * backoffCeiling(policy, attempt);
}

/**
 * Adds a little to a wait that a registry asked for; never takes away.
 *
 * @param policy The policy.
 * @param ms The wait that was asked for.
 * @returns Milliseconds.
 */
export function atLeast(policy: RetryPolicy, ms: number): number {
  return ms + policy.random() * RETRY_AFTER_JITTER_MS;
}

/**
 * Signs of a failed TLS handshake in the codes and messages of the runtimes, which are about hosts and
 * paths too: those are in lower case, and go on behind a word.
 */
const TLS_REGEXP =
  /CERT|ERR_TLS|ERR_SSL|EPROTO|UNABLE_TO_VERIFY|Certificate|certificate(?![\w./-])/;

/**
 * Tells whether a transport failed for what does not get better by itself: the server could not prove
 * who it is, or the transport says so (`isFinal`).
 *
 * @param error What the transport threw.
 * @returns Whether to leave it at that.
 */
export function isFinalFailure(error: unknown): boolean {
  let at = error;
  for (let depth = 0; depth < 4 && typeof at === "object" && at !== null; depth++) {
    const { message, code, cause, isFinal } = at as Readonly<Record<string, unknown>>;
    if (isFinal || TLS_REGEXP.test(`${code} ${message}`)) return true;
    at = cause;
  }
  return false;
}
