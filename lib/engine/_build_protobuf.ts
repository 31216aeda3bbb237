/** The most fields of a message: those of a large build have thousands of steps. */
const MAX_FIELDS = 1_000_000;

/** The most bytes of a number (64 bits, seven to a byte). */
const MAX_VARINT_BYTES = 10;

/** A field of a message: a number, or bytes. */
export interface ProtobufField {
  readonly number: number;
  readonly value: number | Uint8Array;
}

/**
 * Reads the fields of one message of Protocol Buffers, in their order.
 *
 * @param bytes The message.
 * @returns The fields; fixed numbers, of which nothing here has any, are passed over.
 * @throws {SyntaxError} when the bytes are no message.
 */
export function* protobufFields(bytes: Uint8Array): Generator<ProtobufField, void, undefined> {
  const reader = new Reader(bytes);
  for (let count = 0; !reader.isAtEnd; count++) {
    if (count === MAX_FIELDS) throw new SyntaxError("a message has too many fields");
    const key = reader.varint();
    const number = Math.floor(key / 8);
    switch (key % 8) {
      case 0:
        yield { number, value: reader.varint() };
        break;
      case 1:
        reader.take(8);
        break;
      case 2:
        yield { number, value: reader.take(reader.varint()) };
        break;
      case 5:
        reader.take(4);
        break;
      default:
        throw new SyntaxError("a message has a field of a type that is none");
    }
  }
}

class Reader {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get isAtEnd(): boolean {
    return this.#at === this.#bytes.length;
  }

  take(length: number): Uint8Array {
    if (length > this.#bytes.length - this.#at) throw new SyntaxError("a message is cut off");
    this.#at += length;
    return this.#bytes.subarray(this.#at - length, this.#at);
  }

  /** Reads a number; beyond 2^53 it loses its last digits, and a negative one is huge. */
  varint(): number {
    let value = 0;
    for (let count = 0; count < MAX_VARINT_BYTES; count++) {
      const [byte = 0] = this.take(1);
      value += (byte & 0x7f) * 2 ** (7 * count);
      if (byte < 0x80) return value;
    }
    throw new SyntaxError("a number of a message does not end");
  }
}
