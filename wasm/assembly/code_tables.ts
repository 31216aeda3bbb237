// deno-fmt-ignore-file: the formatter drops the decorators of AssemblyScript
// Decoding tables of the canonical Huffman codes of deflate (RFC 1951 §3.2.2). The scheme, and the
// way a table is filled by doubling, are those of libdeflate by Eric Biggers (MIT licence),
// re-implemented here.
//
// The next 11 bits of input (9 for distances) index the table. A longer code has a sub-table behind
// the main one, which the bits after the 11 (9) index. Two literals whose codes fit into the 11 bits
// together share an entry: each look into a table waits for the one before, and that is most of what
// decoding waits for. An entry has 32 bits with all that decoding needs:
//
//   literal              111-ssss -------- llllllll 00bbbbbb
//   two literals         110-ssss kkkkkkkk llllllll 00bbbbbb
//   length or distance   0mmmmmmm mmmmmmmm ---xxxxx 00bbbbbb
//   sub-table            0---oooo oooooooo iiiiiiii 10bbbbbb
//   end of block         -------- -------- -------0 11bbbbbb
//   invalid              -------- -------- -------1 11------
//
//   b  bits that the entry consumes: the code (or its part in this table) and its extra bits; the
//      whole entry is a shift count, of which WebAssembly takes the low six bits
//   l  the literal, or the first of two    k  the second    s  bits of the first one's code alone
//   m  base length or distance             x  31 less the number of extra bits
//   o  index of the sub-table              i  mask of the bits that index it
//
// The highest three bits of literals are, as a signed number, minus how many they are.
import {
  DISTANCE_BASES,
  DISTANCE_TABLE,
  LENGTH_COUNTS,
  LENGTH_OFFSETS,
  LENGTHS,
  LITERAL_BASES,
  LITERAL_TABLE,
  SORTED_CODES,
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

const LITERAL: u32 = 0xe0000000;
const TWO_LITERALS: u32 = 0xc0000000;
const INVALID_ENTRY: u32 = EXCEPTION | NO_SUB_TABLE | INVALID;
const MAX_BITS: u32 = 15;
const END_OF_BLOCK: u32 = 256;
const FIRST_LENGTH: u32 = 257;
const LAST_LENGTH: u32 = 285;
const DISTANCE_SYMBOLS: u32 = 30;

/** Writes the part of each entry that does not depend on the code. RFC 1951 §3.2.5. */
export function setupCodeTables(): void {
  for (let symbol: u32 = 0; symbol < END_OF_BLOCK; symbol++) {
    setLiteralBase(symbol, LITERAL | symbol << 8);
  }
  setLiteralBase(END_OF_BLOCK, EXCEPTION | NO_SUB_TABLE);
  let base: u32 = 3;
  for (let symbol = FIRST_LENGTH; symbol < LAST_LENGTH; symbol++) {
    const extraBits: u32 = symbol < 265 ? 0 : (symbol - 261) >> 2;
    setLiteralBase(symbol, valueBase(base, extraBits));
    base += 1 << extraBits;
  }
  setLiteralBase(LAST_LENGTH, valueBase(258, 0));
  // The fixed code has codes for these two, and for distances 30 and 31.
  setLiteralBase(286, INVALID_ENTRY);
  setLiteralBase(287, INVALID_ENTRY);

  base = 1;
  for (let symbol: u32 = 0; symbol < DISTANCE_SYMBOLS; symbol++) {
    const extraBits: u32 = symbol < 4 ? 0 : (symbol - 2) >> 1;
    setDistanceBase(symbol, valueBase(base, extraBits));
    base += 1 << extraBits;
  }
  setDistanceBase(30, INVALID_ENTRY);
  setDistanceBase(31, INVALID_ENTRY);
}

/** The entry of a length or distance without the bits of its code. */
function valueBase(base: u32, extraBits: u32): u32 {
  return base << 16 | (31 - extraBits) << 8 | extraBits;
}

function setLiteralBase(symbol: u32, entry: u32): void {
  store<u32>(LITERAL_BASES + (symbol << 2), entry);
}

function setDistanceBase(symbol: u32, entry: u32): void {
  store<u32>(DISTANCE_BASES + (symbol << 2), entry);
}

/**
 * Builds the table for the first `symbols` of LENGTHS; `false` when they make no valid code. Entries
 * of two literals, which only pay for themselves in some thousands of symbols, are left out of the
 * last block of a stream: short streams have no other.
 */
export function buildLiteralTable(symbols: u32, isLastBlock: bool): bool {
  return build(true, !isLastBlock, LENGTHS, symbols, LITERAL_ROOT_BITS);
}

/** Builds the table for `symbols` lengths at `lengths`; `false` when they make no valid code. */
export function buildDistanceTable(lengths: usize, symbols: u32): bool {
  return build(false, false, lengths, symbols, DISTANCE_ROOT_BITS);
}

// @ts-ignore: decorator
@inline
function count(length: u32): u32 {
  return load<u32>(LENGTH_COUNTS + (length << 2));
}

// @ts-ignore: decorator
@inline
function setEntry(isLiteral: bool, index: u32, entry: u32): void {
  store<u32>((isLiteral ? LITERAL_TABLE : DISTANCE_TABLE) + (index << 2), entry);
}

/** Writes the entry of `symbol`, whose code has `bits` bits in this table. */
// @ts-ignore: decorator
@inline
function put(isLiteral: bool, index: u32, symbol: u32, bits: u32): void {
  const base = load<u32>((isLiteral ? LITERAL_BASES : DISTANCE_BASES) + (symbol << 2));
  const first = isLiteral && <i32>base < 0 ? bits << 24 : 0;
  setEntry(isLiteral, index, base + bits | first);
}

/**
 * Makes the table one for codes of up to `bits` bits, `bits` - 1 before: repeats it once, for a bit
 * that the codes so far do not look at.
 */
// @ts-ignore: decorator
@inline
function grow(isLiteral: bool, hasPairs: bool, bits: u32): void {
  const table = isLiteral ? LITERAL_TABLE : DISTANCE_TABLE;
  const end = table + (<usize>2 << bits);
  // When that is less than a vector, what the vector writes behind it is overwritten later.
  for (let from = table, to = end; from < end; from += 16, to += 16) {
    v128.store(to, v128.load(from));
  }
  if (hasPairs) putPairs(bits);
}

/** Writes an entry for each two literals whose codes have `bits` bits together. */
function putPairs(bits: u32): void {
  for (let length: u32 = 1; length < bits; length++) {
    const firstEnd = sortedEnd(length);
    const secondEnd = sortedEnd(bits - length);
    const secondStart = secondEnd - count(bits - length);
    for (let first = firstEnd - count(length); first < firstEnd; first++) {
      const symbol = sortedSymbol(first);
      // Of the symbols of a length, literals are the first.
      if (symbol >= END_OF_BLOCK) break;
      const code = sortedCode(first);
      const entry = TWO_LITERALS | length << 24 | symbol << 8 | bits;
      for (let second = secondStart; second < secondEnd; second++) {
        const symbol = sortedSymbol(second);
        if (symbol >= END_OF_BLOCK) break;
        setEntry(true, sortedCode(second) << length | code, entry | symbol << 16);
      }
    }
  }
}

/** Where the symbols of a length end, sorted by their lengths. */
// @ts-ignore: decorator
@inline
function sortedEnd(length: u32): u32 {
  return load<u32>(LENGTH_OFFSETS + (length << 2));
}

// @ts-ignore: decorator
@inline
function sortedSymbol(at: u32): u32 {
  return load<u16>(SORTED_SYMBOLS + (at << 1));
}

/** The code of the symbol there, its bits reversed; that of one with a sub-table is unknown. */
// @ts-ignore: decorator
@inline
function sortedCode(at: u32): u32 {
  return load<u16>(SORTED_CODES + (at << 1));
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
  for (let index: u32 = 0; index < entries; index++) setEntry(isLiteral, index, INVALID_ENTRY);
  if (codes === 0) return;
  let symbol: u32 = 0;
  while (load<u8>(lengths + symbol) === 0) symbol++;
  for (let index: u32 = 0; index < entries; index += 2) put(isLiteral, index, symbol, 1);
}

// @ts-ignore: decorator
@inline
function build(
  isLiteral: bool,
  hasPairs: bool,
  lengths: usize,
  symbols: u32,
  rootBits: u32,
): bool {
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
  let next: u32 = 0;
  let code: u32 = 0;
  let length: u32 = 1;
  while (count(length) === 0) length++;
  let left = count(length);
  while (length <= rootBits) {
    const lastCode: u32 = (1 << length) - 1;
    do {
      put(isLiteral, code, sortedSymbol(next), length);
      if (hasPairs) store<u16>(SORTED_CODES + (next << 1), <u16>code);
      next++;
      if (code === lastCode) {
        while (length < rootBits) grow(isLiteral, hasPairs, ++length);
        return true;
      }
      code = nextReversed(code, lastCode);
    } while (--left > 0);
    do {
      if (++length <= rootBits) grow(isLiteral, hasPairs, length);
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
      const mask: u32 = (1 << bits) - 1;
      setEntry(isLiteral, prefix, start << 16 | mask << 8 | EXCEPTION | rootBits);
    }
    const bits = length - rootBits;
    const symbol = sortedSymbol(next++);
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
