// deno-fmt-ignore-file: the formatter drops the decorators of AssemblyScript
// The items of the block at work: literals, and matches as distance << 9 | length. They are counted
// as they come, where it is known which of the two they are: to ask again costs more than to count.
// The counts of symbols are for the codes of the block (block_writer.ts). For its end (block_ends.ts)
// items are sorted into ten kinds, eight of literals by two high bits and the lowest, two of matches
// by length. lib/kernel/_js_items.ts is the same in TypeScript.
import { DISTANCE_SHIFT, lengthOf } from "./match_finder";
import {
  DISTANCE_COUNTS,
  DISTANCE_SYMBOLS,
  ITEMS,
  KINDS_NEW,
  LENGTH_SYMBOLS,
  LITERAL_COUNTS,
} from "./memory";

/** The symbol that ends a block, and that of the shortest length. */
export const END_OF_BLOCK: u32 = 256;
export const FIRST_LENGTH: u32 = 257;
/** The shortest match that deflate has. */
export const MIN_LENGTH: u32 = 3;
/** Symbols of literals and lengths, and of distances, with those that have no meaning. */
const SYMBOLS: u32 = 288;
const DISTANCES: u32 = 32;
/** Kinds of items. */
export const KINDS: u32 = 10;
const FIRST_MATCH_KIND: u32 = 8;
/** Matches of at least this length are a kind of their own. */
const LONG_MATCH: u32 = 9;

/** Begins a block. */
export function resetItems(): void {
  memory.fill(LITERAL_COUNTS, 0, SYMBOLS << 2);
  memory.fill(DISTANCE_COUNTS, 0, DISTANCES << 2);
  memory.fill(KINDS_NEW, 0, KINDS << 2);
  store<u32>(LITERAL_COUNTS + (END_OF_BLOCK << 2), 1);
}

// @ts-ignore: decorator
@inline
function countSymbol(symbol: u32): void {
  const at = symbol << 2;
  store<u32>(at, load<u32>(at, LITERAL_COUNTS) + 1, LITERAL_COUNTS);
}

// @ts-ignore: decorator
@inline
function countDistance(symbol: u32): void {
  const at = symbol << 2;
  store<u32>(at, load<u32>(at, DISTANCE_COUNTS) + 1, DISTANCE_COUNTS);
}

// @ts-ignore: decorator
@inline
function countKind(kind: u32): void {
  const at = kind << 2;
  store<u32>(at, load<u32>(at, KINDS_NEW) + 1, KINDS_NEW);
}

/** The symbol of a distance, which is given less one. */
// @ts-ignore: decorator
@inline
export function distanceSymbol(distance: u32): u32 {
  const index: u32 = distance < 256 ? distance : 256 + (distance >> 7);
  return load<u8>(index, DISTANCE_SYMBOLS);
}

/** Puts a literal at an index. */
// @ts-ignore: decorator
@inline
export function putLiteral(index: u32, literal: u32): void {
  store<u32>(index << 2, literal, ITEMS);
  countSymbol(literal);
  countKind(literal >> 5 & 6 | literal & 1);
}

/** Puts a match at an index. */
export function putMatch(index: u32, match: u32): void {
  const length = lengthOf(match);
  store<u32>(index << 2, match, ITEMS);
  countSymbol(FIRST_LENGTH + <u32>load<u8>(length - MIN_LENGTH, LENGTH_SYMBOLS));
  countDistance(distanceSymbol((match >> DISTANCE_SHIFT) - 1));
  countKind(FIRST_MATCH_KIND + u32(length >= LONG_MATCH));
}
