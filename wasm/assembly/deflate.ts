// deno-fmt-ignore-file: the formatter drops the decorators of AssemblyScript
// Deflate
// =======
//
// Compresses into a raw deflate stream (RFC 1951) from pieces of input of any size, in fixed memory.
// The same bytes and the same effort give the same stream, however the input is cut and wherever
// this runs: there is nothing here but integers, and no decision looks at where a piece ends.
//
// The host asks deflateSpace how many bytes it may write to deflateInput, writes them, says so with
// deflateWritten, and calls deflateRun until that gives NEED_INPUT. A run that gives BLOCK has put
// out a block: it lies at deflateOutput until the next run. After the last piece the host calls
// deflateEnd and runs until ENDED.
//
//   - match_finder.ts finds matches: hash chains, as in zlib and libdeflate.
//   - This file chooses among them. A match is taken at once where the effort is greedy, or when it
//     is long enough; else the position behind it is looked at first, and if a clearly better match
//     begins there, the present one becomes a literal.
//   - Literals and matches are kept and counted as items (items.ts) until there are enough for a
//     block, or until they begin to look different from those before (block_ends.ts).
//   - block_writer.ts writes a block in the shortest of the three ways: stored, with the fixed code,
//     or with codes of its own (huffman.ts).
//
// The window is 64 KiB and a little more. The position at work moves through its upper half; at the
// end of it the window slides by 32 KiB, so that there are always some 32 KiB of history, a little
// less than RFC 1951 allows. A position is worked on when the longest match, and what is entered
// for one, can be seen from there, or when the input has ended; so that decisions are the same
// whenever the host comes with the next piece.
//
// The scheme of lazy matching and its rule of what is clearly better, the test for the end of a
// block and the efforts are those of libdeflate by Eric Biggers (MIT licence), written anew.
// lib/kernel/_js_deflate.ts is the same in TypeScript; tests hold the two together.
import { alignOutput, resetOutput, takeOutput, written } from "./bit_writer";
import { isBlockAtEnd, nextComparison, resetBlockEnds } from "./block_ends";
import { writeBlock } from "./block_writer";
import { crc32 } from "./crc32";
import { putLiteral, putMatch, resetItems } from "./items";
import {
  candidateOf,
  DISTANCE_SHIFT,
  enterMatch,
  enterMatches,
  findMatch,
  HASHED_BYTES,
  lengthOf,
  MAX_MATCH,
  resetMatches,
  SLIDE_BYTES,
  slideMatches,
} from "./match_finder";
import { DEFLATE_OUTPUT, DEFLATE_WINDOW, DEFLATE_WINDOW_BYTES } from "./memory";

// What a run gives; lib/kernel has the same numbers.
const NEED_INPUT: i32 = 0;
const BLOCK: i32 = 1;
const ENDED: i32 = 2;

/**
 * Items of a block: of so many, one that cannot be compressed still lies in the window. A multiple
 * of the items between two comparisons.
 */
const MAX_ITEMS: u32 = 16384;
/** What must be there behind a position: a match, and the four bytes hashed at its end. */
const LOOK_AHEAD: u32 = 264;
/** The window slides when this is reached: positions inside of a match still fit into 16 bits. */
const SLIDE_AT: u32 = 0x10000 - LOOK_AHEAD;
/** Behind a match of this length a better one is looked for with a quarter of the depth, not half. */
const GOOD_LENGTH: u32 = 16;

/** How hard to look: depth of chains, length that is good enough, whether to look one further. */
let maxDepth: u32 = 0;
let niceLength: u32 = 0;
let isLazy: bool = false;

/** The position at work, and the end of what the host has written. */
let position: u32 = SLIDE_BYTES;
let available: u32 = SLIDE_BYTES;
let isEnded: bool = false;
let isDone: bool = false;
/** A match at the position before, distance << 9 | length, that waits for a better one; 0 if none. */
let deferred: u32 = 0;
let items: u32 = 0;
/** Where the block at work begins; below 0 when that has left the window. */
let blockStart: i32 = SLIDE_BYTES;
let crc: u32 = 0;

/** Begins a stream. */
export function deflateStart(depth: u32, nice: u32, lazy: u32): void {
  maxDepth = depth;
  niceLength = nice;
  isLazy = lazy !== 0;
  position = SLIDE_BYTES;
  available = SLIDE_BYTES;
  isEnded = false;
  isDone = false;
  deferred = 0;
  items = 0;
  blockStart = SLIDE_BYTES;
  crc = 0;
  resetMatches();
  resetItems();
  resetBlockEnds();
  resetOutput();
}

/** Where the host may write input, and how many bytes. */
export function deflateInput(): u32 {
  return <u32>DEFLATE_WINDOW + available;
}

export function deflateSpace(): u32 {
  return DEFLATE_WINDOW_BYTES - available;
}

/** Says that the host has written `bytes` bytes. */
export function deflateWritten(bytes: u32): void {
  crc = crc32(crc, DEFLATE_WINDOW + available, bytes);
  available += bytes;
}

/** Says that there is no more input. */
export function deflateEnd(): void {
  isEnded = true;
}

/** The CRC-32 of the input so far. */
export function deflateCrc(): u32 {
  return crc;
}

/** How many bytes the last run has put out; they lie at deflateOutput. */
export function deflateOutput(): u32 {
  return <u32>DEFLATE_OUTPUT;
}

export function deflateOutputBytes(): u32 {
  return <u32>(written - DEFLATE_OUTPUT);
}

/** Runs until there is something for the host to do. */
export function deflateRun(): i32 {
  takeOutput();
  if (isDone) return ENDED;
  while (true) {
    if (position >= SLIDE_AT) slide();
    const limit = isEnded ? available : available - min(LOOK_AHEAD, available);
    const isFull = parse(min(limit, SLIDE_AT));
    if (isFull) {
      endBlock(false);
      return BLOCK;
    }
    if (position >= SLIDE_AT) continue;
    if (!isEnded) return NEED_INPUT;
    if (deferred !== 0) {
      putMatch(items++, deferred);
      deferred = 0;
      position = available;
    }
    endBlock(true);
    alignOutput();
    isDone = true;
    return BLOCK;
  }
}

function slide(): void {
  memory.copy(DEFLATE_WINDOW, DEFLATE_WINDOW + SLIDE_BYTES, available - SLIDE_BYTES);
  slideMatches();
  position -= SLIDE_BYTES;
  blockStart -= SLIDE_BYTES;
  available -= SLIDE_BYTES;
}

function endBlock(isLast: bool): void {
  // A deferred match is no item yet.
  const end = <i32>position - i32(deferred !== 0);
  writeBlock(items, end - blockStart, DEFLATE_WINDOW + blockStart, isLast);
  items = 0;
  blockStart = end;
  resetItems();
  resetBlockEnds();
}

/**
 * Whether `match` is better than `other`, which begins one byte before and costs no literal: four
 * times what it is longer, against the bits that its distance has more.
 */
// @ts-ignore: decorator
@inline
function isBetter(match: u32, other: u32): bool {
  const longer = <i32>lengthOf(match) - <i32>lengthOf(other);
  const nearer = <i32>clz<u32>(match >> DISTANCE_SHIFT) - <i32>clz<u32>(other >> DISTANCE_SHIFT);
  return longer * 4 + nearer > 2;
}

/** Turns input up to `limit` into items; tells whether the block ends before that. */
function parse(limit: u32): bool {
  const end = available;
  let at = position;
  let count = items;
  let before = deferred;
  let isFull = false;
  let candidate = candidateOf(at);
  while (at < limit) {
    if (count >= nextComparison) {
      const bytes = <i32>at - i32(before !== 0) - blockStart;
      isFull = count >= MAX_ITEMS || isBlockAtEnd(count, bytes);
      if (isFull) break;
    }
    const best = lengthOf(before);
    const depth = before === 0 ? maxDepth : maxDepth >> (best < GOOD_LENGTH ? 1 : 2);
    const longest = min(end - at, MAX_MATCH);
    let match: u32 = 0;
    // What `candidate` is if the next position is looked at next.
    let next: u32 = 0;
    if (longest >= HASHED_BYTES) {
      enterMatch(at, candidate);
      next = candidateOf(at + 1);
      match = findMatch(at, candidate, best, longest, depth, niceLength);
    }
    if (before !== 0) {
      if (match === 0 || !isBetter(match, before)) {
        putMatch(count++, before);
        const behind = at - 1 + best;
        enterMatches(at + 1, behind, end);
        at = behind;
        candidate = candidateOf(at);
        before = 0;
        continue;
      }
      putLiteral(count++, load<u8>(at - 1, DEFLATE_WINDOW));
    } else if (match === 0) {
      putLiteral(count++, load<u8>(at, DEFLATE_WINDOW));
      at++;
      candidate = next;
      continue;
    }
    const length = lengthOf(match);
    if (isLazy && length < niceLength) {
      before = match;
      at++;
      candidate = next;
      continue;
    }
    putMatch(count++, match);
    enterMatches(at + 1, at + length, end);
    at += length;
    candidate = candidateOf(at);
    before = 0;
  }
  position = at;
  items = count;
  deferred = before;
  return isFull;
}
