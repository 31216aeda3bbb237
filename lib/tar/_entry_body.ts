import type { Bytes, ByteStream } from "../model/bytes.ts";
import { InvalidTarError } from "../model/errors.ts";
import type { BlockReader } from "./_block_reader.ts";
import { BLOCK_SIZE } from "./header.ts";
import type { HoleBudget } from "./_hole_budget.ts";
import type { SparseEntry } from "./sparse.ts";

const HOLE_CHUNK_BYTES = 64 * 1024;

/** The longest piece of a stream. */
const PIECE_BYTES = 1 << 20;

/** The bytes of one entry as they lie in the archive, and the padding behind them. */
export class EntryBody {
  readonly #reader: BlockReader;
  readonly #stored: number;
  #rest: number;
  #padding: number;
  #left = false;

  constructor(reader: BlockReader, stored: number) {
    this.#reader = reader;
    this.#stored = stored;
    this.#rest = stored;
    this.#padding = (BLOCK_SIZE - stored % BLOCK_SIZE) % BLOCK_SIZE;
  }

  #cutShort(): never {
    throw new InvalidTarError(
      `Cannot read the tar entry: the archive ends ${this.#rest} bytes before its end`,
      { offset: this.#reader.offset },
    );
  }

  #assertOpen(): void {
    if (!this.#left) return;
    throw new TypeError("Cannot read the body of a tar entry: the reader has moved on");
  }

  /** Bytes of the archive that are not read yet. */
  get rest(): number {
    return this.#rest;
  }

  /** Lends the next stored bytes, at once where they are at hand; undefined when there are no more. */
  lend(limit: number): Bytes | undefined | Promise<Bytes | undefined> {
    this.#assertOpen();
    if (this.#rest === 0) return undefined;
    const isFilled = this.#reader.fill();
    return isFilled === true ? this.#part(limit) : this.#lendLater(isFilled, limit);
  }

  async #lendLater(fill: boolean | Promise<boolean>, limit: number): Promise<Bytes | undefined> {
    if (!await fill) this.#cutShort();
    this.#assertOpen();
    return this.#part(limit);
  }

  #part(limit: number): Bytes {
    const part = this.#reader.some(Math.min(limit, this.#rest));
    this.#rest -= part.length;
    return part;
  }

  /** Reads stored bytes, a copy; undefined when there are no more. */
  async read(limit: number): Promise<Bytes | undefined> {
    return (await this.lend(limit))?.slice();
  }

  /**
   * Reads what is left of the stored bytes, a copy; at once where they are at hand.
   *
   * @param reserve The most bytes to reserve on the word of the header.
   */
  all(reserve?: number): Bytes | Promise<Bytes> {
    this.#assertOpen();
    const part = this.#reader.atHand(this.#rest);
    if (part === undefined) return this.exactly(this.#rest, reserve);
    this.#rest = 0;
    return part.slice();
  }

  /**
   * Moves past the body. The end of the input inside the padding is no error: the docker CLI sends
   * such archives.
   *
   * @returns A promise where that takes time.
   */
  leave(): void | Promise<void> {
    this.#left = true;
    if (this.#rest > 0) {
      const skipped = this.#reader.skip(this.#rest);
      if (typeof skipped !== "number") return this.#leaveLater(skipped);
      this.#rest -= skipped;
      if (this.#rest > 0) this.#cutShort();
    }
    if (this.#padding === 0) return;
    const skipped = this.#reader.skip(this.#padding);
    this.#padding = 0;
    if (typeof skipped !== "number") return skipped.then(() => {});
  }

  async #leaveLater(skipped: Promise<number>): Promise<void> {
    this.#rest -= await skipped;
    if (this.#rest > 0) this.#cutShort();
    await this.leave();
  }

  /** Reads stored bytes whole, such as a sparse map at the begin of a body. */
  async exactly(length: number, reserve?: number): Promise<Bytes> {
    if (length > this.#rest) this.#cutShort();
    const bytes = await this.#reader.exactly(length, reserve, (taken) => {
      this.#assertOpen();
      this.#rest -= taken;
    });
    if (bytes.length < length) this.#cutShort();
    return bytes;
  }

  /** The number of stored bytes. */
  get stored(): number {
    return this.#stored;
  }
}

/**
 * Makes the stream of a plain file. It ends with its last piece: most files have only one. Whether
 * somebody else reads the body is asked before each.
 */
export function plainStream(body: EntryBody, assertFree: () => void): ByteStream {
  return new ReadableStream<Bytes>({
    pull(controller) {
      assertFree();
      const give = (part: Bytes | undefined): void => {
        if (part !== undefined) controller.enqueue(part.slice());
        if (body.rest === 0) controller.close();
      };
      const part = body.lend(PIECE_BYTES);
      if (part instanceof Promise) return part.then(give);
      give(part);
    },
  }, { highWaterMark: 0 });
}

/** Lends the stored pieces of a sparse file, and tells of the holes between them, which are counted. */
export async function lendSparse(
  body: EntryBody,
  map: readonly SparseEntry[],
  realSize: number,
  holes: HoleBudget,
  take: (piece: Bytes) => void | Promise<void>,
  skip: (bytes: number) => void | Promise<void>,
): Promise<void> {
  let position = 0;
  for (const { offset, length } of [...map, { offset: realSize, length: 0 }]) {
    const hole = offset - position;
    if (hole > 0) {
      holes.take(hole);
      await skip(hole);
    }
    position = offset + length;
    for (let rest = length; rest > 0;) {
      const piece = await body.lend(Math.min(PIECE_BYTES, rest));
      if (piece === undefined) return;
      rest -= piece.length;
      await take(piece);
    }
  }
}

/** Makes the stream of a sparse file: stored pieces, and zeros between them, which are counted. */
export function sparseStream(
  body: EntryBody,
  map: readonly SparseEntry[],
  realSize: number,
  holes: HoleBudget,
): ByteStream {
  let position = 0;
  let index = 0;
  return new ReadableStream<Bytes>({
    async pull(controller) {
      if (position === realSize) return controller.close();
      const piece = map[index];
      const next = piece?.offset ?? realSize;
      if (position < next) {
        const zeros = new Uint8Array(Math.min(HOLE_CHUNK_BYTES, next - position));
        holes.take(zeros.length);
        position += zeros.length;
        return controller.enqueue(zeros);
      }
      const end = next + (piece?.length ?? 0);
      const part = await body.read(Math.min(PIECE_BYTES, end - position));
      if (part === undefined) return controller.close();
      position += part.length;
      if (position === end) index++;
      controller.enqueue(part);
    },
  }, { highWaterMark: 0 });
}
