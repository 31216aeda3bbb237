// RFC 1952 §8: the polynomial of IEEE 802.3, bits reversed.
const POLYNOMIAL = 0xedb88320;

let tables: Int32Array | undefined;

/**
 * Makes the eight tables of "slicing by 8": entry `256 * k + b` is the remainder of byte `b`
 * followed by `k` zero bytes, so that eight bytes take eight look-ups and no loop over bits.
 */
function makeTables(): Int32Array {
  const made = new Int32Array(8 * 256);
  for (let byte = 0; byte < 256; byte++) {
    let remainder = byte;
    for (let bit = 0; bit < 8; bit++) {
      remainder = (remainder & 1) !== 0 ? remainder >>> 1 ^ POLYNOMIAL : remainder >>> 1;
    }
    made[byte] = remainder;
  }
  for (let i = 256; i < made.length; i++) {
    const shorter = made[i - 256] ?? 0;
    made[i] = shorter >>> 8 ^ (made[shorter & 255] ?? 0);
  }
  return made;
}

/**
 * Computes the CRC-32 of gzip and zip (RFC 1952 §8).
 *
 * @param bytes The content, or the next piece of it.
 * @param seed The CRC-32 of what came before; 0 at the start.
 * @returns The CRC-32 so far, an unsigned number of 32 bits.
 */
export function crc32(bytes: Uint8Array, seed = 0): number {
  const t = tables ??= makeTables();
  let crc = ~seed;
  let at = 0;
  for (const end = bytes.length - 7; at < end; at += 8) {
    const low = crc ^ ((bytes[at] ?? 0) | (bytes[at + 1] ?? 0) << 8 | (bytes[at + 2] ?? 0) << 16 |
      (bytes[at + 3] ?? 0) << 24);
    crc = (t[0x700 + (low & 255)] ?? 0) ^ (t[0x600 + (low >>> 8 & 255)] ?? 0) ^
      (t[0x500 + (low >>> 16 & 255)] ?? 0) ^ (t[0x400 + (low >>> 24)] ?? 0) ^
      (t[0x300 + (bytes[at + 4] ?? 0)] ?? 0) ^ (t[0x200 + (bytes[at + 5] ?? 0)] ?? 0) ^
      (t[0x100 + (bytes[at + 6] ?? 0)] ?? 0) ^ (t[bytes[at + 7] ?? 0] ?? 0);
  }
  for (; at < bytes.length; at++) {
    crc = crc >>> 8 ^ (t[(crc ^ (bytes[at] ?? 0)) & 255] ?? 0);
  }
  return ~crc >>> 0;
}
