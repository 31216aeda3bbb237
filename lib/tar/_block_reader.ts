import type { Bytes, ByteStream } from "../model/bytes.ts";

/** Enough for a header, and for most metadata. */
const FIRST_BYTES = 4096;

/** Reads exact numbers of bytes from a stream, and counts them. */
export class BlockReader {
  readonly #reader: ReadableStreamDefaultReader<Bytes>;
  #chunk: Bytes = new Uint8Array(0);
  #ended = false;
  /** Bytes read so far. */
  offset = 0;

  constructor(stream: ByteStream) {
    this.#reader = stream.getReader();
  }

  /** Gives up to `limit` bytes that are at hand, or undefined at the end. */
  async some(limit: number): Promise<Bytes | undefined> {
    while (this.#chunk.length === 0) {
      if (this.#ended) return undefined;
      const { done, value } = await this.#reader.read();
      if (done) {
        this.#ended = true;
        return undefined;
      }
      this.#chunk = value;
    }
    const part = this.#chunk.subarray(0, limit);
    this.#chunk = this.#chunk.subarray(part.length);
    this.offset += part.length;
    return part;
  }

  /**
   * Reads `length` bytes; fewer only at the end of the stream. What is held grows with what comes:
   * it is neither reserved for a claim, nor does it keep the chunks, of which each may be one byte.
   */
  async exactly(length: number): Promise<Bytes> {
    let bytes: Bytes = new Uint8Array(Math.min(length, FIRST_BYTES));
    let count = 0;
    while (count < length) {
      const part = await this.some(length - count);
      if (part === undefined) break;
      if (count + part.length > bytes.length) {
        const grown = new Uint8Array(Math.min(length, Math.max(2 * count, count + part.length)));
        grown.set(bytes.subarray(0, count));
        bytes = grown;
      }
      bytes.set(part, count);
      count += part.length;
    }
    return count === bytes.length ? bytes : bytes.slice(0, count);
  }

  /** Skips `length` bytes and gives the number skipped; fewer only at the end of the stream. */
  async skip(length: number): Promise<number> {
    let rest = length;
    while (rest > 0) {
      const part = await this.some(rest);
      if (part === undefined) break;
      rest -= part.length;
    }
    return length - rest;
  }

  /** Reads to the end of the stream, so that what checks the stream gets to check it. */
  async drain(): Promise<void> {
    while (await this.some(1 << 20) !== undefined);
  }

  /** Cancels the stream. */
  async cancel(reason?: unknown): Promise<void> {
    this.#ended = true;
    this.#chunk = new Uint8Array(0);
    await this.#reader.cancel(reason);
  }

  /** Lets go of the stream. */
  release(): void {
    this.#reader.releaseLock();
  }
}
