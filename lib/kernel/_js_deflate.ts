// Deflate in plain TypeScript, for hosts without WebAssembly: the twin of wasm/assembly/deflate.ts,
// where everything is explained. Names and order of the two are the same, so that they can be read
// side by side, and so are the bytes they give.
import { crc32 } from "../hash/mod.ts";
import type { Bytes } from "../model/bytes.ts";
import type { DeflateEffort, DeflateEngine } from "./_deflater.ts";
import { BlockEnds } from "./_js_block_ends.ts";
import { BlockWriter } from "./_js_block_writer.ts";
import { Items } from "./_js_items.ts";
import { DISTANCE_SHIFT, LENGTH_MASK, MatchFinder, SLIDE_BYTES } from "./_js_match_finder.ts";

const WINDOW_BYTES = 0x10400;
const MAX_ITEMS = 16384;
const LOOK_AHEAD = 264;
const SLIDE_AT = 0x10000 - LOOK_AHEAD;
const GOOD_LENGTH = 16;

/** Compresses into a raw deflate stream. */
export class JSDeflateEngine implements DeflateEngine {
  readonly #effort: DeflateEffort;
  readonly #window: Bytes = new Uint8Array(WINDOW_BYTES);
  readonly #finder = new MatchFinder(this.#window);
  readonly #ends = new BlockEnds();
  // Two items may come at once, and a deferred one behind the last.
  readonly #items = new Items(MAX_ITEMS + 2);
  readonly #writer = new BlockWriter(MAX_ITEMS + 2);
  #position = SLIDE_BYTES;
  #available = SLIDE_BYTES;
  #isEnded = false;
  #isDone = false;
  #deferred = 0;
  #blockStart = SLIDE_BYTES;
  #crc = 0;

  constructor(effort: DeflateEffort) {
    this.#effort = effort;
  }

  get crc32(): number {
    return this.#crc;
  }

  write(chunk: Uint8Array): number {
    const piece = chunk.subarray(0, WINDOW_BYTES - this.#available);
    this.#crc = crc32(piece, this.#crc);
    this.#window.set(piece, this.#available);
    this.#available += piece.length;
    return piece.length;
  }

  end(): void {
    this.#isEnded = true;
  }

  close(): void {}

  run(): Bytes | undefined {
    if (this.#isDone) return undefined;
    for (;;) {
      if (this.#position >= SLIDE_AT) this.#slide();
      const limit = this.#isEnded ? this.#available : this.#available - LOOK_AHEAD;
      if (this.#parse(Math.min(limit, SLIDE_AT))) {
        this.#endBlock(false);
        return this.#writer.take();
      }
      if (this.#position >= SLIDE_AT) continue;
      if (!this.#isEnded) return undefined;
      if (this.#deferred !== 0) {
        this.#items.putMatch(this.#deferred);
        this.#deferred = 0;
        this.#position = this.#available;
      }
      this.#endBlock(true);
      this.#writer.align();
      this.#isDone = true;
      return this.#writer.take();
    }
  }

  #slide(): void {
    this.#window.copyWithin(0, SLIDE_BYTES, this.#available);
    this.#finder.slide();
    this.#position -= SLIDE_BYTES;
    this.#blockStart -= SLIDE_BYTES;
    this.#available -= SLIDE_BYTES;
  }

  #endBlock(isLast: boolean): void {
    // A deferred match is no item yet.
    const end = this.#position - Number(this.#deferred !== 0);
    const start = this.#blockStart;
    const source = start < 0 ? undefined : this.#window.subarray(start, end);
    this.#writer.write(this.#items, source, isLast);
    this.#blockStart = end;
    this.#items.reset();
    this.#ends.reset();
  }

  /** Turns input up to `limit` into items; tells whether the block ends before that. */
  #parse(limit: number): boolean {
    const { depth: maxDepth, nice, isLazy } = this.#effort;
    const finder = this.#finder;
    const ends = this.#ends;
    const items = this.#items;
    const window = this.#window;
    const end = this.#available;
    let at = this.#position;
    let before = this.#deferred;
    let isFull = false;
    while (at < limit) {
      if (items.count >= ends.nextComparison) {
        const bytes = at - Number(before !== 0) - this.#blockStart;
        isFull = items.count >= MAX_ITEMS || ends.isAtEnd(items, bytes);
        if (isFull) break;
      }
      const best = before & LENGTH_MASK;
      const depth = before === 0 ? maxDepth : maxDepth >> (best < GOOD_LENGTH ? 1 : 2);
      const match = finder.find(at, end, best, depth, nice);
      if (before !== 0) {
        if (match === 0 || !isBetter(match, before)) {
          items.putMatch(before);
          const next = at - 1 + best;
          finder.enter(at + 1, next, end);
          at = next;
          before = 0;
          continue;
        }
        items.putLiteral(window[at - 1] as number);
      } else if (match === 0) {
        items.putLiteral(window[at++] as number);
        continue;
      }
      const length = match & LENGTH_MASK;
      if (isLazy && length < nice) {
        before = match;
        at++;
        continue;
      }
      items.putMatch(match);
      finder.enter(at + 1, at + length, end);
      at += length;
      before = 0;
    }
    this.#position = at;
    this.#deferred = before;
    return isFull;
  }
}

function isBetter(match: number, other: number): boolean {
  const longer = (match & LENGTH_MASK) - (other & LENGTH_MASK);
  const nearer = Math.clz32(match >>> DISTANCE_SHIFT) - Math.clz32(other >>> DISTANCE_SHIFT);
  return longer * 4 + nearer > 2;
}
