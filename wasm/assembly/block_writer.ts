// deno-fmt-ignore-file: the formatter drops the decorators of AssemblyScript
// Writes a block (RFC 1951 §3.2.3) in the shortest of the three ways. What each would cost is
// computed to the bit, so that none is tried out. lib/kernel/_js_block_writer.ts is the same in
// TypeScript.
import { alignOutput, putBits, waiting, waitingBits, written } from "./bit_writer";
import { assignCodes, makeCode } from "./huffman";
import { distanceSymbol, END_OF_BLOCK, FIRST_LENGTH, MIN_LENGTH } from "./items";
import { DISTANCE_SHIFT, lengthOf } from "./match_finder";
import {
  DISTANCE_CODES,
  DISTANCE_COUNTS,
  DISTANCE_STARTS,
  DISTANCE_SYMBOLS,
  FIXED_LENGTHS,
  ITEMS,
  LENGTH_CODES,
  LENGTH_SYMBOLS,
  LITERAL_CODES,
  LITERAL_COUNTS,
  RUN_CODES,
  RUN_COUNTS,
  RUN_LENGTHS,
  RUNS,
  WRITTEN_LENGTHS,
} from "./memory";

const STORED: u32 = 0;
const FIXED: u32 = 1;
const DYNAMIC: u32 = 2;

const LITERAL_SYMBOLS: u32 = 286;
const FIXED_LITERAL_SYMBOLS: u32 = 288;
const ALL_DISTANCES: u32 = 30;
const RUN_SYMBOLS: u32 = 19;
const MAX_CODE_BITS: u32 = 15;
const MAX_RUN_CODE_BITS: u32 = 7;
/** Where an entry of a code has its length, and what the code itself may take. */
const BITS_SHIFT: u32 = 24;
const CODE_MASK: u32 = (1 << BITS_SHIFT) - 1;

/** A longer block may have left the window. One that cannot be compressed is shorter. */
const MAX_STORED_BYTES: i32 = 0x7e00;
/** The length of a stored block and its complement. */
const STORED_LENGTHS_BITS: u32 = 32;

// RFC 1951 §3.2.7: the order in which the lengths of the code length code come.
const RUN_ORDER: usize = memory.data<u8>([
  16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15,
]);

/** Symbols in RUNS, and how many lengths of each code they describe. */
let runs: u32 = 0;
let literalLengths: u32 = 0;
let distanceLengths: u32 = 0;
let runLengths: u32 = 0;

/** Writes the tables from lengths and distances to symbols. RFC 1951 §3.2.5. */
export function setupBlockWriter(): void {
  let length: u32 = 0;
  for (let symbol: u32 = 0; symbol < 28; symbol++) {
    const count: u32 = 1 << lengthExtraBits(symbol);
    memory.fill(LENGTH_SYMBOLS + length, <u8>symbol, count);
    length += count;
  }
  store<u8>(LENGTH_SYMBOLS + 255, 28);
  let distance: u32 = 0;
  for (let symbol: u32 = 0; symbol < ALL_DISTANCES; symbol++) {
    const count: u32 = 1 << distanceExtraBits(symbol);
    store<u32>(DISTANCE_STARTS + (symbol << 2), distance);
    if (distance < 256) memory.fill(DISTANCE_SYMBOLS + distance, <u8>symbol, count);
    else memory.fill(DISTANCE_SYMBOLS + 256 + (distance >> 7), <u8>symbol, count >> 7);
    distance += count;
  }
}

// @ts-ignore: decorator
@inline
function lengthExtraBits(symbol: u32): u32 {
  return symbol < 8 || symbol === 28 ? 0 : (symbol >> 2) - 1;
}

// @ts-ignore: decorator
@inline
function distanceExtraBits(symbol: u32): u32 {
  return symbol < 4 ? 0 : (symbol >> 1) - 1;
}

/** Writes `items` items, which stand for `bytes` bytes at `source`, as a block. */
export function writeBlock(items: u32, bytes: i32, source: usize, isLast: bool): void {
  const extraBits = countExtraBits();
  makeCode(LITERAL_COUNTS, LITERAL_SYMBOLS, MAX_CODE_BITS, WRITTEN_LENGTHS, LITERAL_CODES);
  const distances = WRITTEN_LENGTHS + FIXED_LITERAL_SYMBOLS;
  makeCode(DISTANCE_COUNTS, ALL_DISTANCES, MAX_CODE_BITS, distances, DISTANCE_CODES);
  const dynamicBits = describeCodes() + countCodeBits(WRITTEN_LENGTHS) + extraBits;
  const fixedBits = countCodeBits(FIXED_LENGTHS) + extraBits;

  const fillBits: u32 = 7 - (waitingBits + 2 & 7);
  const storedBits = fillBits + STORED_LENGTHS_BITS + (<u32>bytes << 3);
  if (bytes <= MAX_STORED_BYTES && storedBits < min(fixedBits, dynamicBits)) {
    writeStored(bytes, source, isLast);
    return;
  }
  if (fixedBits <= dynamicBits) {
    putBits(u32(isLast) | FIXED << 1, 3);
    makeFixedCode();
  } else {
    putBits(u32(isLast) | DYNAMIC << 1, 3);
    writeCodes();
  }
  writeItems(items);
}

/** The bits behind codes, which all codes have in common. */
function countExtraBits(): u32 {
  let bits: u32 = 0;
  for (let symbol: u32 = 8; symbol < 28; symbol++) {
    bits += load<u32>(LITERAL_COUNTS + (FIRST_LENGTH + symbol << 2)) * lengthExtraBits(symbol);
  }
  for (let symbol: u32 = 4; symbol < ALL_DISTANCES; symbol++) {
    bits += load<u32>(DISTANCE_COUNTS + (symbol << 2)) * distanceExtraBits(symbol);
  }
  return bits;
}

/** The bits of codes with these lengths: literals, behind FIXED_LITERAL_SYMBOLS distances. */
function countCodeBits(lengths: usize): u32 {
  let bits: u32 = 0;
  for (let symbol: u32 = 0; symbol < LITERAL_SYMBOLS; symbol++) {
    bits += load<u32>(LITERAL_COUNTS + (symbol << 2)) * <u32>load<u8>(lengths + symbol);
  }
  lengths += FIXED_LITERAL_SYMBOLS;
  for (let symbol: u32 = 0; symbol < ALL_DISTANCES; symbol++) {
    bits += load<u32>(DISTANCE_COUNTS + (symbol << 2)) * <u32>load<u8>(lengths + symbol);
  }
  return bits;
}

function makeFixedCode(): void {
  assignCodes(FIXED_LITERAL_SYMBOLS, MAX_CODE_BITS, FIXED_LENGTHS, LITERAL_CODES);
  const distances = FIXED_LENGTHS + FIXED_LITERAL_SYMBOLS;
  assignCodes(ALL_DISTANCES, MAX_CODE_BITS, distances, DISTANCE_CODES);
}

/**
 * Describes the two codes in RUNS (RFC 1951 §3.2.7), makes the code for that, and gives what all of
 * it costs.
 */
function describeCodes(): u32 {
  literalLengths = LITERAL_SYMBOLS;
  while (literalLengths > FIRST_LENGTH && length(literalLengths - 1) === 0) literalLengths--;
  distanceLengths = ALL_DISTANCES;
  while (length(FIXED_LITERAL_SYMBOLS + distanceLengths - 1) === 0) distanceLengths--;
  memory.copy(
    RUN_LENGTHS,
    WRITTEN_LENGTHS,
    literalLengths,
  );
  memory.copy(
    RUN_LENGTHS + literalLengths,
    WRITTEN_LENGTHS + FIXED_LITERAL_SYMBOLS,
    distanceLengths,
  );
  memory.fill(RUN_COUNTS, 0, RUN_SYMBOLS << 2);
  runs = 0;
  findRuns(literalLengths + distanceLengths);
  makeCode(RUN_COUNTS, RUN_SYMBOLS, MAX_RUN_CODE_BITS, RUN_LENGTHS, RUN_CODES);

  runLengths = RUN_SYMBOLS;
  while (runCode(load<u8>(RUN_ORDER + runLengths - 1)) === 0) runLengths--;
  let bits: u32 = 5 + 5 + 4 + 3 * runLengths;
  for (let symbol: u32 = 0; symbol < RUN_SYMBOLS; symbol++) {
    const each = (runCode(symbol) >> BITS_SHIFT) + runExtraBits(symbol);
    bits += load<u32>(RUN_COUNTS + (symbol << 2)) * each;
  }
  return bits;
}

// @ts-ignore: decorator
@inline
function length(symbol: u32): u32 {
  return load<u8>(WRITTEN_LENGTHS + symbol);
}

// @ts-ignore: decorator
@inline
function runCode(symbol: u32): u32 {
  return load<u32>(RUN_CODES + (symbol << 2));
}

// @ts-ignore: decorator
@inline
function runExtraBits(symbol: u32): u32 {
  return symbol < 16 ? 0 : symbol === 16 ? 2 : symbol === 17 ? 3 : 7;
}

function addRun(symbol: u32, extra: u32): void {
  store<u16>(RUNS + (runs++ << 1), <u16>(extra << 5 | symbol));
  const at = RUN_COUNTS + (symbol << 2);
  store<u32>(at, load<u32>(at) + 1);
}

/** Writes the lengths as runs: 16 repeats the length before, 17 and 18 are zeros. */
function findRuns(lengths: u32): void {
  let at: u32 = 0;
  while (at < lengths) {
    const value = <u32>load<u8>(RUN_LENGTHS + at);
    let left: u32 = 1;
    while (at + left < lengths && <u32>load<u8>(RUN_LENGTHS + at + left) === value) left++;
    at += left;
    if (value === 0) {
      for (; left >= 11; left -= min(left, 138)) addRun(18, min(left, 138) - 11);
      if (left >= 3) {
        addRun(17, left - 3);
        left = 0;
      }
    } else if (left >= 4) {
      addRun(value, 0);
      for (left--; left >= 3; left -= min(left, 6)) addRun(16, min(left, 6) - 3);
    }
    for (; left > 0; left--) addRun(value, 0);
  }
}

function writeCodes(): void {
  putBits(literalLengths - 257 | distanceLengths - 1 << 5 | runLengths - 4 << 10, 14);
  for (let index: u32 = 0; index < runLengths; index++) {
    putBits(runCode(load<u8>(RUN_ORDER + index)) >> BITS_SHIFT, 3);
  }
  for (let index: u32 = 0; index < runs; index++) {
    const run = <u32>load<u16>(RUNS + (index << 1));
    const symbol = run & 31;
    const code = runCode(symbol);
    const bits = code >> BITS_SHIFT;
    putBits(code & CODE_MASK | run >> 5 << bits, bits + runExtraBits(symbol));
  }
}

function writeStored(bytes: u32, source: usize, isLast: bool): void {
  putBits(u32(isLast) | STORED << 1, 3);
  alignOutput();
  putBits(<u64>(bytes | (bytes ^ 0xffff) << 16), STORED_LENGTHS_BITS);
  memory.copy(written, source, bytes);
  written += bytes;
}

/** Joins the codes of lengths with their extra bits, one entry for each length. */
function joinLengthCodes(): void {
  let first: u32 = 0;
  for (let symbol: u32 = 0; symbol < 28; symbol++) {
    const code = load<u32>(LITERAL_CODES + (FIRST_LENGTH + symbol << 2));
    const bits = code >> BITS_SHIFT;
    const extraBits = lengthExtraBits(symbol);
    for (let extra: u32 = 0; extra < <u32>(1 << extraBits); extra++) {
      const joined = code + (extraBits << BITS_SHIFT) | extra << bits;
      store<u32>(LENGTH_CODES + (first++ << 2), joined);
    }
  }
  store<u32>(LENGTH_CODES + (255 << 2), load<u32>(LITERAL_CODES + (FIRST_LENGTH + 28 << 2)));
}

function writeItems(items: u32): void {
  joinLengthCodes();
  let buffer = waiting;
  let count = <u64>waitingBits;
  let to = written;
  const end = ITEMS + (items << 2);
  for (let at = ITEMS; at < end; at += 4) {
    const item = load<u32>(at);
    if (item < 256) {
      // Up to 47 bits wait here, and a literal has at most 15.
      const code = load<u32>(item << 2, LITERAL_CODES);
      buffer |= <u64>(code & CODE_MASK) << count;
      count += code >> BITS_SHIFT;
      if (count < 48) continue;
    } else {
      // A length has at most 20 bits, a distance 28; they need an empty buffer.
      store<u64>(to, buffer);
      to += <usize>(count >> 3);
      buffer >>= count & ~7;
      count &= 7;
      const joined = load<u32>(lengthOf(item) - MIN_LENGTH << 2, LENGTH_CODES);
      buffer |= <u64>(joined & CODE_MASK) << count;
      count += joined >> BITS_SHIFT;
      const distance = (item >> DISTANCE_SHIFT) - 1;
      const symbol = distanceSymbol(distance);
      const code = load<u32>(symbol << 2, DISTANCE_CODES);
      buffer |= <u64>(code & CODE_MASK) << count;
      count += code >> BITS_SHIFT;
      buffer |= <u64>(distance - load<u32>(symbol << 2, DISTANCE_STARTS)) << count;
      count += distanceExtraBits(symbol);
    }
    store<u64>(to, buffer);
    to += <usize>(count >> 3);
    buffer >>= count & ~7;
    count &= 7;
  }
  waiting = buffer;
  waitingBits = <u32>count;
  written = to;
  const last = load<u32>(LITERAL_CODES + (END_OF_BLOCK << 2));
  putBits(last & CODE_MASK, last >> BITS_SHIFT);
}
