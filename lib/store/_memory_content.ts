import type { Bytes } from "../model/bytes.ts";

/** Reserved at a time on the word of who writes: a wrong one takes no more. */
const MAX_RESERVE_BYTES = 4 << 20;

/** Files of up to so many bytes share memory: a buffer for each costs more than what is in it. */
const MAX_POOLED_BYTES = 4096;

/** What they share; it is free again when all of them are gone. */
const POOL_BYTES = 32 * 1024;

/** Makes room for what is small. */
export class MemoryPool {
  #buffer = new ArrayBuffer(0);
  #used = 0;

  /** Gives memory that nobody else has. */
  take(length: number): Bytes {
    if (length > MAX_POOLED_BYTES) return new Uint8Array(length);
    if (length > this.#buffer.byteLength - this.#used) {
      this.#buffer = new ArrayBuffer(POOL_BYTES);
      this.#used = 0;
    }
    const taken = new Uint8Array(this.#buffer, this.#used, length);
    this.#used += length;
    return taken;
  }
}

/** The content of a file in memory. */
export class MemoryContent {
  readonly #pool: MemoryPool;
  /** All of them are full but the last one. */
  #chunks: Bytes[] = [];
  #free = 0;
  #size = 0;

  constructor(pool: MemoryPool) {
    this.#pool = pool;
  }

  /** The length in bytes. */
  get size(): number {
    return this.#size;
  }

  /**
   * Appends a copy of some bytes.
   *
   * @param bytes The bytes.
   * @param expected How long the content is going to be, as far as is known.
   */
  append(bytes: Bytes, expected: number): void {
    for (let at = 0; at < bytes.length;) {
      if (this.#free === 0) {
        const reserve = Math.min(expected - this.#size, MAX_RESERVE_BYTES);
        this.#free = Math.max(bytes.length - at, reserve);
        this.#chunks.push(this.#pool.take(this.#free));
      }
      const chunk = this.#chunks[this.#chunks.length - 1] as Bytes;
      const isWhole = at === 0 && bytes.length <= this.#free;
      const part = isWhole ? bytes : bytes.subarray(at, at + this.#free);
      chunk.set(part, chunk.length - this.#free);
      this.#free -= part.length;
      this.#size += part.length;
      at += part.length;
    }
  }

  /** Gives a copy of a part, less at the end. */
  read(position: number, length: number): Bytes {
    const [first = new Uint8Array(0)] = this.#chunks;
    // Written in pieces, read as one: the pieces are joined when the file is first read.
    const whole = this.#chunks.length > 1 ? this.#join() : first;
    return whole.slice(position, Math.min(position + length, this.#size));
  }

  /** Leaves nothing. */
  clear(): void {
    this.#chunks = [];
    this.#free = this.#size = 0;
  }

  #join(): Bytes {
    const whole = new Uint8Array(this.#size);
    let at = 0;
    for (const chunk of this.#chunks) {
      whole.set(chunk.subarray(0, this.#size - at), at);
      at += chunk.length;
    }
    this.#chunks = [whole];
    this.#free = 0;
    return whole;
  }
}
