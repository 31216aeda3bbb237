import { passLineage } from "../bytes/lineage.ts";
import { untilAborted } from "../bytes/until_aborted.ts";
import type { Bytes, ByteStream } from "../model/bytes.ts";
import type { Transport } from "../model/transport.ts";
import { Attempt } from "./_attempt.ts";
import type { Clock } from "./clock.ts";

/** How long a server may be silent. There is no limit for a whole blob: layers are large. */
export interface TimeoutOptions {
  /** Until the header of an answer is there, in milliseconds; default 30,000. */
  readonly headersMs?: number | undefined;
  /** Between two chunks of a body that somebody reads, in milliseconds; default 60,000. */
  readonly idleMs?: number | undefined;
}

/** Timeouts with nothing left out. */
export interface Timeouts {
  readonly headersMs: number;
  readonly idleMs: number;
}

/**
 * Fills in the defaults.
 *
 * @param options What the caller wants.
 * @returns The timeouts.
 * @throws {RangeError} when a time is not positive.
 */
export function timeoutsOf(options: TimeoutOptions = {}): Timeouts {
  const { headersMs = 30_000, idleMs = 60_000 } = options;
  for (const [name, value] of Object.entries({ headersMs, idleMs })) {
    if (!(value > 0)) throw new RangeError(`Cannot time out: ${name} is ${value}`);
  }
  return { headersMs, idleMs };
}

/** Says that a server was silent for too long. The text goes into the message of the final error. */
export class SilenceError extends Error {
  override readonly name = "SilenceError";
  /** Whether the header was missing, or a piece of the body. */
  readonly missing: "headers" | "body";
  /** Who was silent for so long is not asked again. */
  readonly isFinal = true;

  constructor(missing: "headers" | "body", ms: number) {
    super(`no ${missing === "headers" ? "answer" : "data"} within ${ms / 1000} s`);
    this.missing = missing;
  }
}

/** Methods with bodies whose sending takes its own time; the upload watches over them. */
const UPLOAD_METHODS: ReadonlySet<string> = new Set(["PUT", "PATCH"]);

/**
 * Gives up on a transport that has no answer in time, or whose request was aborted, also where the
 * transport itself takes no notice. An answer that comes later is thrown away.
 *
 * @param transport The transport.
 * @param clock Measures the time.
 * @param headersMs How long to wait for the header; uploads are not bounded.
 * @returns The transport that answers in time.
 */
export function withHeaderTimeout(
  transport: Transport,
  clock: Clock,
  headersMs: number,
): (request: Request) => Promise<Response> {
  return async (request) => {
    const attempt = new Attempt(request.signal);
    attempt.signal.throwIfAborted();
    const fail = () => attempt.abort(new SilenceError("headers", headersMs));
    if (!UPLOAD_METHODS.has(request.method)) attempt.onEnd(clock.setTimer(headersMs, fail));
    try {
      return await untilAborted(transport(request), request, attempt.signal);
    } finally {
      attempt.close();
    }
  };
}

/** What watches over a body. */
export interface BodyGuard {
  readonly clock: Clock;
  readonly idleMs: number;
  /** Ends the body with its reason. */
  readonly signal: AbortSignal;
  /** Is told when a read begins and when it ends. */
  reading(isReading: boolean): void;
  /** Is told once when nothing more will be read, with the error if there was one. */
  ended(error?: unknown): void;
}

/**
 * Watches over a body: silence of the server and an abort end it with an error and cancel the
 * source. Time in which the consumer does not read does not count.
 *
 * @param source The body.
 * @param guard The limits, and who is told.
 * @returns The body under watch; nothing is queued.
 */
export function guarded(source: ByteStream, guard: BodyGuard): ByteStream {
  const { clock, idleMs, signal } = guard;
  const reader = source.getReader();
  let isOver = false;
  let interrupt: (error: unknown) => void = () => {};
  const finish = (error?: unknown) => {
    if (isOver) return;
    isOver = true;
    signal.removeEventListener("abort", onAbort);
    guard.ended(error);
  };
  const give = (error: unknown) => {
    finish(error);
    reader.cancel(error).catch(() => {});
    interrupt(error);
  };
  const onAbort = () => give(signal.reason);
  signal.addEventListener("abort", onAbort, { once: true });

  /** Reads a chunk; silence and abort end the wait even if the source does not. */
  const read = (): Promise<ReadableStreamReadResult<Bytes>> =>
    new Promise((resolve, reject) => {
      const stop = clock.setTimer(idleMs, () => give(new SilenceError("body", idleMs)));
      interrupt = (error) => {
        stop();
        reject(error);
      };
      reader.read().then((result) => {
        stop();
        resolve(result);
      }, interrupt);
    });

  const watched = new ReadableStream<Bytes>({
    start(controller) {
      interrupt = (error) => controller.error(error);
      if (signal.aborted) onAbort();
    },
    async pull(controller) {
      guard.reading(true);
      try {
        for (;;) {
          const { done, value } = await read();
          if (isOver) return;
          if (done) {
            finish();
            return controller.close();
          }
          if (value.byteLength > 0) return controller.enqueue(value);
        }
      } catch (error) {
        finish(error);
        throw error;
      } finally {
        interrupt = (error) => controller.error(error);
        guard.reading(false);
      }
    },
    cancel(reason) {
      finish(reason);
      return reader.cancel(reason);
    },
  }, { highWaterMark: 0 });
  return passLineage(source, watched);
}
