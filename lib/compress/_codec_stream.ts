import { type Feed, feedOf, streamOfFeed } from "../bytes/feed.ts";
import { noteWork, turnOfOthers } from "../bytes/turns.ts";
import type { Bytes, ByteStream } from "../model/bytes.ts";
import { beyondCap, type OutputCap } from "./_output_cap.ts";

/** Turns chunks into other chunks, one call at a time; {@linkcode Inflater} is one. */
export interface Codec {
  /** Takes the next chunk; `read` has given `undefined` before. */
  push(chunk: Bytes): void;
  /** Says that there are no more chunks. */
  end(): void;
  /**
   * Gives the next output, `undefined` when it needs input or, after `end`, is complete. The bytes
   * may change with the next call.
   */
  read(): Bytes | undefined;
  /** Frees what it holds. */
  close(): void;
}

/**
 * Runs a codec over a feed: each call runs it until it has one piece of output, which is lent. Much
 * may come out of little: timers and others get their turn between. An error of the codec cancels the
 * source; an error of the source arrives as the same object.
 *
 * @param source The feed to read; nobody else may read it from now on.
 * @param open Makes the codec, at the first call.
 * @param cap The most that the codec may give; one byte more is an error.
 * @returns What the codec gives.
 */
export function codecFeed(source: Feed, open: () => Codec, cap?: OutputCap): Feed {
  return new CodecFeed(source, open, cap);
}

class CodecFeed implements Feed {
  readonly lends = true;
  readonly #source: Feed;
  readonly #open: () => Codec;
  readonly #cap: OutputCap | undefined;
  #codec: Codec | undefined;
  #bytesOut = 0;
  #isEnded = false;
  #isClosed = false;
  #failure: { readonly error: unknown } | undefined;

  constructor(source: Feed, open: () => Codec, cap: OutputCap | undefined) {
    this.#source = source;
    this.#open = open;
    this.#cap = cap;
  }

  next(): Bytes | undefined | Promise<Bytes | undefined> {
    if (this.#failure !== undefined) throw this.#failure.error;
    if (this.#isClosed) return undefined;
    return turnOfOthers()?.then(() => this.next()) ?? this.#run();
  }

  #run(): Bytes | undefined | Promise<Bytes | undefined> {
    try {
      const codec = this.#codec ??= this.#open();
      for (;;) {
        const output = this.#read(codec);
        if (output !== undefined) return output;
        if (this.#isEnded) return this.#close();
        const chunk = this.#source.next();
        if (chunk instanceof Promise) return this.#wait(codec, chunk);
        this.#push(codec, chunk);
      }
    } catch (error) {
      throw this.#fail(error);
    }
  }

  async cancel(reason: unknown): Promise<void> {
    this.#close();
    await this.#source.cancel(reason);
  }

  async #wait(codec: Codec, next: ReturnType<Feed["next"]>): Promise<Bytes | undefined> {
    try {
      for (;;) {
        const chunk = await next;
        // Cancelled meanwhile.
        if (this.#isClosed) return undefined;
        this.#push(codec, chunk);
        const output = this.#read(codec);
        if (output !== undefined) return output;
        if (this.#isEnded) return this.#close();
        next = this.#source.next();
      }
    } catch (error) {
      throw this.#fail(error);
    }
  }

  #read(codec: Codec): Bytes | undefined {
    const output = codec.read();
    if (output === undefined) return undefined;
    noteWork(output.byteLength);
    this.#bytesOut += output.byteLength;
    const cap = this.#cap;
    if (cap !== undefined && this.#bytesOut > cap.maxBytes) throw beyondCap(cap);
    return output;
  }

  #push(codec: Codec, chunk: Bytes | undefined): void {
    this.#isEnded = chunk === undefined;
    if (chunk === undefined) codec.end();
    else codec.push(chunk);
  }

  #close(): undefined {
    this.#isClosed = true;
    this.#codec?.close();
  }

  #fail(error: unknown): unknown {
    if (!this.#isClosed) this.#source.cancel(error).catch(() => {});
    this.#close();
    this.#failure = { error };
    return error;
  }
}

/**
 * Runs a codec over a stream, driven by the reads of its consumer: one read runs it until it has
 * one chunk of output, and nothing is queued on either side; see {@linkcode codecFeed}.
 *
 * @param source The stream to read; it is locked from now on.
 * @param open Makes the codec, at the first read.
 * @param cap The most that the codec may give; one byte more is an error.
 * @returns The stream of what the codec gave.
 */
export function codecStream(source: ByteStream, open: () => Codec, cap?: OutputCap): ByteStream {
  return streamOfFeed(codecFeed(feedOf(source), open, cap));
}

/** The two ends of a codec as a transform stream has them. */
export function codecPair(
  connect: (source: ByteStream) => ByteStream,
): { readable: ByteStream; writable: WritableStream<Bytes> } {
  const { readable, writable } = new TransformStream<Bytes, Bytes>(undefined, undefined, {
    highWaterMark: 0,
  });
  return { readable: connect(readable), writable };
}
