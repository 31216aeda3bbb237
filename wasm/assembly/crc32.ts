// deno-fmt-ignore-file: the formatter drops the decorators of AssemblyScript
// CRC-32 of gzip (RFC 1952 §8) by folding; the method is Chorba's (Russell, arXiv:2412.16398).
//
// A CRC is what is left of the message, taken as a polynomial over GF(2), when it is divided by the
// polynomial P of the CRC. Adding a multiple of P to the message does not change it. These are two,
// found by search as those with the lowest degrees for 5 and for 10 terms:
//
//   x^300 + x^155 + x^117 + x^89 + 1
//   x^53 + x^38 + x^36 + x^33 + x^30 + x^27 + x^25 + x^7 + x^3 + 1
//
// Squaring a polynomial over GF(2) doubles its exponents, so their 128th powers have the same terms,
// a vector of 128 bits apart. A vector may thus be taken out of the message when it is XORed onto
// the vectors 145 (300 - 155), 183, 211 and 300 behind it. That goes on, with neither tables nor
// shifts, until 300 vectors are left; then with the other multiple until 53 are. Those are looked up
// eight bytes at a time, in tables with the CRC of each byte and of 0 to 7 zero bytes behind it.
//
// The vectors that were taken out lie in CRC_FOLDS as far as they are still to be XORed onto others:
//
//   at                           at + reach
//   | the last 300, or 53, of them | the next one
//
// Messages, and what is left of the long fold, use the front; the short fold begins behind that.
import { CRC_FOLDS, CRC_FOLDS_BYTES, CRC_TABLES } from "./memory";

const POLYNOMIAL: u32 = 0xedb88320;
const TABLE_BYTES: usize = 1024;
const WORD_BYTES: usize = 8;
const VECTOR_BYTES: usize = 16;

/** How far the multiples reach. */
const LONG_REACH: usize = 300 * VECTOR_BYTES;
const SHORT_REACH: usize = 53 * VECTOR_BYTES;
/** Shorter messages are done sooner without. */
const LONG_FROM: u32 = <u32>LONG_REACH * 2;
const SHORT_FROM: u32 = <u32>SHORT_REACH * 2;

const SHORT_FOLDS: usize = CRC_FOLDS + LONG_REACH;
/** Vectors taken out before those still needed are moved to the front; there is room for either. */
const SPAN_BYTES: usize = CRC_FOLDS_BYTES - LONG_REACH - LONG_REACH;

export function setupCrc32(): void {
  for (let byte: u32 = 0; byte < 256; byte++) {
    let crc = byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >> 1) ^ (crc & 1 ? POLYNOMIAL : 0);
    store<u32>(CRC_TABLES + (byte << 2), crc);
  }
  for (let at = CRC_TABLES; at < CRC_TABLES + 7 * TABLE_BYTES; at += 4) {
    store<u32>(at, addByte(load<u32>(at), 0), TABLE_BYTES);
  }
}

/** Continues the CRC-32 `seed` over `bytes` bytes at `data`. */
export function crc32(seed: u32, data: usize, bytes: u32): u32 {
  const end = data + <usize>bytes;
  let crc = ~seed;
  if (bytes >= LONG_FROM) {
    const out = <usize>bytes - LONG_REACH & ~(VECTOR_BYTES - 1);
    fold(true, crc, data, out);
    crc = foldShort(0, CRC_FOLDS, LONG_REACH - SHORT_REACH);
    data += out + LONG_REACH;
  } else if (bytes >= SHORT_FROM) {
    const out = <usize>bytes - SHORT_REACH & ~(VECTOR_BYTES - 1);
    crc = foldShort(crc, data, out);
    data += out + SHORT_REACH;
  }
  return ~lookUp(crc, data, end);
}

/** Gives the CRC of `bytes` bytes and of what the short fold leaves behind them. */
function foldShort(crc: u32, data: usize, bytes: usize): u32 {
  fold(false, crc, data, bytes);
  return lookUp(0, SHORT_FOLDS, SHORT_FOLDS + SHORT_REACH);
}

/**
 * Takes `bytes` bytes, whole vectors, out of a message. What that leaves of the vectors behind them,
 * as far as the multiple reaches, it writes to the front of its place.
 */
// @ts-ignore: decorator
@inline
function fold(isLong: bool, crc: u32, data: usize, bytes: usize): void {
  const front = isLong ? CRC_FOLDS : SHORT_FOLDS;
  const reach = isLong ? LONG_REACH : SHORT_REACH;
  const end = data + bytes;
  let at = front;
  // Nothing comes before the message but its seed, which is XORed onto its first bytes.
  memory.fill(at, 0, reach);
  store<u32>(at, crc);
  while (data < end) {
    if (at !== front) memory.copy(front, at, reach);
    at = front;
    for (const spanEnd = min(data + SPAN_BYTES, end); data < spanEnd; data += VECTOR_BYTES) {
      const vector = v128.xor(v128.load(data), folded(isLong, at));
      if (isLong) v128.store(at, vector, LONG_REACH);
      else v128.store(at, vector, SHORT_REACH);
      at += VECTOR_BYTES;
    }
  }
  // The vectors from here on stay in the message, and are XORed onto none.
  memory.fill(at + reach, 0, reach);
  for (let left = front; left < front + reach; left += VECTOR_BYTES) {
    v128.store(left, v128.xor(v128.load(data), folded(isLong, at)));
    at += VECTOR_BYTES;
    data += VECTOR_BYTES;
  }
}

/** What is XORed onto the vector that is `reach` behind `at`. */
// @ts-ignore: decorator
@inline
function folded(isLong: bool, at: usize): v128 {
  if (isLong) {
    return v128.xor(
      v128.xor(v128.load(at), v128.load(at, 89 * VECTOR_BYTES)),
      v128.xor(v128.load(at, 117 * VECTOR_BYTES), v128.load(at, 155 * VECTOR_BYTES)),
    );
  }
  const a = v128.xor(v128.load(at), v128.load(at, 3 * VECTOR_BYTES));
  const b = v128.xor(v128.load(at, 7 * VECTOR_BYTES), v128.load(at, 25 * VECTOR_BYTES));
  const c = v128.xor(v128.load(at, 27 * VECTOR_BYTES), v128.load(at, 30 * VECTOR_BYTES));
  const d = v128.xor(v128.load(at, 33 * VECTOR_BYTES), v128.load(at, 36 * VECTOR_BYTES));
  return v128.xor(v128.xor(a, b), v128.xor(c, v128.xor(d, v128.load(at, 38 * VECTOR_BYTES))));
}

// @ts-ignore: decorator
@inline
function addByte(crc: u32, byte: u32): u32 {
  return (crc >> 8) ^ load<u32>(((crc ^ byte) & 0xff) << 2, CRC_TABLES);
}

/** Looks up the bytes from `data` to `end`. Of a word, the first byte has seven behind it. */
function lookUp(crc: u32, data: usize, end: usize): u32 {
  for (; data + WORD_BYTES <= end; data += WORD_BYTES) {
    const word = load<u64>(data) ^ <u64>crc;
    crc = load<u32>((<u32>word & 0xff) << 2, CRC_TABLES + 7 * TABLE_BYTES) ^
      load<u32>(<u32>(word >> 6) & 0x3fc, CRC_TABLES + 6 * TABLE_BYTES) ^
      load<u32>(<u32>(word >> 14) & 0x3fc, CRC_TABLES + 5 * TABLE_BYTES) ^
      load<u32>(<u32>(word >> 22) & 0x3fc, CRC_TABLES + 4 * TABLE_BYTES) ^
      load<u32>(<u32>(word >> 30) & 0x3fc, CRC_TABLES + 3 * TABLE_BYTES) ^
      load<u32>(<u32>(word >> 38) & 0x3fc, CRC_TABLES + 2 * TABLE_BYTES) ^
      load<u32>(<u32>(word >> 46) & 0x3fc, CRC_TABLES + TABLE_BYTES) ^
      load<u32>(<u32>(word >> 54) & 0x3fc, CRC_TABLES);
  }
  for (; data < end; data++) crc = addByte(crc, load<u8>(data));
  return crc;
}
