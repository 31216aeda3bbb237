import { sumOfTarBlock } from "../kernel/tar_block.ts";
import type { Bytes } from "../model/bytes.ts";
import { BLOCK_SIZE } from "./header.ts";

const encoder = new TextEncoder();

function isASCII(text: string): boolean {
  for (let at = 0; at < text.length; at++) {
    if (text.charCodeAt(at) >= 0x80) return false;
  }
  return true;
}

/**
 * A header that is being written. Text goes into it letter by letter: an array for each field would
 * take longer to make, and to collect, than all the rest of a small entry.
 */
export class HeaderBlock {
  readonly #bytes: Bytes = new Uint8Array(BLOCK_SIZE);

  /** Writes a field, cut to its length. */
  put(start: number, length: number, value: Uint8Array | string): void {
    if (typeof value !== "string") this.#bytes.set(value.subarray(0, length), start);
    else if (isASCII(value)) this.#putASCII(start, length, value);
    else this.#bytes.set(encoder.encode(value).subarray(0, length), start);
  }

  #putASCII(start: number, length: number, text: string): void {
    const end = Math.min(length, text.length);
    for (let at = 0; at < end; at++) this.#bytes[start + at] = text.charCodeAt(at);
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
    this.put(148, 8, `${sumOfTarBlock(this.#bytes).toString(8).padStart(6, "0")}\0 `);
    return this.#bytes;
  }
}
