// The bits of zstd: they are written from the first one on and read from the last one on, which a 1
// behind them marks (RFC 8878 §4.1).

/** Writes bits into bytes, the low ones first. */
export class BitWriter {
  /** What is written; as far as `length` it is whole. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  length = 0;
  #bits = 0;
  #count = 0;

  constructor(capacity: number) {
    this.bytes = new Uint8Array(capacity);
  }

  /** Writes the low bits of a number that has no others: 24 at most. */
  put(value: number, count: number): void {
    let bits = this.#bits | value << this.#count;
    let waiting = this.#count + count;
    while (waiting >= 8) {
      this.bytes[this.length++] = bits;
      bits >>>= 8;
      waiting -= 8;
    }
    this.#bits = bits;
    this.#count = waiting;
  }

  /** Writes whole bytes; there must be no bits that wait for others. */
  putBytes(bytes: Uint8Array): void {
    this.bytes.set(bytes, this.length);
    this.length += bytes.length;
  }

  /** Fills the last byte with zeros. */
  align(): void {
    if (this.#count > 0) this.bytes[this.length++] = this.#bits;
    this.#bits = 0;
    this.#count = 0;
  }

  /** Ends a stream that is read from its end on. */
  close(): void {
    this.put(1, 1);
    this.align();
  }

  /** Forgets all that is written. */
  clear(): void {
    this.length = 0;
    this.#bits = 0;
    this.#count = 0;
  }
}
