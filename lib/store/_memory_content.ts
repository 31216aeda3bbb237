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
    // V8 fills what slice() makes with zeros before it copies.
    if (length > MAX_POOLED_BYTES) return new Uint8Array(bytes);
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

const NO_BYTES: Bytes = new Uint8Array(0);

/** The content of a file in memory. */
export class MemoryContent {
  readonly #pool: MemoryPool;
  /** Most files are of one piece: those make no array. */
  #first = NO_BYTES;
  #others: Bytes[] | undefined;
  #size = 0;

  constructor(pool: MemoryPool) {
    this.#pool = pool;
  }

  /** The length in bytes. */
  get size(): number {
    return this.#size;
  }

  /** Appends a copy of some bytes. */
  write(bytes: Bytes): void {
    if (bytes.length === 0) return;
    const copied = this.#pool.copy(bytes);
    if (this.#size === 0) this.#first = copied;
    else if (this.#others === undefined) this.#others = [copied];
    else this.#others.push(copied);
    this.#size += bytes.length;
  }

  /** Gives a copy of a part, less at the end. */
  read(position: number, length: number): Bytes {
    // Written in pieces, read as one: the pieces are joined when the file is first read.
    if (this.#others !== undefined) {
      this.#first = concatBytes([this.#first, ...this.#others]);
      this.#others = undefined;
    }
    return this.#first.slice(position, position + length);
  }

  /** Leaves nothing. */
  clear(): void {
    this.#first = NO_BYTES;
    this.#others = undefined;
    this.#size = 0;
  }
}
