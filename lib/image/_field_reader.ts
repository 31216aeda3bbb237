import type { Bytes } from "../model/bytes.ts";
import { CorruptStreamError } from "../model/errors.ts";
import { NO_RECORDS } from "../tar/pax.ts";

const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/** Reads the fields that a `FieldWriter` wrote. Bytes are views. */
export class FieldReader {
  readonly #bytes: Bytes;
  readonly #view: DataView;
  #at = 0;

  constructor(bytes: Bytes) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** The bytes of the fields that were read. */
  get at(): number {
    return this.#at;
  }

  /** Whether there are no more fields. */
  get isAtEnd(): boolean {
    return this.#at === this.#bytes.byteLength;
  }

  /** @throws {CorruptStreamError} when there is no number. */
  number(): number {
    return this.#view.getFloat64(this.#take(8), true);
  }

  /** @throws {CorruptStreamError} when they are cut short. */
  bytes(): Bytes {
    const length = this.#view.getUint32(this.#take(4), true);
    const start = this.#take(length);
    return this.#bytes.subarray(start, start + length);
  }

  /** @throws {CorruptStreamError} when it is cut short. */
  text(): string {
    return decoder.decode(this.bytes());
  }

  /**
   * Gives copies.
   *
   * @throws {CorruptStreamError} when they are cut short.
   */
  records(): ReadonlyMap<string, Bytes> {
    const count = this.number();
    if (count === 0) return NO_RECORDS;
    const records = new Map<string, Bytes>();
    for (let index = 0; index < count; index++) records.set(this.text(), this.bytes().slice());
    return records;
  }

  #take(bytes: number): number {
    const start = this.#at;
    this.#at += bytes;
    if (this.#at <= this.#bytes.byteLength) return start;
    throw new CorruptStreamError("Cannot read the fields: they are cut short");
  }
}
