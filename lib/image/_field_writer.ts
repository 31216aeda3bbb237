import type { Bytes } from "../model/bytes.ts";

const FIRST_BYTES = 4096;

const encoder = new TextEncoder();

/** Writes fields one behind another; `FieldReader` reads them in the same order. Little endian. */
export class FieldWriter {
  #bytes: Bytes = new Uint8Array(FIRST_BYTES);
  #view = new DataView(this.#bytes.buffer);
  #length = 0;

  /** How many bytes were written. */
  get length(): number {
    return this.#length;
  }

  /** Writes any number, as IEEE 754 has it. */
  number(value: number): void {
    this.#reserve(8);
    this.#view.setFloat64(this.#length, value, true);
    this.#length += 8;
  }

  /** Writes bytes behind their length. */
  bytes(value: Uint8Array): void {
    this.#reserve(4 + value.byteLength);
    this.#view.setUint32(this.#length, value.byteLength, true);
    this.#bytes.set(value, this.#length + 4);
    this.#length += 4 + value.byteLength;
  }

  /** Writes text as UTF-8. */
  text(value: string): void {
    this.bytes(encoder.encode(value));
  }

  /** Writes named bytes. */
  records(value: ReadonlyMap<string, Uint8Array>): void {
    this.number(value.size);
    for (const [key, bytes] of value) {
      this.text(key);
      this.bytes(bytes);
    }
  }

  /** Gives what was written: a view, which the next field may change. */
  written(): Bytes {
    return this.#bytes.subarray(0, this.#length);
  }

  #reserve(bytes: number): void {
    const wanted = this.#length + bytes;
    if (wanted <= this.#bytes.byteLength) return;
    const grown = new Uint8Array(Math.max(wanted, 2 * this.#bytes.byteLength));
    grown.set(this.written());
    this.#bytes = grown;
    this.#view = new DataView(grown.buffer);
  }
}
