// The items of the block at work, counted as they come: the twin of wasm/assembly/items.ts, where the
// kinds are explained.
import { DISTANCE_SHIFT, LENGTH_MASK } from "./_js_match_finder.ts";

export const LITERAL_SYMBOLS = 286;
export const DISTANCE_SYMBOLS = 30;
export const END_OF_BLOCK = 256;
export const FIRST_LENGTH = 257;
/** The shortest match that deflate has. */
export const MIN_LENGTH = 3;
export const KINDS = 10;
const FIRST_MATCH_KIND = 8;
const LONG_MATCH = 9;

// RFC 1951 §3.2.5
const LENGTH_SYMBOL = new Uint8Array(256);
export const LENGTH_START: Uint8Array = new Uint8Array(29);
export const LENGTH_EXTRA_BITS: Uint8Array = new Uint8Array(29);
for (let symbol = 0, length = 0; symbol < 28; symbol++) {
  const bits = symbol < 8 ? 0 : (symbol >> 2) - 1;
  LENGTH_START[symbol] = length;
  LENGTH_EXTRA_BITS[symbol] = bits;
  LENGTH_SYMBOL.fill(symbol, length, length += 1 << bits);
}
LENGTH_START[28] = 255;
LENGTH_SYMBOL[255] = 28;

const NEAR_SYMBOL = new Uint8Array(256);
const FAR_SYMBOL = new Uint8Array(256);
export const DISTANCE_START: Uint16Array = new Uint16Array(DISTANCE_SYMBOLS);
export const DISTANCE_EXTRA_BITS: Uint8Array = new Uint8Array(DISTANCE_SYMBOLS);
for (let symbol = 0, distance = 0; symbol < DISTANCE_SYMBOLS; symbol++) {
  const bits = symbol < 4 ? 0 : (symbol >> 1) - 1;
  DISTANCE_START[symbol] = distance;
  DISTANCE_EXTRA_BITS[symbol] = bits;
  const end = distance + (1 << bits);
  NEAR_SYMBOL.fill(symbol, distance, end);
  FAR_SYMBOL.fill(symbol, distance >> 7, end >> 7);
  distance = end;
}

/** The symbol of a length, which is given less MIN_LENGTH. */
export function lengthSymbol(length: number): number {
  return LENGTH_SYMBOL[length] as number;
}

/** The symbol of a distance, which is given less one. */
export function distanceSymbol(distance: number): number {
  return (distance < 256 ? NEAR_SYMBOL[distance] : FAR_SYMBOL[distance >> 7]) as number;
}

/** Literals, and matches as distance << 9 | length; how often there is each symbol and kind. */
export class Items {
  readonly literals: Uint32Array<ArrayBuffer> = new Uint32Array(LITERAL_SYMBOLS);
  readonly distances: Uint32Array<ArrayBuffer> = new Uint32Array(DISTANCE_SYMBOLS);
  /** Since the last comparison. */
  readonly kinds: Uint32Array<ArrayBuffer> = new Uint32Array(KINDS);
  readonly #items: Uint32Array<ArrayBuffer>;
  #count = 0;

  /** @param maxItems The most items of a block. */
  constructor(maxItems: number) {
    this.#items = new Uint32Array(maxItems);
    this.reset();
  }

  get count(): number {
    return this.#count;
  }

  /** The items, a view. */
  get all(): Uint32Array<ArrayBuffer> {
    return this.#items.subarray(0, this.#count);
  }

  /** Begins a block. */
  reset(): void {
    this.#count = 0;
    this.literals.fill(0);
    this.distances.fill(0);
    this.kinds.fill(0);
    this.literals[END_OF_BLOCK] = 1;
  }

  putLiteral(literal: number): void {
    this.#items[this.#count++] = literal;
    (this.literals[literal] as number)++;
    (this.kinds[literal >> 5 & 6 | literal & 1] as number)++;
  }

  putMatch(match: number): void {
    const length = match & LENGTH_MASK;
    this.#items[this.#count++] = match;
    (this.literals[FIRST_LENGTH + lengthSymbol(length - MIN_LENGTH)] as number)++;
    (this.distances[distanceSymbol((match >>> DISTANCE_SHIFT) - 1)] as number)++;
    (this.kinds[FIRST_MATCH_KIND + Number(length >= LONG_MATCH)] as number)++;
  }
}
