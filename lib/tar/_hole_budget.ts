import { LimitExceededError } from "../model/errors.ts";

/** Counts the zeros that stand for the holes of all sparse files of an archive. */
export class HoleBudget {
  readonly #maxBytes: number;
  #bytes = 0;

  /** @throws {RangeError} when the limit is no number of bytes. */
  constructor(maxBytes: number) {
    if (!(maxBytes >= 0)) {
      throw new RangeError(`Cannot read the archive: ${maxBytes} is no limit of its holes`);
    }
    this.#maxBytes = maxBytes;
  }

  /** Takes note of zeros before they are given. */
  take(bytes: number): void {
    this.#bytes += bytes;
    if (this.#bytes <= this.#maxBytes) return;
    throw new LimitExceededError(
      `Cannot read the sparse files: their holes are longer than the limit of ${this.#maxBytes} bytes`,
      { limit: this.#maxBytes, unit: "bytes" },
    );
  }
}
