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

  /** Copies a name of a header, behind its prefix where it has one: 256 bytes at most. */
  copy(name: Bytes, prefix: Bytes): Bytes {
    if (name.length + prefix.length >= this.#shared.length - this.#used) {
      this.#shared = new Uint8Array(SHARED_BYTES);
      this.#used = 0;
    }
    const start = this.#used;
    let at = start;
    if (prefix.length > 0) {
      this.#shared.set(prefix, start);
      at += prefix.length;
      this.#shared[at++] = SLASH;
    }
    this.#shared.set(name, at);
    this.#used = at + name.length;
    return this.#shared.subarray(start, this.#used);
  }
}
