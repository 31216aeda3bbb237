// deno-fmt-ignore-file: the formatter drops the decorators of AssemblyScript
// Finds what came before: the strings of the last 32 KiB, chained by a hash of their first four
// bytes, newest first. Matches of three bytes, which deflate has too, are not looked for: a table
// for them makes output 0.5 % smaller, and takes a seventh of the time.
//
// Positions are offsets in DEFLATE_WINDOW, which fit into 16 bits, and 0 is no position. The window
// slides by 32 KiB; all positions then sink by as much, and those that would sink below 0 are
// forgotten: they lie out of reach.
//
// Every position is entered, those inside of matches too. lib/kernel/_js_match_finder.ts gives the
// same in TypeScript.
import {
  DEFLATE_WINDOW,
  HASH_HEADS,
  MATCH_CHAIN,
  MATCH_TABLES_END,
} from "./memory";

export const MAX_MATCH: u32 = 258;
/** Where the distance stands in a match; its length is below. */
export const DISTANCE_SHIFT: u32 = 9;
/** What the window slides by: the reach of a distance. */
export const SLIDE_BYTES: u32 = 0x8000;

const CHAIN_MASK: u32 = SLIDE_BYTES - 1;
/** Bytes that a hash looks at: the shortest match. */
export const HASHED_BYTES: u32 = 4;
/** The golden ratio: spreads the bits of neighbours. */
const MULTIPLIER: u32 = 0x9e3779b1;
const HASH_SHIFT: u32 = 32 - 16;

/** Forgets everything. */
export function resetMatches(): void {
  memory.fill(HASH_HEADS, 0, MATCH_TABLES_END - HASH_HEADS);
}

/** Lets all positions sink by SLIDE_BYTES. */
export function slideMatches(): void {
  const sunk = i16x8.splat(<i16>SLIDE_BYTES);
  for (let at = HASH_HEADS; at < MATCH_TABLES_END; at += 16) {
    v128.store(at, i16x8.sub_sat_u(v128.load(at), sunk));
  }
}

// @ts-ignore: decorator
@inline
export function lengthOf(match: u32): u32 {
  return match & ((1 << DISTANCE_SHIFT) - 1);
}

// What follows indexes tables with small numbers; where they begin is part of the instruction.

// @ts-ignore: decorator
@inline
function word(at: u32): u32 {
  return load<u32>(at, DEFLATE_WINDOW);
}

/** The index of a position's head. */
// @ts-ignore: decorator
@inline
function headOf(at: u32): usize {
  return word(at) * MULTIPLIER >> HASH_SHIFT << 1;
}

/** Puts a position in front of its chain. */
// @ts-ignore: decorator
@inline
function enter(head: usize, at: u32, candidate: u32): void {
  store<u16>((at & CHAIN_MASK) << 1, <u16>candidate, MATCH_CHAIN);
  store<u16>(head, <u16>at, HASH_HEADS);
}

/** Enters the positions from `at` up to `end`, as far as four bytes are there. */
export function enterMatches(at: u32, end: u32, available: u32): void {
  if (end + HASHED_BYTES > available + 1) end = max(at, available - (HASHED_BYTES - 1));
  for (; at < end; at++) {
    const head = headOf(at);
    enter(head, at, load<u16>(head, HASH_HEADS));
  }
}

/** How many bytes of `longest` are the same at two positions, of which `shorter` are known to be. */
// @ts-ignore: decorator
@inline
function extend(one: u32, other: u32, shorter: u32, longest: u32): u32 {
  // Up to seven bytes behind the longest are compared as well, and do not count.
  for (let length = shorter; length < longest; length += 8) {
    const difference = load<u64>(one + length, DEFLATE_WINDOW) ^
      load<u64>(other + length, DEFLATE_WINDOW);
    if (difference !== 0) return min(length + (<u32>ctz<u64>(difference) >> 3), longest);
  }
  return longest;
}

/**
 * The newest position that may have the same four bytes as `at`, which is not entered yet. It is asked
 * for before it is needed: the table of heads is larger than the first cache.
 */
// @ts-ignore: decorator
@inline
export function candidateOf(at: u32): u32 {
  return load<u16>(headOf(at), HASH_HEADS);
}

/** Enters the position `at`; four bytes have to be there. */
// @ts-ignore: decorator
@inline
export function enterMatch(at: u32, candidate: u32): void {
  enter(headOf(at), at, candidate);
}

/**
 * Looks for a match at `at` that is longer than `best` and has at most `longest` bytes, in the chain
 * of `depth` strings that begins with `candidate`; one of `nice` bytes is good enough. Gives
 * distance << 9 | length, or 0.
 */
// @ts-ignore: decorator
@inline
export function findMatch(
  at: u32,
  candidate: u32,
  best: u32,
  longest: u32,
  depth: u32,
  nice: u32,
): u32 {
  // Position 0 is none, and those of SLIDE_BYTES before share their place in the chain with `at`.
  const lowest = <u32>max(<i32>at - <i32>SLIDE_BYTES, 0);
  let found: u32 = 0;
  best = max(best, HASHED_BYTES - 1);
  if (best >= longest) return found;
  nice = min(nice, longest);

  // A longer match has the same four bytes at the end of what was the best; they are compared first.
  const start = word(at);
  let tail = best - 3;
  let end = word(at + tail);
  for (; candidate > lowest && depth > 0; depth--) {
    if (word(candidate + tail) === end && word(candidate) === start) {
      const length = extend(at, candidate, HASHED_BYTES, longest);
      if (length > best) {
        best = length;
        found = (at - candidate) << DISTANCE_SHIFT | length;
        if (length >= nice) break;
        tail = best - 3;
        end = word(at + tail);
      }
    }
    candidate = load<u16>((candidate & CHAIN_MASK) << 1, MATCH_CHAIN);
  }
  return found;
}
