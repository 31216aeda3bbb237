import { openSource } from "../bytes/source.ts";
import { verified } from "../bytes/verify.ts";
import type { Bytes, ByteSource, ByteStream } from "../model/bytes.ts";
import type { Descriptor } from "../model/descriptor.ts";
import type { Attempt } from "./_attempt.ts";
import type { Clock } from "./clock.ts";
import type { RequestBody } from "./request.ts";
import { SilenceError } from "./timeouts.ts";

/** How fast a registry has to take in and store what it got, at least: then it counts as silent. */
const MIN_BYTES_PER_SECOND = 64 * 1024;

/** workerd sends a length for this kind of stream only; for others it sends chunks. */
interface FixedLengthStreamType {
  new (length: number): { readonly readable: ByteStream; readonly writable: WritableStream<Bytes> };
}

/** How an upload is watched. */
export interface UploadWatch {
  readonly clock: Clock;
  /** How long the registry may take nothing. */
  readonly idleMs: number;
}

/** The time a registry has to store what it got. */
function storingMs(watch: UploadWatch, bytes: number): number {
  return watch.idleMs + bytes / MIN_BYTES_PER_SECOND * 1000;
}

/** A body of bytes in memory. */
export function bytesBody(bytes: Bytes, watch: UploadWatch): RequestBody {
  return {
    isReplayable: true,
    open(attempt) {
      const ms = storingMs(watch, bytes.byteLength);
      const stop = watch.clock.setTimer(ms, () => attempt.abort(new SilenceError("headers", ms)));
      attempt.onEnd(stop);
      return { body: bytes };
    },
  };
}

/**
 * The body of an upload from a source that is opened when it is read. What goes out is counted and
 * hashed on the way: content that is not what was announced breaks the request before its last
 * chunk. The request is aborted before the error leaves the stream, because workerd would end the
 * body as if it were whole; the source is cancelled when nobody reads on, because Node and Deno do
 * not.
 */
export class UploadBody implements RequestBody {
  readonly isReplayable: boolean;
  readonly #source: ByteSource;
  readonly #target: Descriptor;
  readonly #watch: UploadWatch;
  #reader: ReadableStreamDefaultReader<Bytes> | undefined;
  #failure: { readonly error: unknown } | undefined;

  constructor(source: ByteSource, target: Descriptor, watch: UploadWatch) {
    this.isReplayable = typeof source === "function";
    this.#source = source;
    this.#target = target;
    this.#watch = watch;
  }

  /** What was wrong with the source, if anything was. */
  get failure(): { readonly error: unknown } | undefined {
    return this.#failure;
  }

  /** Lets go of the source. */
  close(): void {
    this.#reader?.cancel().catch(() => {});
  }

  open(attempt: Attempt): {
    readonly body: ByteStream;
    readonly headers: Readonly<Record<string, string>>;
  } {
    const { idleMs } = this.#watch;
    const { size } = this.#target;
    this.close();
    this.#reader = undefined;
    let stopTimer = () => {};
    const expect = (ms: number) => {
      const fail = () => attempt.abort(new SilenceError("headers", ms));
      stopTimer = this.#watch.clock.setTimer(ms, fail);
    };
    expect(idleMs);
    attempt.onEnd(() => stopTimer());
    const body = new ReadableStream<Bytes>({
      pull: async (controller) => {
        stopTimer();
        try {
          const { done, value } = await this.#read();
          if (attempt.signal.aborted) throw attempt.signal.reason;
          if (done) {
            controller.close();
            return expect(storingMs(this.#watch, size));
          }
          controller.enqueue(value);
          expect(idleMs);
        } catch (error) {
          if (!attempt.signal.aborted) this.#failure = { error };
          attempt.abort(error);
          throw error;
        }
      },
      cancel: () => {
        stopTimer();
        this.close();
      },
    }, { highWaterMark: 0 });
    return { body: withLength(body, size, attempt), headers: { "content-length": String(size) } };
  }

  /** Opens the source with the first read: where a registry refuses at once, nothing is opened. */
  async #read(): Promise<ReadableStreamReadResult<Bytes>> {
    this.#reader ??= verified(await openSource(this.#source), this.#target).getReader();
    return await this.#reader.read();
  }
}

/** Gives a stream a length that workerd sends as `Content-Length`. */
function withLength(body: ByteStream, size: number, attempt: Attempt): ByteStream {
  const { FixedLengthStream } = globalThis as { FixedLengthStream?: FixedLengthStreamType };
  if (FixedLengthStream === undefined) return body;
  const { readable, writable } = new FixedLengthStream(size);
  body.pipeTo(writable, { signal: attempt.signal }).catch(() => {});
  return readable;
}
