import { PREFIX_AT } from "../kernel/tar_rules.ts";
import type { Bytes } from "../model/bytes.ts";

/** What names share; it is free again when all of them are gone. */
const SHARED_BYTES = 4096;

const SLASH = 0x2f;

/**
 * Copies names out of headers that are lent. They share buffers: to make one of its own for each
 * takes Deno longer than to read the rest of a header.
 */
export class NameCopies {
  #shared: Bytes = new Uint8Array(0);
  #used = 0;

  /**
   * Copies a text of a header.
   *
   * @param block The header.
   * @param at Where the text begins.
   * @param end Where it ends.
   * @param prefixEnd Where the prefix ends that comes before it, with a slash.
   * @returns The text: 256 bytes at most.
   */
  copy(block: Bytes, at: number, end: number, prefixEnd: number = PREFIX_AT): Bytes {
    if (end - at + prefixEnd - PREFIX_AT >= this.#shared.length - this.#used) {
      this.#shared = new Uint8Array(SHARED_BYTES);
      this.#used = 0;
    }
    const start = this.#used;
    if (prefixEnd > PREFIX_AT) {
      this.#take(block, PREFIX_AT, prefixEnd);
      this.#shared[this.#used++] = SLASH;
    }
    this.#take(block, at, end);
    return this.#shared.subarray(start, this.#used);
  }

  /** Byte by byte: these are few, and a view to copy them from takes longer. */
  #take(block: Bytes, from: number, end: number): void {
    const shared = this.#shared;
    let at = this.#used;
    while (from < end) shared[at++] = block[from++] ?? 0;
    this.#used = at;
  }
}
