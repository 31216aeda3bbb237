import { concatBytes } from "../bytes/concat.ts";
import type { Bytes } from "../model/bytes.ts";

/** Pieces of up to so many bytes share memory: a buffer for each costs more than what is in it. */
const MAX_POOLED_BYTES = 4096;

/** What they share; it is free again when all of them are gone. */
const POOL_BYTES = 32 * 1024;

/** Copies pieces of files. */
export class MemoryPool {
  #buffer = new ArrayBuffer(0);
  #used = 0;

  /** Copies bytes to memory that nobody else writes to. */
  copy(bytes: Bytes): Bytes {
    const { length } = bytes;
    // Memory that is made by a copy is not filled with zeros first.
    if (length > MAX_POOLED_BYTES) return bytes.slice();
    if (length > this.#buffer.byteLength - this.#used) {
      this.#buffer = new ArrayBuffer(POOL_BYTES);
      this.#used = 0;
    }
    const copied = new Uint8Array(this.#buffer, this.#used, length);
    copied.set(bytes);
    this.#used += length;
    return copied;
  }
}

const NO_CHUNKS: Bytes[] = [];

/** The content of a file in memory. */
export class MemoryContent {
  readonly #pool: MemoryPool;
  #chunks = NO_CHUNKS;
  #size = 0;

  constructor(pool: MemoryPool) {
    this.#pool = pool;
  }

  /** The length in bytes. */
  get size(): number {
    return this.#size;
  }

  /** Appends a copy of some bytes. */
  append(bytes: Bytes): void {
    if (bytes.length === 0) return;
    const copied = this.#pool.copy(bytes);
    // Most files are of one piece, and arrays that grow make room for a dozen.
    if (this.#size === 0) this.#chunks = [copied];
    else this.#chunks.push(copied);
    this.#size += bytes.length;
  }

  /** Gives a copy of a part, less at the end. */
  read(position: number, length: number): Bytes {
    // Written in pieces, read as one: the pieces are joined when the file is first read.
    if (this.#chunks.length > 1) this.#chunks = [concatBytes(this.#chunks)];
    return this.#chunks[0]?.slice(position, position + length) ?? new Uint8Array(0);
  }

  /** Leaves nothing. */
  clear(): void {
    this.#chunks = NO_CHUNKS;
    this.#size = 0;
  }
}
