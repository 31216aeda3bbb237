// deno-fmt-ignore-file: the formatter drops the decorators of AssemblyScript
// Huffman codes for a block that is written (RFC 1951 §3.2.2): from how often each symbol occurs to
// the lengths of the codes, no longer than a limit, and from lengths to codes.
//
// The lengths come from the algorithm of Moffat and Katajainen ("In-Place Calculation of
// Minimum-Redundancy Codes", 1995): the symbols sorted by frequency become a tree in the same
// array, first of weights, then of parents, then of depths. Only how many codes have each length
// is kept of it. Codes beyond the limit are cut to it, which claims too much of the space of codes;
// one code at a time is then pushed down from the longest length that has room, until the space
// is claimed exactly. Symbols take the lengths in the order of their frequencies.
//
// Everything is decided by integers and by symbol where frequencies are equal: that is what makes
// the output the same everywhere. lib/kernel/js_huffman.ts is the same in TypeScript.
import {
  CODE_COUNTS,
  CODE_NEXT,
  FIXED_LENGTHS,
  SORT_PLACES,
  TREE,
  TREE_KEYS,
} from "./memory";
import { reversedCode } from "./reversed_code";

/** The symbol in a sort key; its frequency stands above. */
const SYMBOL_BITS: u32 = 9;
const SYMBOL_MASK: u32 = (1 << SYMBOL_BITS) - 1;
/** What a sort looks at at once. No frequency has more than twice as many bits. */
const SORT_BITS: u32 = 8;
const SORT_PLACES_BYTES: u32 = 4 << SORT_BITS;
/** No tree is deeper: its weights would be those of more items than a block has. */
const MAX_DEPTH: u32 = 32;
/** Where the length of a code stands in an entry. */
const LENGTH_SHIFT: u32 = 24;

/** Writes the lengths of the fixed code. RFC 1951 §3.2.6. */
export function setupFixedLengths(): void {
  memory.fill(FIXED_LENGTHS, 8, 144);
  memory.fill(FIXED_LENGTHS + 144, 9, 112);
  memory.fill(FIXED_LENGTHS + 256, 7, 24);
  memory.fill(FIXED_LENGTHS + 280, 8, 8);
  memory.fill(FIXED_LENGTHS + 288, 5, 32);
}

// @ts-ignore: decorator
@inline
function key(index: u32): u32 {
  return load<u32>(TREE_KEYS + (index << 2));
}

// @ts-ignore: decorator
@inline
function node(index: u32): u32 {
  return load<u32>(TREE + (index << 2));
}

// @ts-ignore: decorator
@inline
function setNode(index: u32, value: u32): void {
  store<u32>(TREE + (index << 2), value);
}

// @ts-ignore: decorator
@inline
function codes(length: u32): u32 {
  return load<u32>(CODE_COUNTS + (length << 2));
}

// @ts-ignore: decorator
@inline
function addCodes(length: u32, count: u32): void {
  store<u32>(CODE_COUNTS + (length << 2), codes(length) + count);
}

/**
 * Makes a code for `symbols` symbols with the frequencies at `counts`: writes lengths of at most
 * `limit` bits to `lengths`, and entries of code | length << 24 to `entries`. A code always has two
 * symbols at least, which every decoder takes.
 */
export function makeCode(
  counts: usize,
  symbols: u32,
  limit: u32,
  lengths: usize,
  entries: usize,
): void {
  memory.fill(lengths, 0, symbols);
  const used = collect(counts, symbols);
  if (used < 2) {
    const only = used === 0 ? 0 : key(0) & SYMBOL_MASK;
    store<u8>(lengths + only, 1);
    store<u8>(lengths + (only === 0 ? 1 : 0), 1);
  } else {
    sortKeys(used);
    buildTree(used);
    countLengths(used);
    limitLengths(limit);
    let next: u32 = 0;
    for (let length = limit; length > 0; length--) {
      for (let left = codes(length); left > 0; left--, next++) {
        store<u8>(lengths + (key(next) & SYMBOL_MASK), <u8>length);
      }
    }
  }
  assignCodes(symbols, limit, lengths, entries);
}

/** Lists the symbols that occur as frequency << 9 | symbol. */
function collect(counts: usize, symbols: u32): u32 {
  let used: u32 = 0;
  for (let symbol: u32 = 0; symbol < symbols; symbol++) {
    const count = load<u32>(counts + (symbol << 2));
    if (count > 0) store<u32>(TREE_KEYS + (used++ << 2), count << SYMBOL_BITS | symbol);
  }
  return used;
}

/** Sorts the keys, rarest first; those of the same frequency stay in the order of symbols. */
function sortKeys(used: u32): void {
  sortBy(SYMBOL_BITS, TREE_KEYS, TREE, used);
  sortBy(SYMBOL_BITS + SORT_BITS, TREE, TREE_KEYS, used);
}

/** Sorts keys by SORT_BITS of their bits from `shift` on; where these are equal, nothing moves. */
function sortBy(shift: u32, from: usize, to: usize, used: u32): void {
  const end = from + (used << 2);
  memory.fill(SORT_PLACES, 0, SORT_PLACES_BYTES);
  for (let at = from; at < end; at += 4) {
    const place = placeOf(load<u32>(at), shift);
    store<u32>(place, load<u32>(place) + 4);
  }
  let next = to;
  for (let place = SORT_PLACES; place < SORT_PLACES + SORT_PLACES_BYTES; place += 4) {
    const bytes = load<u32>(place);
    store<u32>(place, <u32>next);
    next += bytes;
  }
  for (let at = from; at < end; at += 4) {
    const moved = load<u32>(at);
    const place = placeOf(moved, shift);
    const there = load<u32>(place);
    store<u32>(there, moved);
    store<u32>(place, there + 4);
  }
}

// @ts-ignore: decorator
@inline
function placeOf(moved: u32, shift: u32): usize {
  return SORT_PLACES + ((moved >> shift & ((1 << SORT_BITS) - 1)) << 2);
}

/** Leaves the depth of each inner node in TREE, the deepest first. */
function buildTree(used: u32): void {
  for (let leaf: u32 = 0; leaf < used; leaf++) setNode(leaf, key(leaf) >> SYMBOL_BITS);
  let root: u32 = 0;
  let leaf: u32 = 0;
  for (let next: u32 = 0; next < used - 1; next++) {
    let weight: u32 = 0;
    for (let child = 0; child < 2; child++) {
      if (leaf >= used || (root < next && node(root) < node(leaf))) {
        weight += node(root);
        setNode(root++, next);
      } else {
        weight += node(leaf++);
      }
    }
    setNode(next, weight);
  }
  setNode(used - 2, 0);
  for (let index = <i32>used - 3; index >= 0; index--) {
    setNode(index, node(node(index)) + 1);
  }
}

/** Counts the leaves at each depth: those places of a level that no inner node takes. */
function countLengths(used: u32): void {
  memory.fill(CODE_COUNTS, 0, (MAX_DEPTH + 1) << 2);
  let inner = <i32>used - 2;
  let places: u32 = 1;
  for (let depth: u32 = 0; places > 0; depth++) {
    let taken: u32 = 0;
    for (; inner >= 0 && node(inner) === depth; inner--) taken++;
    addCodes(depth, places - taken);
    places = taken << 1;
  }
}

function limitLengths(limit: u32): void {
  let claimed: u32 = 0;
  for (let length: u32 = limit + 1; length <= MAX_DEPTH; length++) addCodes(limit, codes(length));
  for (let length: u32 = 1; length <= limit; length++) claimed += codes(length) << (limit - length);
  for (; claimed > 1 << limit; claimed--) {
    let length = limit - 1;
    while (codes(length) === 0) length--;
    addCodes(length, -1);
    addCodes(length + 1, 2);
    addCodes(limit, -1);
  }
}

/**
 * Gives each symbol its canonical code, reversed as deflate sends it; writes entries of
 * code | length << 24.
 */
export function assignCodes(symbols: u32, limit: u32, lengths: usize, entries: usize): void {
  memory.fill(CODE_COUNTS, 0, (limit + 1) << 2);
  for (let symbol: u32 = 0; symbol < symbols; symbol++) addCodes(load<u8>(lengths + symbol), 1);
  let code: u32 = 0;
  for (let length: u32 = 1; length <= limit; length++) {
    store<u32>(CODE_NEXT + (length << 2), code);
    code = (code + codes(length)) << 1;
  }
  for (let symbol: u32 = 0; symbol < symbols; symbol++) {
    const length = <u32>load<u8>(lengths + symbol);
    if (length === 0) {
      store<u32>(entries + (symbol << 2), 0);
      continue;
    }
    const next = load<u32>(CODE_NEXT + (length << 2));
    store<u32>(CODE_NEXT + (length << 2), next + 1);
    store<u32>(entries + (symbol << 2), reversedCode(next, length) | length << LENGTH_SHIFT);
  }
}
