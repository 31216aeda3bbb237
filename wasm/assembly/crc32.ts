// deno-fmt-ignore-file: the formatter drops the decorators of AssemblyScript
// CRC-32 of gzip (RFC 1952 §8), braided: four independent CRCs run over every fourth word of eight
// bytes, so that the look-ups of one need not wait for those of another, and are joined at the end
// (the method of zlib's crc32.c). Sixteen tables of 1 KiB:
//
//   CRC_TABLES + 1024 * k           k = 0..7   byte followed by k zero bytes
//   CRC_TABLES + 8192 + 1024 * k    k = 0..7   byte k of a word, followed by the rest of its word
//                                              and the three words between it and the next of its CRC
import { CRC_TABLES } from "./memory";

const POLYNOMIAL: u32 = 0xedb88320;
const BRAID_TABLES: usize = CRC_TABLES + 8192;
const WORD_BYTES: u32 = 8;
const BRAID_BYTES: u32 = 4 * WORD_BYTES;

export function setupCrc32(): void {
  for (let byte: u32 = 0; byte < 256; byte++) {
    let crc = byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >> 1) ^ (crc & 1 ? POLYNOMIAL : 0);
    store<u32>(CRC_TABLES + (byte << 2), crc);
  }
  for (let byte: u32 = 0; byte < 256; byte++) {
    let crc = load<u32>(CRC_TABLES + (byte << 2));
    for (let zeros: u32 = 1; zeros < BRAID_BYTES; zeros++) {
      crc = shiftByte(crc);
      if (zeros < WORD_BYTES) store<u32>(CRC_TABLES + (zeros << 10) + (byte << 2), crc);
      const index = BRAID_BYTES - 1 - zeros;
      if (index < WORD_BYTES) store<u32>(BRAID_TABLES + (index << 10) + (byte << 2), crc);
    }
  }
}

// @ts-ignore: decorator
@inline
function shiftByte(crc: u32): u32 {
  return (crc >> 8) ^ load<u32>(CRC_TABLES + ((crc & 0xff) << 2));
}

/** Looks up the eight bytes of a word in the braid tables, lowest byte in the first. */
// @ts-ignore: decorator
@inline
function braid(word: u64): u32 {
  return load<u32>((<u32>word & 0xff) << 2, BRAID_TABLES) ^
    load<u32>(<u32>(word >> 6) & 0x3fc, BRAID_TABLES + 1024) ^
    load<u32>(<u32>(word >> 14) & 0x3fc, BRAID_TABLES + 2048) ^
    load<u32>(<u32>(word >> 22) & 0x3fc, BRAID_TABLES + 3072) ^
    load<u32>(<u32>(word >> 30) & 0x3fc, BRAID_TABLES + 4096) ^
    load<u32>(<u32>(word >> 38) & 0x3fc, BRAID_TABLES + 5120) ^
    load<u32>(<u32>(word >> 46) & 0x3fc, BRAID_TABLES + 6144) ^
    load<u32>(<u32>(word >> 54) & 0x3fc, BRAID_TABLES + 7168);
}

/** Looks up the eight bytes of a word in the tables of a single CRC, lowest byte in the last. */
// @ts-ignore: decorator
@inline
function single(word: u64): u32 {
  return load<u32>((<u32>word & 0xff) << 2, CRC_TABLES + 7168) ^
    load<u32>(<u32>(word >> 6) & 0x3fc, CRC_TABLES + 6144) ^
    load<u32>(<u32>(word >> 14) & 0x3fc, CRC_TABLES + 5120) ^
    load<u32>(<u32>(word >> 22) & 0x3fc, CRC_TABLES + 4096) ^
    load<u32>(<u32>(word >> 30) & 0x3fc, CRC_TABLES + 3072) ^
    load<u32>(<u32>(word >> 38) & 0x3fc, CRC_TABLES + 2048) ^
    load<u32>(<u32>(word >> 46) & 0x3fc, CRC_TABLES + 1024) ^
    load<u32>(<u32>(word >> 54) & 0x3fc, CRC_TABLES);
}

/** Continues the CRC-32 `seed` over `bytes` bytes at `data`. */
export function crc32(seed: u32, data: usize, bytes: u32): u32 {
  const end = data + bytes;
  let crc = ~seed;
  if (bytes >= 2 * BRAID_BYTES) {
    // The last group of words is joined one after another.
    const last = data + (bytes / BRAID_BYTES - 1) * BRAID_BYTES;
    let crc1: u32 = 0;
    let crc2: u32 = 0;
    let crc3: u32 = 0;
    for (; data < last; data += BRAID_BYTES) {
      crc = braid(load<u64>(data) ^ <u64>crc);
      crc1 = braid(load<u64>(data, 8) ^ <u64>crc1);
      crc2 = braid(load<u64>(data, 16) ^ <u64>crc2);
      crc3 = braid(load<u64>(data, 24) ^ <u64>crc3);
    }
    crc = single(load<u64>(data) ^ <u64>crc);
    crc = single(load<u64>(data, 8) ^ <u64>(crc1 ^ crc));
    crc = single(load<u64>(data, 16) ^ <u64>(crc2 ^ crc));
    crc = single(load<u64>(data, 24) ^ <u64>(crc3 ^ crc));
    data += BRAID_BYTES;
  }
  for (; data < end; data++) crc = shiftByte(crc ^ <u32>load<u8>(data));
  return ~crc;
}
