/**
 * The rules by which a block of 512 bytes is a tar header, and how far its content goes: the one
 * place of them in TypeScript. The kernel's own scan has them in wasm/assembly/tar.ts; tests hold
 * the two together.
 *
 * @module
 */

/** The unit of tar archives (POSIX.1-2017, pax, ustar interchange format). */
export const TAR_BLOCK_BYTES = 512;

const CHECKSUM_AT = 148;
const CHECKSUM_BYTES = 8;
const SPACE = 0x20;
const ZERO = 0x30;

/**
 * Reads a number of a header as Go's archive/tar does: base-256 in two's complement when the top
 * bit is set (GNU, star), else octal digits between spaces and NULs, up to a NUL.
 *
 * @param block Where it is.
 * @param at Where its field starts.
 * @param bytes How long the field is.
 * @returns The number, `undefined` for what is none. One that is no safe integer is only near.
 */
export function readTarNumber(block: Uint8Array, at: number, bytes: number): number | undefined {
  const first = block[at] ?? 0;
  if ((first & 0x80) !== 0) {
    let value = (first & 0x3f) - (first & 0x40);
    // Once beyond 2^53 it stays there, so that what looks exact is exact.
    for (let index = 1; index < bytes; index++) value = value * 256 + (block[at + index] ?? 0);
    return value;
  }
  const end = at + bytes;
  while (at < end && (block[at] === SPACE || block[at] === 0)) at++;
  let value = 0;
  for (; at < end; at++) {
    const digit = (block[at] ?? 0) - ZERO;
    if (digit >= 0 && digit <= 7) value = value * 8 + digit;
    else return block[at] === 0 || isBlank(block, at, end) ? value : undefined;
  }
  return value;
}

/** Tells whether there are only spaces and NULs. */
function isBlank(block: Uint8Array, start: number, end: number): boolean {
  for (let at = start; at < end; at++) {
    if (block[at] !== SPACE && block[at] !== 0) return false;
  }
  return true;
}

/**
 * Proves the checksum of a header: the sum of its bytes, its own field taken as spaces. Old Sun and
 * NeXT tars summed signed characters.
 *
 * @param block The header.
 * @param view A view of the whole buffer that it lies in, made anew by default.
 * @returns Whether one of the two sums is the stored one.
 */
export function hasTarChecksum(
  block: Uint8Array,
  view: DataView = new DataView(block.buffer),
): boolean {
  const stored = readTarNumber(block, CHECKSUM_AT, CHECKSUM_BYTES);
  let sum = sumOfTarBlock(block, view) + CHECKSUM_BYTES * SPACE;
  for (let at = CHECKSUM_AT; at < CHECKSUM_AT + CHECKSUM_BYTES; at++) sum -= block[at] ?? 0;
  return stored === sum || stored === sum - 256 * highBytes(block);
}

/** Every other byte of a word: sums of them have 16 bits each. */
const OTHER_BYTES = 0xff00ff;

/**
 * Adds the bytes of a block up, sixteen at a time, of which most are zeros. A loop of many turns gets
 * hot within the first layer of a process, which then waits for its compilation: one of 128 turns
 * takes half a millisecond.
 *
 * @param block The 512 bytes.
 * @param view A view of the whole buffer that they lie in, made anew by default.
 * @returns Their sum.
 */
export function sumOfTarBlock(
  block: Uint8Array,
  view: DataView = new DataView(block.buffer),
): number {
  const end = block.byteOffset + TAR_BLOCK_BYTES;
  // Each of the two sums in it is of 256 bytes, and less than 2^16.
  let sums = 0;
  for (let at = block.byteOffset; at < end; at += 16) {
    const a = view.getInt32(at);
    const b = view.getInt32(at + 4);
    const c = view.getInt32(at + 8);
    const d = view.getInt32(at + 12);
    if ((a | b | c | d) === 0) continue;
    sums = sums + (a & OTHER_BYTES) + (b & OTHER_BYTES) + (c & OTHER_BYTES) + (d & OTHER_BYTES) +
        (a >>> 8 & OTHER_BYTES) + (b >>> 8 & OTHER_BYTES) +
        (c >>> 8 & OTHER_BYTES) + (d >>> 8 & OTHER_BYTES) | 0;
  }
  return (sums & 0xffff) + (sums >>> 16);
}

/** Counts the bytes that are negative where characters are signed. */
function highBytes(block: Uint8Array): number {
  let count = 0;
  for (let at = 0; at < TAR_BLOCK_BYTES; at++) {
    const isChecksum = at >= CHECKSUM_AT && at < CHECKSUM_AT + CHECKSUM_BYTES;
    if (!isChecksum) count += (block[at] ?? 0) >> 7;
  }
  return count;
}

/**
 * Tells headers that describe the entry behind them: pax `x` and `g`, Sun's `X`, GNU's long names
 * `L` and `K`.
 *
 * @param typeFlag The type flag, a byte.
 * @returns Whether it is one of them.
 */
export function isTarMetadata(typeFlag: number): boolean {
  return typeFlag === 0x78 || typeFlag === 0x67 || typeFlag === 0x58 || typeFlag === 0x4c ||
    typeFlag === 0x4b;
}

/**
 * Tells whether content follows a header. Links, devices, directories and pipes have none, whatever
 * their size says; nor have the directories of V7, which has no type for them: their names end in
 * a slash. That counts for a name by pax or GNU too, and not for the one it stands for: so do Go, by
 * which engines read layers, and libarchive, while GNU tar and Python find content there. Types that
 * nobody knows have content (POSIX, and Go agrees).
 *
 * @param typeFlag The type flag, a byte.
 * @param lastOfName The last byte of the name in force.
 * @returns Whether blocks of content follow.
 */
export function hasTarContent(typeFlag: number, lastOfName: number | undefined): boolean {
  if (typeFlag >= 0x31 && typeFlag <= 0x36) return false;
  return typeFlag !== 0 || lastOfName !== 0x2f;
}
