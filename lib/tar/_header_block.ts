import type { Bytes } from "../model/bytes.ts";
import { BLOCK_SIZE } from "./header.ts";

const encoder = new TextEncoder();

/** A header that is being written. */
export class HeaderBlock {
  readonly #bytes: Bytes = new Uint8Array(BLOCK_SIZE);

  /** Writes a field, cut to its length. */
  put(start: number, length: number, value: Uint8Array | string): void {
    const bytes = typeof value === "string" ? encoder.encode(value) : value;
    this.#bytes.set(bytes.subarray(0, length), start);
  }

  /** Writes digits that fill a field but for the NUL that ends it. */
  octal(start: number, length: number, value: number): void {
    this.put(start, length, value.toString(8).padStart(length - 1, "0"));
  }

  /** Says what it is: the type flag and the mark of POSIX. */
  mark(typeFlag: string): void {
    this.put(156, 1, typeFlag);
    this.put(257, 8, "ustar\u000000");
  }

  /** Puts the checksum in, and gives the block. */
  seal(): Bytes {
    this.#bytes.fill(0x20, 148, 156);
    let sum = 0;
    for (const byte of this.#bytes) sum += byte;
    this.put(148, 8, `${sum.toString(8).padStart(6, "0")}\0 `);
    return this.#bytes;
  }
}
