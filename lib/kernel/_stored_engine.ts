import type { Bytes } from "../model/bytes.ts";
import type { DeflateEngine } from "./_deflater.ts";

/** RFC 1951 §3.2.4: the length of a stored block has 16 bits. */
const BLOCK_BYTES = 65535;
const HEADER_BYTES = 5;

/** Makes stored blocks, all but the last as long as they can be. */
export class StoredEngine implements DeflateEngine {
  readonly #crcOf: (chunk: Uint8Array, seed: number) => number;
  /** A block with its header, and the byte that tells that it is not the last. */
  readonly #buffer: Bytes = new Uint8Array(HEADER_BYTES + BLOCK_BYTES + 1);
  #held = 0;
  #isEnded = false;
  #isDone = false;
  #crc = 0;

  constructor(crcOf: (chunk: Uint8Array, seed: number) => number) {
    this.#crcOf = crcOf;
  }

  get crc32(): number {
    return this.#crc;
  }

  write(chunk: Uint8Array): number {
    const piece = chunk.subarray(0, BLOCK_BYTES + 1 - this.#held);
    this.#crc = this.#crcOf(piece, this.#crc);
    this.#buffer.set(piece, HEADER_BYTES + this.#held);
    this.#held += piece.length;
    return piece.length;
  }

  end(): void {
    this.#isEnded = true;
  }

  run(): Bytes | undefined {
    if (this.#isDone) return undefined;
    if (this.#held > BLOCK_BYTES) {
      const next = this.#buffer[HEADER_BYTES + BLOCK_BYTES] as number;
      const block = this.#block(BLOCK_BYTES, false).slice();
      this.#buffer[HEADER_BYTES] = next;
      this.#held = 1;
      return block;
    }
    if (!this.#isEnded) return undefined;
    this.#isDone = true;
    return this.#block(this.#held, true);
  }

  close(): void {}

  #block(bytes: number, isLast: boolean): Bytes {
    const view = new DataView(this.#buffer.buffer);
    view.setUint8(0, Number(isLast));
    view.setUint16(1, bytes, true);
    view.setUint16(3, bytes ^ 0xffff, true);
    return this.#buffer.subarray(0, HEADER_BYTES + bytes);
  }
}
