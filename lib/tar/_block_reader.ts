import type { Feed } from "../bytes/feed.ts";
import { TarScan } from "../kernel/tar_scan.ts";
import type { Bytes } from "../model/bytes.ts";

/** Enough for a header, and for most metadata. */
const FIRST_BYTES = 4096;

/** What is reserved in proportion to what has come: each step copies all of it. */
const GROWTH = 8;

const NO_BYTES: Bytes = new Uint8Array(0);

/** Reads exact numbers of bytes from a feed, and counts them. It waits only where the feed does. */
export class BlockReader {
  readonly #feed: Feed;
  #piece: Bytes = NO_BYTES;
  #at = 0;
  #isEnded = false;
  #pending: Promise<boolean> | undefined;
  /** Bytes read so far. */
  offset = 0;
  /** Reads the headers in what comes. */
  readonly scan: TarScan = new TarScan();

  constructor(feed: Feed) {
    this.#feed = feed;
  }

  /** Sees to it that there are bytes at hand; tells `false` at the end. */
  fill(): boolean | Promise<boolean> {
    if (this.#at < this.#piece.length) return true;
    if (this.#pending !== undefined) return this.#pending;
    // The next call of the feed may free the memory of the piece.
    this.#piece = NO_BYTES;
    this.#at = 0;
    while (!this.#isEnded) {
      const piece = this.#feed.next();
      if (piece instanceof Promise) return this.#pending = this.#wait(piece);
      if (this.#take(piece)) return true;
    }
    return false;
  }

  async #wait(next: Promise<Bytes | undefined>): Promise<boolean> {
    try {
      for (;;) {
        const piece = await next;
        if (this.#isEnded) return false;
        if (this.#take(piece)) return true;
        if (piece === undefined) return false;
        const following = this.#feed.next();
        next = following instanceof Promise ? following : Promise.resolve(following);
      }
    } finally {
      this.#pending = undefined;
    }
  }

  #take(piece: Bytes | undefined): boolean {
    this.#isEnded = piece === undefined;
    this.#piece = piece ?? NO_BYTES;
    this.#at = 0;
    this.scan.forget();
    return this.#piece.length > 0;
  }

  /** How many bytes are at hand. */
  get left(): number {
    return this.#piece.length - this.#at;
  }

  /** Gives up to `limit` of the bytes at hand: none before {@linkcode fill}. They are lent. */
  some(limit: number): Bytes {
    const end = Math.min(this.#at + limit, this.#piece.length);
    const part = this.#piece.subarray(this.#at, end);
    this.#at = end;
    this.offset += part.length;
    return part;
  }

  /** Gives `length` bytes when all of them are at hand. They are lent. */
  atHand(length: number): Bytes | undefined {
    return this.#piece.length - this.#at < length ? undefined : this.some(length);
  }

  /** Gives `length` bytes, fewer only at the end; they are lent where one piece has all of them. */
  async next(length: number): Promise<Bytes> {
    const isFilled = this.fill();
    if (isFilled !== true) await isFilled;
    return this.atHand(length) ?? await this.exactly(length);
  }

  /**
   * Reads `length` bytes; fewer only at the end. What is held grows with what comes: it is neither
   * reserved for a claim beyond `reserve` bytes, nor does it keep the pieces, of which each may be
   * one byte. `taking` is told of each part before it is taken.
   */
  async exactly(
    length: number,
    reserve: number = FIRST_BYTES,
    taking: (bytes: number) => void = () => {},
  ): Promise<Bytes> {
    let bytes: Bytes = new Uint8Array(Math.min(length, reserve));
    let count = 0;
    while (count < length) {
      const isFilled = this.fill();
      if (isFilled !== true && !(await isFilled)) break;
      taking(Math.min(length - count, this.#piece.length - this.#at));
      const part = this.some(length - count);
      if (count + part.length > bytes.length) {
        const grown = new Uint8Array(
          Math.min(length, Math.max(GROWTH * count, count + part.length)),
        );
        grown.set(bytes.subarray(0, count));
        bytes = grown;
      }
      bytes.set(part, count);
      count += part.length;
    }
    return count === bytes.length ? bytes : bytes.slice(0, count);
  }

  /** Skips `length` bytes and gives the number skipped; fewer only at the end. */
  skip(length: number): number | Promise<number> {
    for (let rest = this.#step(length);; rest = this.#step(rest)) {
      if (rest === 0) return length;
      const isFilled = this.fill();
      if (isFilled === false) return length - rest;
      if (isFilled !== true) return this.#skipLater(isFilled, length, rest);
    }
  }

  async #skipLater(fill: Promise<boolean>, length: number, rest: number): Promise<number> {
    let isFilled: boolean | Promise<boolean> = fill;
    while (rest > 0 && (isFilled === true || await isFilled)) {
      rest = this.#step(rest);
      if (rest > 0) isFilled = this.fill();
    }
    return length - rest;
  }

  /** Passes what is at hand, and gives what is left of `length`. */
  #step(length: number): number {
    const step = Math.min(length, this.#piece.length - this.#at);
    this.#at += step;
    this.offset += step;
    return length - step;
  }

  /** Reads to the end, so that what checks the content gets to check it. */
  async drain(): Promise<void> {
    for (;;) {
      this.#step(this.#piece.length);
      const isFilled = this.fill();
      if (isFilled !== true && !(await isFilled)) return;
    }
  }

  /** Cancels the feed. */
  async cancel(reason?: unknown): Promise<void> {
    this.#isEnded = true;
    this.#piece = NO_BYTES;
    this.#at = 0;
    await this.#feed.cancel(reason);
  }
}
