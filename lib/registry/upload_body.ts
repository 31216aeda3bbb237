import { streamOfChunks } from "../bytes/chunks.ts";
import { fixedLength } from "../bytes/fixed_length.ts";
import { noteOwnedChunks, ownsChunks } from "../bytes/lineage.ts";
import { openSource } from "../bytes/source.ts";
import { through } from "../bytes/through.ts";
import { verified } from "../bytes/verify.ts";
import type { Bytes, ByteSource, ByteStream } from "../model/bytes.ts";
import type { Descriptor } from "../model/descriptor.ts";
import type { Attempt } from "./_attempt.ts";
import type { Clock } from "./clock.ts";
import type { RequestBody } from "./request.ts";
import { SilenceError } from "./timeouts.ts";

/** How fast a registry has to take in and store what it got, at least: then it counts as silent. */
const MIN_BYTES_PER_SECOND = 64 * 1024;

/** How an upload is watched. */
export interface UploadWatch {
  readonly clock: Clock;
  /** How long the registry may take nothing. */
  readonly idleMs: number;
}

/** The time a registry has to store what it got, in whole seconds beside the silence it may keep. */
function storingMs(watch: UploadWatch, bytes: number): number {
  return watch.idleMs + Math.ceil(bytes / MIN_BYTES_PER_SECOND) * 1000;
}

/** A body of bytes in memory; what it ends may be more: `stored` bytes, before there is an answer. */
export function bytesBody(
  bytes: Bytes,
  watch: UploadWatch,
  stored: number = bytes.byteLength,
): RequestBody {
  return {
    isReplayable: true,
    open(attempt) {
      new Patience(watch.clock, attempt).wait(storingMs(watch, stored));
      // Who streams bodies has to be told the length; the others know it.
      return { body: bytes, headers: { "content-length": String(bytes.byteLength) } };
    },
  };
}

/**
 * The body of an upload from a source that is opened when it is read. What goes out is counted and
 * hashed on the way, also what the registry has already and is left out: content that is not what
 * was announced breaks the request before its last chunk. The request is aborted before the error
 * leaves the stream, because workerd would end the body as if it were whole; the source is
 * cancelled when nobody reads on, because Node and Deno do not.
 */
export class UploadBody implements RequestBody {
  readonly isReplayable: boolean;
  readonly #source: ByteSource;
  readonly #target: Descriptor;
  readonly #watch: UploadWatch;
  readonly #from: number;
  #release: () => void = () => {};
  #failure: { readonly error: unknown } | undefined;

  constructor(source: ByteSource, target: Descriptor, watch: UploadWatch, from: number) {
    this.isReplayable = typeof source === "function";
    this.#source = source;
    this.#target = target;
    this.#watch = watch;
    this.#from = from;
  }

  /** What was wrong with the source, if anything was. */
  get failure(): { readonly error: unknown } | undefined {
    return this.#failure;
  }

  /** Lets go of the source. */
  close(): void {
    this.#release();
  }

  open(attempt: Attempt): {
    readonly body: ByteStream;
    readonly headers: Readonly<Record<string, string>>;
  } {
    this.close();
    const size = this.#target.size - this.#from;
    const patience = new Patience(this.#watch.clock, attempt);
    patience.wait(this.#watch.idleMs);
    let reader: ReadableStreamDefaultReader<Bytes> | undefined;
    let isReleased = false;
    const release = () => {
      isReleased = true;
      reader?.cancel().catch(() => {});
    };
    this.#release = release;
    const body: ByteStream = streamOfChunks({
      next: async () => {
        patience.stop();
        try {
          // Opened with the first read: where a registry refuses at once, nothing is.
          if (reader === undefined) {
            const proved = verified(await openSource(this.#source), this.#target);
            if (this.#from === 0 && ownsChunks(proved)) noteOwnedChunks(body);
            reader = from(proved, this.#from).getReader();
          }
          if (isReleased) release();
          const { done, value } = await reader.read();
          if (isReleased || attempt.signal.aborted) throw new Error("nobody reads on");
          patience.wait(done ? storingMs(this.#watch, size) : this.#watch.idleMs);
          return value;
        } catch (error) {
          if (!isReleased && !attempt.signal.aborted) {
            this.#failure = { error };
            attempt.abort(error);
          }
          throw error;
        }
      },
      cancel: () => {
        patience.stop();
        release();
        return Promise.resolve();
      },
    });
    return {
      body: fixedLength(body, size, attempt.signal),
      headers: { "content-length": String(size) },
    };
  }
}

/** Leaves out the first bytes of a stream. */
function from(stream: ByteStream, offset: number): ByteStream {
  let skipped = 0;
  if (offset === 0) return stream;
  return through(stream, {
    chunk(chunk) {
      const rest = chunk.subarray(Math.min(offset - skipped, chunk.byteLength));
      skipped += chunk.byteLength - rest.byteLength;
      return rest;
    },
  });
}

/** Watches over a stream that goes out: a registry that takes nothing for too long is given up. */
export function patient(stream: ByteStream, watch: UploadWatch, attempt: Attempt): ByteStream {
  const patience = new Patience(watch.clock, attempt);
  const reader = stream.getReader();
  let size = 0;
  patience.wait(watch.idleMs);
  return new ReadableStream<Bytes>({
    async pull(controller) {
      patience.stop();
      const { done, value } = await reader.read();
      if (done) controller.close();
      else controller.enqueue(value);
      size += value?.byteLength ?? 0;
      patience.wait(done ? storingMs(watch, size) : watch.idleMs);
    },
    cancel(reason) {
      patience.stop();
      return reader.cancel(reason);
    },
  }, { highWaterMark: 0 });
}

/** Aborts an attempt when the registry takes nothing for too long. */
class Patience {
  readonly #clock: Clock;
  readonly #attempt: Attempt;
  #stop: () => void = () => {};
  #isOver = false;

  constructor(clock: Clock, attempt: Attempt) {
    this.#clock = clock;
    this.#attempt = attempt;
    attempt.onEnd(() => {
      this.#isOver = true;
      this.stop();
    });
  }

  stop(): void {
    this.#stop();
  }

  wait(ms: number): void {
    if (this.#isOver) return;
    const fail = () => this.#attempt.abort(new SilenceError("headers", ms));
    this.#stop = this.#clock.setTimer(ms, fail);
  }
}
