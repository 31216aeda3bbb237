// deno-fmt-ignore-file: the formatter drops the decorators of AssemblyScript
// Finds the headers in a tar archive that comes in pieces, and skips the bodies. The state lies in
// memory, as the host writes and reads it:
//
//   0        8      16             20     24        32
//   | offset | skip | header bytes | used | records | partial header (512) |
//     u64      u64    u32            u32    u32
//
//   offset        bytes of the archive that were passed
//   skip          bytes still to skip: body and padding
//   header bytes  how much of a header that a piece has cut is in "partial header"
//   used          bytes of the piece that this scan used
//   records       records that this scan wrote
//
// A record is the offset of the header (u64), the size of its body (u64) and its 512 bytes.
import { TAR_RECORD_BYTES, TAR_RECORD_COUNT, TAR_RECORDS } from "./memory";

const OFFSET: usize = 0;
const SKIP: usize = 8;
const PARTIAL_BYTES: usize = 16;
const USED: usize = 20;
const RECORDS: usize = 24;
const PARTIAL: usize = 32;

// Why a scan stops; lib/kernel has the same numbers.
const STOP_INPUT: i32 = 0;
const STOP_HANDOVER: i32 = 1;
const STOP_FULL: i32 = 2;
const STOP_ZEROS: i32 = 3;
const STOP_BAD_CHECKSUM: i32 = 4;
const STOP_BAD_SIZE: i32 = 5;

const BLOCK_BYTES: u32 = 512;
// POSIX.1-1988, ustar
const NAME_BYTES: u32 = 100;
const SIZE_AT: usize = 124;
const SIZE_BYTES: u32 = 12;
const CHECKSUM_AT: usize = 148;
const CHECKSUM_BYTES: u32 = 8;
const TYPE_AT: usize = 156;

/** The largest number that the host's doubles hold exactly, less room for padding. */
const MAX_SIZE: u64 = (1 << 53) - 1 - 512;
const NO_NUMBER: u64 = u64.MAX_VALUE;

const SPACE: u32 = 0x20;
const SLASH: u32 = 0x2f;

// @ts-ignore: decorator
@inline
function isBlank(byte: u32): bool {
  return byte === SPACE || byte === 0;
}

/**
 * Reads a number as Go's archive/tar does: base-256 when the top bit is set, else octal digits
 * between spaces and NULs, up to a NUL. Gives NO_NUMBER for anything else, for negative numbers and
 * for those above MAX_SIZE.
 */
function readNumber(field: usize, bytes: u32): u64 {
  const first = <u32>load<u8>(field);
  let value: u64 = 0;
  if (first & 0x80) {
    if (first & 0x40) return NO_NUMBER;
    value = first & 0x3f;
    for (let at: u32 = 1; at < bytes; at++) {
      value = value << 8 | <u64>load<u8>(field + at);
      if (value > MAX_SIZE) return NO_NUMBER;
    }
    return value;
  }
  let end = field + bytes;
  while (field < end && isBlank(load<u8>(field))) field++;
  while (field < end && isBlank(load<u8>(end - 1))) end--;
  for (; field < end && load<u8>(field) !== 0; field++) {
    const digit = <u32>load<u8>(field) - 0x30;
    if (digit > 7) return NO_NUMBER;
    value = value << 3 | digit;
  }
  return value;
}

/** Adds up the bytes of a header, unsigned. */
function sum(block: usize): u32 {
  let total = i32x4.splat(0);
  for (let at: usize = 0; at < BLOCK_BYTES; at += 16) {
    const pairs = i16x8.extadd_pairwise_i8x16_u(v128.load(block + at));
    total = i32x4.add(total, i32x4.extadd_pairwise_i16x8_u(pairs));
  }
  return i32x4.extract_lane(total, 0) + i32x4.extract_lane(total, 1) +
    i32x4.extract_lane(total, 2) + i32x4.extract_lane(total, 3);
}

/** Counts the bytes of 128 and more. */
function countHigh(block: usize): u32 {
  let count: u32 = 0;
  for (let at: usize = 0; at < BLOCK_BYTES; at += 16) {
    count += popcnt<u32>(i8x16.bitmask(v128.load(block + at)));
  }
  return count;
}

/** The checksum counts its own field as spaces. Some old writers took the bytes as signed. */
function hasRightChecksum(block: usize, total: u32): bool {
  let high = countHigh(block);
  for (let at: usize = CHECKSUM_AT; at < CHECKSUM_AT + CHECKSUM_BYTES; at++) {
    const byte = <u32>load<u8>(block + at);
    total += SPACE - byte;
    high -= byte >> 7;
  }
  const stored = readNumber(block + CHECKSUM_AT, CHECKSUM_BYTES);
  return stored === <u64>total || <i64>stored === <i64><i32>(total - (high << 8));
}

/** Types whose header changes what follows: pax `x g X`, GNU long names `L K`, GNU sparse `S`. */
function isHandedOver(type: u32): bool {
  return type === 0x78 || type === 0x67 || type === 0x58 || type === 0x4c || type === 0x4b ||
    type === 0x53;
}

/** Links, devices, directories and fifos have no body, whatever their size says. */
function hasBody(block: usize, type: u32): bool {
  if (type >= 0x31 && type <= 0x36) return false;
  if (type !== 0) return true;
  // A V7 header has no type for directories: their names end in a slash.
  let end: u32 = 0;
  while (end < NAME_BYTES && load<u8>(block + end) !== 0) end++;
  return end === 0 || <u32>load<u8>(block + end - 1) !== SLASH;
}

function readHeader(state: usize, block: usize): i32 {
  const offset = load<u64>(state, OFFSET);
  const total = sum(block);
  if (total === 0) {
    store<u64>(state, offset + BLOCK_BYTES, OFFSET);
    return STOP_ZEROS;
  }
  if (!hasRightChecksum(block, total)) return STOP_BAD_CHECKSUM;
  const type = <u32>load<u8>(block + TYPE_AT);
  let size = readNumber(block + SIZE_AT, SIZE_BYTES);
  if (size > MAX_SIZE) return STOP_BAD_SIZE;
  if (!hasBody(block, type)) size = 0;

  const records = load<u32>(state, RECORDS);
  const record = TAR_RECORDS + records * TAR_RECORD_BYTES;
  store<u64>(record, offset);
  store<u64>(record, size, 8);
  memory.copy(record + 16, block, BLOCK_BYTES);
  store<u32>(state, records + 1, RECORDS);
  store<u64>(state, offset + BLOCK_BYTES, OFFSET);
  if (isHandedOver(type)) return STOP_HANDOVER;
  store<u64>(state, size + (BLOCK_BYTES - 1) & ~<u64>(BLOCK_BYTES - 1), SKIP);
  return STOP_INPUT;
}

/** Scans `bytes` bytes at `piece`; gives why it stopped. */
export function tarScan(state: usize, piece: usize, bytes: u32): i32 {
  const end = piece + bytes;
  let at = piece;
  let stop = STOP_INPUT;
  store<u32>(state, 0, RECORDS);
  while (at < end && stop === STOP_INPUT) {
    const skip = load<u64>(state, SKIP);
    if (skip > 0) {
      const count = min<u64>(skip, <u64>(end - at));
      store<u64>(state, skip - count, SKIP);
      store<u64>(state, load<u64>(state, OFFSET) + count, OFFSET);
      at += <usize>count;
      continue;
    }
    if (load<u32>(state, RECORDS) === TAR_RECORD_COUNT) {
      stop = STOP_FULL;
      break;
    }
    const held = load<u32>(state, PARTIAL_BYTES);
    if (held === 0 && end - at >= BLOCK_BYTES) {
      stop = readHeader(state, at);
      at += BLOCK_BYTES;
      continue;
    }
    const count = min<u32>(BLOCK_BYTES - held, <u32>(end - at));
    memory.copy(state + PARTIAL + held, at, count);
    at += count;
    if (held + count < BLOCK_BYTES) {
      store<u32>(state, held + count, PARTIAL_BYTES);
      break;
    }
    store<u32>(state, 0, PARTIAL_BYTES);
    stop = readHeader(state, state + PARTIAL);
  }
  store<u32>(state, <u32>(at - piece), USED);
  return stop;
}
