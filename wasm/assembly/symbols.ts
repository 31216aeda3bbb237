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

/** Copies a match to `to`; up to 47 bytes behind it are overwritten too. */
// @ts-ignore: decorator
@inline
function copyMatch(to: usize, distance: u32, length: u32): void {
  const from = to - distance;
  const end = to + length;
  if (distance >= VECTOR_BYTES) {
    // Nearly all matches have at most 48 bytes. A load never overtakes the store it depends on,
    // because it reads at least 16 bytes behind.
    v128.store(to, v128.load(from));
    v128.store(to, v128.load(from, 16), 16);
    v128.store(to, v128.load(from, 32), 32);
    for (let at: usize = 48; to + at < end; at += 32) {
      v128.store(to + at, v128.load(from + at));
      v128.store(to + at, v128.load(from + at, 16), 16);
    }
    return;
  }
  // The pattern repeats within a vector; of what a store writes, whole repetitions are kept.
  const shuffle = v128.load(distance << 4, SHUFFLES);
  const pattern = i8x16.swizzle(v128.load(from), shuffle);
  const stride = <usize>load<u8>(distance, STRIDES);
  v128.store(to, pattern);
  for (let at = to + stride; at < end; at += stride) v128.store(at, pattern);
}

/** Decodes symbols until the block ends, the window is full or the input has run out. */
export function decodeSymbols(): i32 {
  let status = NEED_INPUT;
  if (inputEnd - next >= INPUT_MARGIN) status = decodeFast();
  if (status === NEED_INPUT) status = decodeCarefully();
  return status === ENDED ? endBlock() : status;
}

// @ts-ignore: decorator
@inline
function literalEntry(buffer: u64): u32 {
  return load<u32>(<u32>buffer & LITERAL_OFFSET_MASK, LITERAL_TABLE);
}

// @ts-ignore: decorator
@inline
function distanceEntryOf(buffer: u64): u32 {
  return load<u32>(<u32>buffer & DISTANCE_OFFSET_MASK, DISTANCE_TABLE);
}

/** Puts out the literals of an entry; the byte behind one alone is overwritten too. */
// @ts-ignore: decorator
@inline
function putLiterals(output: usize, entry: u32): usize {
  store<u16>(output, <u16>(entry >> 8));
  return output - (<i32>entry >> 29);
}

/**
 * The length or distance of an entry: its base, and the extra bits that are behind its code in
 * `before`. Shifted to the left they are the highest, shifted back they are alone; of the counts
 * WebAssembly takes the low five bits.
 */
// @ts-ignore: decorator
@inline
function valueOf(entry: u32, before: u64): u32 {
  return (entry >> 16) + (<u32>before << (32 - SHIFT - entry) >> 1 >> (entry >> 8));
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
 *     input += (level >> 3 & 7) ^ 7;
 *     level |= 56;
 *
 * Processors guess whether a symbol is a literal or a length, and guess wrong for every fifth one;
 * then all that was begun behind the guess is lost. So the entry that follows a literal is loaded
 * before it is asked whether there is one. (That of a distance is not: with two literals to an entry
 * most of such loads would be in vain.) For the same reason refills are made without asking whether
 * bits are missing, and always behind the look at the next entry, whose bits were there before.
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
  input += (level >> 3 & 7) ^ 7;
  level |= 56;
  let entry = literalEntry(buffer);

  while (input <= inputLimit) {
    if (output >= WINDOW_LIMIT) {
      status = WINDOW_FULL;
      break;
    }
    // Two entries of literals of at most 11 bits, a length of at most 20 and the 9 bits that index
    // the table of distances fit into 54 bits; so do three of literals and the 11 bits that index
    // theirs.
    let before = buffer;
    buffer >>= <u64>entry;
    level -= entry;
    let following = literalEntry(buffer);
    if (<i32>entry < 0) {
      output = putLiterals(output, entry);
      entry = following;
      before = buffer;
      buffer >>= <u64>entry;
      level -= entry;
      following = literalEntry(buffer);
      if (<i32>entry < 0) {
        output = putLiterals(output, entry);
        entry = following;
        before = buffer;
        buffer >>= <u64>entry;
        level -= entry;
        following = literalEntry(buffer);
        if (<i32>entry < 0) {
          output = putLiterals(output, entry);
          entry = following;
          buffer |= load<u64>(input) << <u64>level;
          input += (level >> 3 & 7) ^ 7;
          level |= 56;
          continue;
        }
      }
    }

    let distanceEntry = distanceEntryOf(buffer);
    if (entry & EXCEPTION) {
      if (entry & NO_SUB_TABLE) {
        status = entry & INVALID ? INVALID_LITERAL : ENDED;
        break;
      }
      const index = (entry >> 16) + (<u32>(buffer >> SHIFT) & (entry >> 8 & 0xff));
      entry = load<u32>(index << 2, LITERAL_TABLE);
      before = buffer;
      buffer >>= <u64>entry;
      level -= entry;
      if (<i32>entry < 0) {
        output = putLiterals(output, entry);
        buffer |= load<u64>(input) << <u64>level;
        input += (level >> 3 & 7) ^ 7;
        level |= 56;
        entry = literalEntry(buffer);
        continue;
      }
      if (entry & EXCEPTION) {
        status = entry & INVALID ? INVALID_LITERAL : ENDED;
        break;
      }
      distanceEntry = distanceEntryOf(buffer);
    }
    const length = valueOf(entry, before);

    buffer |= load<u64>(input) << <u64>level;
    input += (level >> 3 & 7) ^ 7;
    level |= 56;
    before = buffer;
    buffer >>= <u64>distanceEntry;
    level -= distanceEntry;
    if (distanceEntry & EXCEPTION) {
      if (distanceEntry & NO_SUB_TABLE) {
        status = INVALID_DISTANCE;
        break;
      }
      const mask = distanceEntry >> 8 & 0xff;
      const index = (distanceEntry >> 16) + (<u32>(buffer >> SHIFT) & mask);
      distanceEntry = load<u32>(index << 2, DISTANCE_TABLE);
      before = buffer;
      buffer >>= <u64>distanceEntry;
      level -= distanceEntry;
      if (distanceEntry & EXCEPTION) {
        status = INVALID_DISTANCE;
        break;
      }
    }
    const distance = valueOf(distanceEntry, before);
    if (output - distance < lowest) {
      status = DISTANCE_TOO_FAR;
      break;
    }

    // At least 26 bits are left behind the distance. The next entry is loaded before the copy,
    // which hides the time that takes.
    entry = literalEntry(buffer);
    buffer |= load<u64>(input) << <u64>level;
    input += (level >> 3 & 7) ^ 7;
    level |= 56;
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
    // Of two literals the second may lack bits.
    const entryBits = <i32>entry < 0 ? entry >> 24 & 15 : entry & 63;
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
    const length = valueOf(entry, rest << SHIFT);
    rest >>= entryBits;

    const index = <u32>rest & ((1 << DISTANCE_ROOT_BITS) - 1);
    let distanceEntry = load<u32>(DISTANCE_TABLE + (index << 2));
    if ((distanceEntry & (EXCEPTION | NO_SUB_TABLE)) === EXCEPTION) {
      rest >>= DISTANCE_ROOT_BITS;
      used += DISTANCE_ROOT_BITS;
      const index = (distanceEntry >> 16) + (<u32>rest & (distanceEntry >> 8 & 0xff));
      distanceEntry = load<u32>(DISTANCE_TABLE + (index << 2));
    }
    const hasBits = used < bitCount;
    used += distanceEntry & 63;
    if (used > bitCount) return NEED_INPUT;
    if (distanceEntry & EXCEPTION) return hasBits ? INVALID_DISTANCE : NEED_INPUT;
    const distance = valueOf(distanceEntry, rest << SHIFT);
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
