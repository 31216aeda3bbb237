// deno-fmt-ignore-file: the formatter drops the decorators of AssemblyScript
// The two loops that decode the symbols of a block. See inflate.ts for the whole picture.
import { bitCount, bits, inputEnd, next } from "./bit_reader";
import { endBlock } from "./blocks";
import {
  DISTANCE_ROOT_BITS,
  EXCEPTION,
  INVALID,
  LITERAL_ROOT_BITS,
  NO_SUB_TABLE,
} from "./code_tables";
import { DISTANCE_TABLE, LITERAL_TABLE, SHUFFLES, STRIDES, WINDOW_LIMIT } from "./memory";
import {
  DISTANCE_TOO_FAR,
  ENDED,
  INVALID_DISTANCE,
  INVALID_LITERAL,
  NEED_INPUT,
  WINDOW_FULL,
} from "./status";
import { memberStart, out } from "./stream";

/** The fast loop keeps its bit buffer shifted, so that masked bits are the offset of an entry. */
const SHIFT: u32 = 2;
const LITERAL_OFFSET_MASK: u32 = ((1 << LITERAL_ROOT_BITS) - 1) << SHIFT;
const DISTANCE_OFFSET_MASK: u32 = ((1 << DISTANCE_ROOT_BITS) - 1) << SHIFT;

/** One turn of the fast loop refills at most twice, 7 bytes each, and a refill reads 8 bytes. */
const INPUT_MARGIN: usize = 16;

/** A distance code and its extra bits take at most 28 bits: fewer left, and it refills first. */
const DISTANCE_BITS: u32 = 28;

/** Copies are made in vectors of this many bytes. */
const VECTOR_BYTES: u32 = 16;

/** Writes, for each distance below 16, the swizzle that repeats a pattern of so many bytes. */
export function setupPatterns(): void {
  for (let distance: u32 = 1; distance < VECTOR_BYTES; distance++) {
    for (let at: u32 = 0; at < VECTOR_BYTES; at++) {
      store<u8>(SHUFFLES + distance * VECTOR_BYTES + at, <u8>(at % distance));
    }
    store<u8>(STRIDES + distance, <u8>(VECTOR_BYTES - VECTOR_BYTES % distance));
  }
}

/** Copies a match to `to`; up to 47 bytes after it are overwritten too. */
// @ts-ignore: decorator
@inline
function copyMatch(to: usize, distance: u32, length: u32): void {
  const from = to - distance;
  const end = to + length;
  if (distance >= VECTOR_BYTES) {
    // Most matches have at most 32 bytes. A load never overtakes the store it depends on, because
    // it reads at least 16 bytes behind.
    v128.store(to, v128.load(from));
    v128.store(to, v128.load(from, 16), 16);
    for (let at: usize = 32; to + at < end; at += 32) {
      v128.store(to + at, v128.load(from + at));
      v128.store(to + at, v128.load(from + at, 16), 16);
    }
    return;
  }
  // The pattern repeats within a vector; of what a store writes, whole repetitions are kept.
  const shuffle = v128.load(SHUFFLES + (distance << 4));
  const pattern = i8x16.swizzle(v128.load(from), shuffle);
  const stride = <usize>load<u8>(STRIDES + distance);
  v128.store(to, pattern);
  for (let at = to + stride; at < end; at += stride) v128.store(at, pattern);
}

/** Decodes symbols until the block ends, the window is full or the input has run out. */
export function decodeSymbols(): i32 {
  let status = NEED_INPUT;
  if (inputEnd - next >= INPUT_MARGIN) status = decodeFast();
  if (status === NEED_INPUT) status = decodeCarefully();
  if (status === ENDED) endBlock();
  return status;
}

/**
 * The fast loop: no check of the input but at its top. `buffer` is the bit buffer shifted left by
 * SHIFT, with the number of bits in it, plus SHIFT, in the low six bits of `level`; above them is
 * whatever subtracting whole entries leaves. A refill loads eight bytes over what is there,
 * advances by those that fit whole, and leaves 54 to 61 bits.
 *
 * AssemblyScript has no macros, so the refill is written out:
 *
 *     buffer |= load<u64>(input) << <u64>level;
 *     input += 7 - (level >> 3 & 7);
 *     level |= 56;
 */
function decodeFast(): i32 {
  const inputLimit = inputEnd - INPUT_MARGIN;
  const lowest = memberStart;
  let buffer = bits << SHIFT;
  let level = bitCount + SHIFT;
  let input = next;
  let output = out;
  let status = NEED_INPUT;

  if (output >= WINDOW_LIMIT) return WINDOW_FULL;
  buffer |= load<u64>(input) << <u64>level;
  input += 7 - (level >> 3 & 7);
  level |= 56;
  let entry = load<u32>(LITERAL_TABLE + (<u32>buffer & LITERAL_OFFSET_MASK));

  while (input <= inputLimit) {
    if (output >= WINDOW_LIMIT) {
      status = WINDOW_FULL;
      break;
    }
    // Up to three literals of at most 11 bits, and a length of at most 20, fit into 54 bits.
    if (<i32>entry < 0) {
      buffer >>= <u64>entry;
      level -= entry;
      store<u8>(output++, <u8>(entry >> 8));
      entry = load<u32>(LITERAL_TABLE + (<u32>buffer & LITERAL_OFFSET_MASK));
      if (<i32>entry < 0) {
        buffer >>= <u64>entry;
        level -= entry;
        store<u8>(output++, <u8>(entry >> 8));
        entry = load<u32>(LITERAL_TABLE + (<u32>buffer & LITERAL_OFFSET_MASK));
        if (<i32>entry < 0) {
          buffer >>= <u64>entry;
          level -= entry;
          store<u8>(output++, <u8>(entry >> 8));
          buffer |= load<u64>(input) << <u64>level;
          input += 7 - (level >> 3 & 7);
          level |= 56;
          entry = load<u32>(LITERAL_TABLE + (<u32>buffer & LITERAL_OFFSET_MASK));
          continue;
        }
      }
    }

    let before = buffer;
    buffer >>= <u64>entry;
    level -= entry;
    if (entry & EXCEPTION) {
      if (entry & NO_SUB_TABLE) {
        status = entry & INVALID ? INVALID_LITERAL : ENDED;
        break;
      }
      const index = (entry >> 16) + (<u32>(buffer >> SHIFT) & (entry >> 8 & 0xff));
      entry = load<u32>(LITERAL_TABLE + (index << 2));
      before = buffer;
      buffer >>= <u64>entry;
      level -= entry;
      if (<i32>entry < 0) {
        store<u8>(output++, <u8>(entry >> 8));
        buffer |= load<u64>(input) << <u64>level;
        input += 7 - (level >> 3 & 7);
        level |= 56;
        entry = load<u32>(LITERAL_TABLE + (<u32>buffer & LITERAL_OFFSET_MASK));
        continue;
      }
      if (entry & EXCEPTION) {
        status = entry & INVALID ? INVALID_LITERAL : ENDED;
        break;
      }
    }
    const length = (entry >> 16 & 0x1ff) +
      (<u32>(before >> <u64>(entry >> 25)) & (entry >> 8 & 0x1f));

    if ((level & 63) < DISTANCE_BITS + SHIFT) {
      buffer |= load<u64>(input) << <u64>level;
      input += 7 - (level >> 3 & 7);
      level |= 56;
    }
    let distanceEntry = load<u64>(DISTANCE_TABLE + ((<u32>buffer & DISTANCE_OFFSET_MASK) << 1));
    before = buffer;
    buffer >>= distanceEntry;
    level -= <u32>distanceEntry;
    if (<u32>distanceEntry & EXCEPTION) {
      if (<u32>distanceEntry & NO_SUB_TABLE) {
        status = INVALID_DISTANCE;
        break;
      }
      const mask = <u32>(distanceEntry >> 16) & 0xff;
      const index = <u32>(distanceEntry >> 32) + (<u32>(buffer >> SHIFT) & mask);
      distanceEntry = load<u64>(DISTANCE_TABLE + (index << 3));
      before = buffer;
      buffer >>= distanceEntry;
      level -= <u32>distanceEntry;
      if (<u32>distanceEntry & EXCEPTION) {
        status = INVALID_DISTANCE;
        break;
      }
    }
    const distance = (<u32>(distanceEntry >> 16) & 0x7fff) +
      (<u32>(before >> (distanceEntry >> 8)) & <u32>(distanceEntry >> 32));
    if (output - distance < lowest) {
      status = DISTANCE_TOO_FAR;
      break;
    }

    // The next entry is loaded before the copy, which hides the time that takes.
    buffer |= load<u64>(input) << <u64>level;
    input += 7 - (level >> 3 & 7);
    level |= 56;
    entry = load<u32>(LITERAL_TABLE + (<u32>buffer & LITERAL_OFFSET_MASK));
    copyMatch(output, distance, length);
    output += length;
  }

  bitCount = (level & 63) - SHIFT;
  bits = buffer >> SHIFT & ((<u64>1 << bitCount) - 1);
  next = input;
  out = output;
  return status;
}

/**
 * The careful loop, for the last bytes of the input: fills the bit buffer byte by byte, and decodes
 * a symbol, or a length together with its distance (at most 48 bits), only when all its bits are
 * there. Otherwise nothing of it is taken.
 */
function decodeCarefully(): i32 {
  while (true) {
    if (out >= WINDOW_LIMIT) return WINDOW_FULL;
    for (; bitCount < 56 && next < inputEnd; bitCount += 8) {
      bits |= <u64>load<u8>(next++) << bitCount;
    }
    let used: u32 = 0;
    let rest = bits;
    let entry = load<u32>(LITERAL_TABLE + ((<u32>rest & ((1 << LITERAL_ROOT_BITS) - 1)) << 2));
    if ((entry & (EXCEPTION | NO_SUB_TABLE)) === EXCEPTION) {
      rest >>= LITERAL_ROOT_BITS;
      used = LITERAL_ROOT_BITS;
      entry = load<u32>(LITERAL_TABLE + (((entry >> 16) + (<u32>rest & (entry >> 8 & 0xff))) << 2));
    }
    const entryBits = entry & 63;
    used += entryBits;
    // Zeros stand for bits that are not there; an entry longer than those that are was guessed.
    if (used > bitCount) return NEED_INPUT;
    if (<i32>entry < 0) {
      drop(used);
      store<u8>(out++, <u8>(entry >> 8));
      continue;
    }
    if (entry & EXCEPTION) {
      if (entry & INVALID) return bitCount === 0 ? NEED_INPUT : INVALID_LITERAL;
      drop(used);
      return ENDED;
    }
    const length = (entry >> 16 & 0x1ff) +
      (<u32>(rest >> ((entry >> 25) - SHIFT)) & (entry >> 8 & 0x1f));
    rest >>= entryBits;

    const index = <u32>rest & ((1 << DISTANCE_ROOT_BITS) - 1);
    let distanceEntry = load<u64>(DISTANCE_TABLE + (index << 3));
    if ((<u32>distanceEntry & (EXCEPTION | NO_SUB_TABLE)) === EXCEPTION) {
      const start = <u32>(distanceEntry >> 32);
      const mask = <u32>(distanceEntry >> 16) & 0xff;
      rest >>= DISTANCE_ROOT_BITS;
      used += DISTANCE_ROOT_BITS;
      distanceEntry = load<u64>(DISTANCE_TABLE + ((start + (<u32>rest & mask)) << 3));
    }
    const hasBits = used < bitCount;
    used += <u32>distanceEntry & 63;
    if (used > bitCount) return NEED_INPUT;
    if (<u32>distanceEntry & EXCEPTION) return hasBits ? INVALID_DISTANCE : NEED_INPUT;
    const extraShift = (<u32>(distanceEntry >> 8) & 0x3f) - SHIFT;
    const distance = (<u32>(distanceEntry >> 16) & 0x7fff) +
      (<u32>(rest >> extraShift) & <u32>(distanceEntry >> 32));
    if (out - distance < memberStart) return DISTANCE_TOO_FAR;
    drop(used);
    copyMatch(out, distance, length);
    out += length;
  }
}

function drop(count: u32): void {
  bits >>= count;
  bitCount -= count;
}
