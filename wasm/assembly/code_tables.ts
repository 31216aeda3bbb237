// deno-fmt-ignore-file: the formatter drops the decorators of AssemblyScript
// Decoding tables of the canonical Huffman codes of deflate (RFC 1951 §3.2.2). The scheme, and the
// way a table is filled by doubling, are those of libdeflate by Eric Biggers (MIT licence),
// re-implemented here.
//
// The next 11 bits of input (9 for distances) index the table. A longer code has a sub-table behind
// the main one, which the bits after the 11 (9) index. An entry holds all that decoding needs, laid
// out so that the whole entry is a shift count: WebAssembly takes the low six bits of one.
//
//   literal/length entry, u32
//     literal      1 ------- -------- llllllll 00bbbbbb
//     length       0 sssss m mmmmmmmm 000xxxxx 00bbbbbb      (s 25-29, m 16-24, x 8-12)
//     sub-table    0 0000000 oooooooo oooomask 10bbbbbb      (o 16-27, mask 8-15)
//     end of block 0 ------- -------- -------0 11bbbbbb
//     invalid      0 ------- -------- -------1 11------
//
//   distance entry, u64
//     distance     x 32-44  m 16-30  s 8-13  00bbbbbb
//     sub-table    o 32-47  mask 16-23       10bbbbbb
//     invalid                                11------
//
//   b  bits that the entry consumes: the code (or its part in this table) and its extra bits
//   l  the literal          m  base length or distance       x  mask of the extra bits
//   s  how far to shift to the extra bits: the length of the code, plus 2, because the fast loop
//      keeps its bit buffer shifted left by 2 (see inflate.ts)
//   o  index of the sub-table    mask  of the bits that index it
import {
  DISTANCE_BASES,
  DISTANCE_TABLE,
  LENGTH_COUNTS,
  LENGTH_OFFSETS,
  LENGTHS,
  LITERAL_BASES,
  LITERAL_TABLE,
  SORTED_SYMBOLS,
} from "./memory";

export const LITERAL_ROOT_BITS: u32 = 11;
export const DISTANCE_ROOT_BITS: u32 = 9;

/** Set in entries that are neither literal nor length nor distance. */
export const EXCEPTION: u32 = 0x80;
/** Set with EXCEPTION in those that are no sub-table. */
export const NO_SUB_TABLE: u32 = 0x40;
/** Set with both in literal/length entries that no symbol has. */
export const INVALID: u32 = 0x100;

const LITERAL: u32 = 0x80000000;
const INVALID_ENTRY: u32 = EXCEPTION | NO_SUB_TABLE | INVALID;
const MAX_BITS: u32 = 15;
const END_OF_BLOCK: u32 = 256;
const FIRST_LENGTH: u32 = 257;
const LAST_LENGTH: u32 = 285;
const DISTANCE_SYMBOLS: u32 = 30;
/** What the fast loop shifts its bit buffer by. */
const BUFFER_SHIFT: u32 = 2;

/** Writes the part of each entry that does not depend on the code. RFC 1951 §3.2.5. */
export function setupCodeTables(): void {
  for (let symbol: u32 = 0; symbol < END_OF_BLOCK; symbol++) {
    setLiteralBase(symbol, LITERAL | symbol << 8);
  }
  setLiteralBase(END_OF_BLOCK, EXCEPTION | NO_SUB_TABLE);
  let base: u32 = 3;
  for (let symbol = FIRST_LENGTH; symbol < LAST_LENGTH; symbol++) {
    const extraBits: u32 = symbol < 265 ? 0 : (symbol - 261) >> 2;
    setLiteralBase(symbol, base << 16 | ((1 << extraBits) - 1) << 8 | extraBits);
    base += 1 << extraBits;
  }
  setLiteralBase(LAST_LENGTH, 258 << 16);
  // The fixed code has codes for these two, and for distances 30 and 31.
  setLiteralBase(286, INVALID_ENTRY);
  setLiteralBase(287, INVALID_ENTRY);

  base = 1;
  for (let symbol: u32 = 0; symbol < DISTANCE_SYMBOLS; symbol++) {
    const extraBits: u32 = symbol < 4 ? 0 : (symbol - 2) >> 1;
    setDistanceBase(symbol, <u64>((1 << extraBits) - 1) << 32 | <u64>base << 16 | extraBits);
    base += 1 << extraBits;
  }
  setDistanceBase(30, INVALID_ENTRY);
  setDistanceBase(31, INVALID_ENTRY);
}

function setLiteralBase(symbol: u32, entry: u32): void {
  store<u32>(LITERAL_BASES + (symbol << 2), entry);
}

function setDistanceBase(symbol: u32, entry: u64): void {
  store<u64>(DISTANCE_BASES + (symbol << 3), entry);
}

/** Builds the table for the first `symbols` of LENGTHS; `false` when they make no valid code. */
export function buildLiteralTable(symbols: u32): bool {
  return build(true, LENGTHS, symbols, LITERAL_ROOT_BITS);
}

/** Builds the table for `symbols` lengths at `lengths`; `false` when they make no valid code. */
export function buildDistanceTable(lengths: usize, symbols: u32): bool {
  return build(false, lengths, symbols, DISTANCE_ROOT_BITS);
}

// @ts-ignore: decorator
@inline
function count(length: u32): u32 {
  return load<u32>(LENGTH_COUNTS + (length << 2));
}

/** Writes the entry of `symbol`, whose code has `bits` bits in this table. */
// @ts-ignore: decorator
@inline
function put(isLiteral: bool, index: u32, symbol: u32, bits: u32): void {
  if (isLiteral) {
    const base = load<u32>(LITERAL_BASES + (symbol << 2));
    const shift = <i32>base < 0 ? 0 : (bits + BUFFER_SHIFT) << 25;
    store<u32>(LITERAL_TABLE + (index << 2), base + bits | shift);
  } else {
    const base = load<u64>(DISTANCE_BASES + (symbol << 3));
    store<u64>(DISTANCE_TABLE + (index << 3), base + bits | <u64>(bits + BUFFER_SHIFT) << 8);
  }
}

// @ts-ignore: decorator
@inline
function putSubTable(isLiteral: bool, index: u32, start: u32, mask: u32, rootBits: u32): void {
  const entry = EXCEPTION | rootBits;
  if (isLiteral) store<u32>(LITERAL_TABLE + (index << 2), start << 16 | mask << 8 | entry);
  else store<u64>(DISTANCE_TABLE + (index << 3), <u64>start << 32 | <u64>mask << 16 | <u64>entry);
}

/** Repeats the first `entries` entries once: one more bit that the codes so far do not look at. */
// @ts-ignore: decorator
@inline
function double(isLiteral: bool, entries: u32): void {
  const table = isLiteral ? LITERAL_TABLE : DISTANCE_TABLE;
  const end = table + <usize>(entries << (isLiteral ? 2 : 3));
  // When that is less than a vector, what the vector writes behind it is overwritten later.
  for (let from = table, to = end; from < end; from += 16, to += 16) {
    v128.store(to, v128.load(from));
  }
}

/** The code after `code`, both with their bits reversed as deflate sends them. */
// @ts-ignore: decorator
@inline
function nextReversed(code: u32, lastCode: u32): u32 {
  // Adding 1 to the unreversed code clears its trailing ones and sets the bit before them.
  const bit: u32 = 1 << (31 - clz<u32>(code ^ lastCode));
  return code & (bit - 1) | bit;
}

/** Fills a table for a code with at most one symbol. Bits without a code stay invalid. */
// @ts-ignore: decorator
@inline
function buildTiny(isLiteral: bool, lengths: usize, codes: u32, rootBits: u32): void {
  const entries: u32 = 1 << rootBits;
  for (let index: u32 = 0; index < entries; index++) {
    if (isLiteral) store<u32>(LITERAL_TABLE + (index << 2), INVALID_ENTRY);
    else store<u64>(DISTANCE_TABLE + (index << 3), INVALID_ENTRY);
  }
  if (codes === 0) return;
  let symbol: u32 = 0;
  while (load<u8>(lengths + symbol) === 0) symbol++;
  for (let index: u32 = 0; index < entries; index += 2) put(isLiteral, index, symbol, 1);
}

// @ts-ignore: decorator
@inline
function build(isLiteral: bool, lengths: usize, symbols: u32, rootBits: u32): bool {
  memory.fill(LENGTH_COUNTS, 0, (MAX_BITS + 1) << 2);
  for (let symbol: u32 = 0; symbol < symbols; symbol++) {
    const at = LENGTH_COUNTS + (<u32>load<u8>(lengths + symbol) << 2);
    store<u32>(at, load<u32>(at) + 1);
  }
  let codes: u32 = 0;
  let space: u32 = 0;
  for (let length: u32 = 1; length <= MAX_BITS; length++) {
    store<u32>(LENGTH_OFFSETS + (length << 2), codes);
    codes += count(length);
    space += count(length) << (MAX_BITS - length);
  }
  if (space > 1 << MAX_BITS) return false;
  if (space < 1 << MAX_BITS) {
    // As zlib: a code may be incomplete when it has no symbol, or one with a single bit.
    if (codes > 1 || codes !== count(1)) return false;
    buildTiny(isLiteral, lengths, codes, rootBits);
    return true;
  }

  for (let symbol: u32 = 0; symbol < symbols; symbol++) {
    const length = <u32>load<u8>(lengths + symbol);
    if (length === 0) continue;
    const at = LENGTH_OFFSETS + (length << 2);
    const offset = load<u32>(at);
    store<u32>(at, offset + 1);
    store<u16>(SORTED_SYMBOLS + (offset << 1), <u16>symbol);
  }

  // Codes that fit the main table, in order. The table has the size of the present length and
  // doubles when the length grows.
  let next = SORTED_SYMBOLS;
  let code: u32 = 0;
  let length: u32 = 1;
  while (count(length) === 0) length++;
  let left = count(length);
  let entries: u32 = 1 << length;
  while (length <= rootBits) {
    do {
      put(isLiteral, code, load<u16>(next), length);
      next += 2;
      if (code === entries - 1) {
        for (; length < rootBits; length++, entries <<= 1) double(isLiteral, entries);
        return true;
      }
      code = nextReversed(code, entries - 1);
    } while (--left > 0);
    do {
      if (++length <= rootBits) {
        double(isLiteral, entries);
        entries <<= 1;
      }
      left = count(length);
    } while (left === 0);
  }

  // Longer codes, those with the same first bits in one sub-table.
  const rootMask: u32 = (1 << rootBits) - 1;
  let prefix: u32 = u32.MAX_VALUE;
  let start: u32 = 0;
  let end: u32 = 1 << rootBits;
  while (true) {
    if ((code & rootMask) !== prefix) {
      prefix = code & rootMask;
      start = end;
      // Grow until the codes that are left fill the sub-table.
      let bits = length - rootBits;
      for (let used = left; used < <u32>(1 << bits);) {
        bits++;
        used = (used << 1) + count(rootBits + bits);
      }
      end = start + (1 << bits);
      putSubTable(isLiteral, prefix, start, (1 << bits) - 1, rootBits);
    }
    const bits = length - rootBits;
    const symbol = <u32>load<u16>(next);
    next += 2;
    for (let index = start + (code >> rootBits); index < end; index += 1 << bits) {
      put(isLiteral, index, symbol, bits);
    }
    const lastCode: u32 = (1 << length) - 1;
    if (code === lastCode) return true;
    code = nextReversed(code, lastCode);
    left--;
    while (left === 0) left = count(++length);
  }
}
