// Finds what came before, and parses a block into literals and matches. Positions with the same hash
// are chained, the newest first; a match is put off while the next positions have better ones.
import type { Bytes } from "../model/bytes.ts";
import type { Sequences } from "./_zstd_sequences.ts";

/** How hard matches are looked for. */
export interface MatchEffort {
  readonly windowLog: number;
  readonly hashLog: number;
  /** Strings that are looked at for each position. */
  readonly depth: number;
  /** The length of a match that is good enough not to look for a better one. */
  readonly nice: number;
  /** How many of the next positions are looked at before a match is taken. */
  readonly ahead: 0 | 1 | 2;
}

/** The shortest match that is looked for; those of three bytes save too little. */
const SHORTEST = 4;
/** Bytes behind a position that are read there. */
const MARGIN = 8;
const MULTIPLIER = 0x9e3779b1;
const LAST_MULTIPLIER = 0x85ebca77;
/** Where no match was found for so many bytes, as a power of two, another position is passed by. */
const SKIP_SHIFT = 8;
/** Position 0 stands for none. */
const FIRST = 1;

export class ZstdMatchFinder implements Sequences {
  count = 0;
  readonly literalLengths: Int32Array;
  readonly matchLengths: Int32Array;
  readonly offsets: Int32Array;
  /** The literals of the block one behind another. */
  readonly literals: Bytes;
  literalCount = 0;
  readonly #effort: MatchEffort;
  readonly #windowBytes: number;
  readonly #window: Bytes;
  readonly #view: DataView;
  readonly #heads: Int32Array;
  readonly #chain: Int32Array;
  /** The next position to enter. */
  #next = FIRST;
  #end = FIRST;
  #offset = 0;
  #firstRepeat = 1;
  #secondRepeat = 4;

  constructor(effort: MatchEffort, maxBlockBytes: number, isOneBlock: boolean) {
    this.#effort = effort;
    this.#windowBytes = 1 << effort.windowLog;
    const kept = isOneBlock ? 0 : 2 * this.#windowBytes;
    this.#window = new Uint8Array(FIRST + kept + maxBlockBytes);
    this.#view = new DataView(this.#window.buffer);
    this.#heads = new Int32Array(1 << effort.hashLog);
    this.#chain = new Int32Array(this.#windowBytes);
    const most = Math.floor(maxBlockBytes / SHORTEST) + 1;
    this.literalLengths = new Int32Array(most);
    this.matchLengths = new Int32Array(most);
    this.offsets = new Int32Array(most);
    this.literals = new Uint8Array(maxBlockBytes);
  }

  /** Takes the next block, parsed or not. */
  append(block: Uint8Array): void {
    if (this.#end + block.length > this.#window.length) this.#slide();
    this.#window.set(block, this.#end);
    this.#end += block.length;
  }

  /** Lets all positions sink by a window; what sinks below the first is none. */
  #slide(): void {
    const sunk = this.#windowBytes;
    this.#window.copyWithin(0, sunk, this.#end);
    for (const table of [this.#heads, this.#chain]) {
      for (let at = 0; at < table.length; at++) {
        table[at] = Math.max((table[at] as number) - sunk, 0);
      }
    }
    // Blocks that were not parsed may have left it behind.
    this.#next = Math.max(this.#next - sunk, FIRST);
    this.#end -= sunk;
  }

  /** Parses the last so many bytes. */
  parse(bytes: number): void {
    const { ahead } = this.#effort;
    const view = this.#view;
    const end = this.#end;
    const limit = end - MARGIN;
    let at = end - bytes;
    let anchor = at;
    this.count = 0;
    this.literalCount = 0;
    while (at < limit) {
      let start = at;
      let length = this.#search(at, SHORTEST - 1);
      let offset = this.#offset;
      const repeated = this.#repeat(at + 1, this.#firstRepeat);
      if (repeated > length) {
        length = repeated;
        start = at + 1;
        offset = this.#firstRepeat;
      }
      if (length < SHORTEST) {
        at += (at - anchor >> SKIP_SHIFT) + 1;
        continue;
      }
      for (let tried = 0; tried < ahead && at + 1 < limit && start + length < end;) {
        at++;
        tried++;
        const cost = offset === this.#firstRepeat ? 0 : 31 - Math.clz32(offset);
        const repeat = this.#repeat(at, this.#firstRepeat);
        if (repeat >= SHORTEST && at > start && repeat * 3 > length * 3 - cost + 1) {
          [length, offset, start, tried] = [repeat, this.#firstRepeat, at, 0];
        }
        const found = this.#search(at, SHORTEST - 1);
        const foundCost = 31 - Math.clz32(this.#offset);
        const bonus = tried < 2 ? 4 : 7;
        if (found >= SHORTEST && found * 4 - foundCost > length * 4 - cost + bonus) {
          [length, offset, start, tried] = [found, this.#offset, at, 0];
        }
      }
      // The bytes before may be the same, too.
      while (
        start > anchor && start - offset > FIRST &&
        view.getUint8(start - 1) === view.getUint8(start - 1 - offset)
      ) {
        start--;
        length++;
      }
      this.#push(anchor, start - anchor, length, offset);
      at = anchor = start + length;
      if (offset !== this.#firstRepeat) {
        this.#secondRepeat = this.#firstRepeat;
        this.#firstRepeat = offset;
      }
      while (at < limit) {
        const again = this.#repeat(at, this.#secondRepeat);
        if (again < SHORTEST) break;
        [this.#firstRepeat, this.#secondRepeat] = [this.#secondRepeat, this.#firstRepeat];
        this.#push(at, 0, again, this.#firstRepeat);
        at = anchor = at + again;
      }
    }
    this.#pushLiterals(anchor, end - anchor);
  }

  #push(from: number, literals: number, length: number, offset: number): void {
    const at = this.count++;
    this.literalLengths[at] = literals;
    this.matchLengths[at] = length;
    this.offsets[at] = offset;
    this.#pushLiterals(from, literals);
  }

  #pushLiterals(from: number, count: number): void {
    const { literals } = this;
    const window = this.#window;
    let to = this.literalCount;
    this.literalCount += count;
    if (count > 64) return literals.set(window.subarray(from, from + count), to);
    for (const end = from + count; from < end;) literals[to++] = window[from++] as number;
  }

  /** The length of the match at an offset. */
  #repeat(at: number, offset: number): number {
    const from = at - offset;
    if (from < FIRST || this.#view.getInt32(from, true) !== this.#view.getInt32(at, true)) return 0;
    return this.#lengthOf(from, at);
  }

  #lengthOf(from: number, at: number): number {
    const view = this.#view;
    const end = this.#end;
    const start = at;
    for (; at + 4 <= end; at += 4, from += 4) {
      const differing = view.getInt32(from, true) ^ view.getInt32(at, true);
      if (differing !== 0) return at - start + (31 - Math.clz32(differing & -differing) >> 3);
    }
    while (at < end && view.getUint8(from) === view.getUint8(at)) {
      at++;
      from++;
    }
    return at - start;
  }

  /** Enters the positions up to `at` and gives the length of the best match that is longer. */
  #search(at: number, best: number): number {
    const { hashLog, nice } = this.#effort;
    const view = this.#view;
    const heads = this.#heads;
    const chain = this.#chain;
    const mask = chain.length - 1;
    const shift = 32 - hashLog;
    for (let next = this.#next; next <= at; next++) {
      const mixed = Math.imul(view.getInt32(next, true), MULTIPLIER) +
          Math.imul(view.getUint8(next + 4), LAST_MULTIPLIER) | 0;
      const hash = mixed >>> shift;
      chain[next & mask] = heads[hash] as number;
      heads[hash] = next;
    }
    this.#next = at + 1;
    const lowest = Math.max(at - mask, FIRST);
    const end = this.#end;
    let found = 0;
    let candidate = chain[at & mask] as number;
    // The last bytes of a longer match are compared first, they are the most likely to differ.
    let last = view.getInt32(at + best - 3, true);
    for (let depth = this.#effort.depth; depth > 0 && candidate >= lowest; depth--) {
      if (view.getInt32(candidate + best - 3, true) === last) {
        const length = this.#lengthOf(candidate, at);
        if (length > best) {
          best = length;
          found = length;
          this.#offset = at - candidate;
          if (length >= nice || at + length >= end) break;
          last = view.getInt32(at + best - 3, true);
        }
      }
      candidate = chain[candidate & mask] as number;
    }
    return found;
  }
}
