// Finds what came before: the twin of wasm/assembly/match_finder.ts, where the tables are
// explained. The two find the same matches.
import type { Bytes } from "../model/bytes.ts";

export const MAX_MATCH = 258;
export const DISTANCE_SHIFT = 9;
export const LENGTH_MASK: number = (1 << DISTANCE_SHIFT) - 1;
export const SLIDE_BYTES = 0x8000;

const CHAIN_MASK = SLIDE_BYTES - 1;
const HASHED_BYTES = 4;
const MULTIPLIER = 0x9e3779b1;
const HASH_BITS = 16;

/** The hash chains over a window. */
export class MatchFinder {
  readonly #window: Bytes;
  readonly #heads = new Uint16Array(1 << HASH_BITS);
  readonly #chain = new Uint16Array(SLIDE_BYTES);

  constructor(window: Bytes) {
    this.#window = window;
  }

  /** Lets all positions sink by SLIDE_BYTES; those that would sink below 0 become 0, none. */
  slide(): void {
    for (const table of [this.#heads, this.#chain]) {
      for (let at = 0; at < table.length; at++) {
        table[at] = Math.max((table[at] as number) - SLIDE_BYTES, 0);
      }
    }
  }

  /** Enters the positions from `at` up to `end`, as far as four bytes are there. */
  enter(at: number, end: number, available: number): void {
    const last = Math.min(end, available - HASHED_BYTES + 1);
    const heads = this.#heads;
    for (; at < last; at++) {
      const hash = hashOf(this.#word(at));
      this.#chain[at & CHAIN_MASK] = heads[hash] as number;
      heads[hash] = at;
    }
  }

  /** Enters `at` and looks for a match there; gives distance << 9 | length, or 0. */
  find(at: number, available: number, best: number, depth: number, nice: number): number {
    const longest = Math.min(available - at, MAX_MATCH);
    if (longest < HASHED_BYTES) return 0;
    const window = this.#window;
    const chain = this.#chain;
    const word = this.#word(at);

    const hash = hashOf(word);
    let candidate = this.#heads[hash] as number;
    this.#heads[hash] = at;
    chain[at & CHAIN_MASK] = candidate;

    const lowest = Math.max(at - SLIDE_BYTES, 0);
    let found = 0;
    best = Math.max(best, HASHED_BYTES - 1);
    if (best >= longest) return found;
    nice = Math.min(nice, longest);

    // The last byte of a longer match is compared first, it is the most likely to differ.
    let last = window[at + best] as number;
    for (; candidate > lowest && depth > 0; depth--) {
      if (window[candidate + best] === last && this.#word(candidate) === word) {
        let length = HASHED_BYTES;
        while (length < longest && window[candidate + length] === window[at + length]) length++;
        if (length > best) {
          best = length;
          found = (at - candidate) << DISTANCE_SHIFT | length;
          if (length >= nice) break;
          last = window[at + best] as number;
        }
      }
      candidate = chain[candidate & CHAIN_MASK] as number;
    }
    return found;
  }

  #word(at: number): number {
    const window = this.#window;
    return (window[at] as number) | (window[at + 1] as number) << 8 |
      (window[at + 2] as number) << 16 | (window[at + 3] as number) << 24;
  }
}

function hashOf(word: number): number {
  return Math.imul(word, MULTIPLIER) >>> (32 - HASH_BITS);
}
