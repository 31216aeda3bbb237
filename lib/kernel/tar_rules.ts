/**
 * The rules by which a block of 512 bytes is a tar header, what it says, and how far its content goes.
 *
 * This file is compiled twice: by TypeScript for readers of any bytes, and by AssemblyScript into the
 * kernel, which reads headers where they were inflated to. So there is one set of rules. Each compiler
 * takes `tar_block.ts` of its own folder: an `Int` is a number here and an `i32` there, a `TarBlock`
 * bytes here and an address there. What is written here means the same in both.
 *
 * @module
 */
import {
  byteAt,
  type Int,
  setField,
  sumOfTarBlock,
  type TarBlock,
  type TarFields,
} from "./tar_block.ts";

/** The unit of tar archives (POSIX.1-2017, pax, ustar interchange format). */
export const TAR_BLOCK_BYTES = 512;

/** Where {@linkcode readTarFields} puts what it reads, each of them a double. */
export const SIZE_FIELD = 0;
export const MODE_FIELD = 1;
export const UID_FIELD = 2;
export const GID_FIELD = 3;
export const TIME_FIELD = 4;
/** The type flag, a byte. */
export const TYPE_FIELD = 5;
/** One of the formats below. */
export const FORMAT_FIELD = 6;
/** Where the texts end in the block: where they start when they are empty. */
export const NAME_END_FIELD = 7;
export const LINK_END_FIELD = 8;
export const USER_END_FIELD = 9;
export const GROUP_END_FIELD = 10;
export const PREFIX_END_FIELD = 11;
/** How many there are. */
export const TAR_FIELD_COUNT = 12;

export const FORMAT_V7 = 0;
export const FORMAT_USTAR = 1;
export const FORMAT_GNU = 2;
export const FORMAT_STAR = 3;

/** Where the texts of a header start (POSIX.1-1988, ustar). */
export const NAME_AT = 0;
export const LINK_AT = 157;
export const USER_AT = 265;
export const GROUP_AT = 297;
export const PREFIX_AT = 345;

const CHECKSUM_AT = 148;
const CHECKSUM_BYTES = 8;
const CHECKSUM_END = 156;
const TYPE_AT = 156;
const MAGIC_AT = 257;
const VERSION_AT = 262;
const STAR_AT = 508;
const SPACE = 0x20;
const ZERO = 0x30;

/**
 * Reads a number of a header as Go's archive/tar does: base-256 in two's complement when the top
 * bit is set (GNU, star), else octal digits between spaces and NULs, up to a NUL.
 *
 * @param block Where it is.
 * @param at Where its field starts.
 * @param bytes How long the field is.
 * @returns The number, `NaN` for what is none. One that is no safe integer is only near.
 */
export function readTarNumber(block: TarBlock, at: Int, bytes: Int): number {
  const end = at + bytes;
  const first = byteAt(block, at);
  let value = 0.0;
  if ((first & 0x80) !== 0) {
    value = (first & 0x3f) - (first & 0x40);
    // Once beyond 2^53 it stays there, so that what looks exact is exact.
    for (let next = at + 1; next < end; next++) value = value * 256.0 + byteAt(block, next);
    return value;
  }
  let next = at;
  while (next < end && isBlank(byteAt(block, next))) next++;
  for (; next < end; next++) {
    const byte = byteAt(block, next);
    const digit = byte - ZERO;
    if (digit >= 0 && digit <= 7) value = value * 8.0 + digit;
    else return byte === 0 || areBlank(block, next, end) ? value : NaN;
  }
  return value;
}

function isBlank(byte: Int): boolean {
  return byte === SPACE || byte === 0;
}

function areBlank(block: TarBlock, start: Int, end: Int): boolean {
  for (let at = start; at < end; at++) {
    if (!isBlank(byteAt(block, at))) return false;
  }
  return true;
}

/**
 * Proves the checksum of a header: the sum of its bytes, its own field taken as spaces. Old Sun and
 * NeXT tars summed signed characters.
 *
 * @param block The header.
 * @returns Whether one of the two sums is the stored one.
 */
export function hasTarChecksum(block: TarBlock): boolean {
  const stored = readTarNumber(block, CHECKSUM_AT, CHECKSUM_BYTES);
  let sum = sumOfTarBlock(block) + CHECKSUM_BYTES * SPACE;
  for (let at = CHECKSUM_AT; at < CHECKSUM_END; at++) sum -= byteAt(block, at);
  if (stored === sum) return true;
  for (let at = 0; at < TAR_BLOCK_BYTES; at++) {
    // A character of 128 and more is 256 less where it is signed.
    if (at < CHECKSUM_AT || at >= CHECKSUM_END) sum -= (byteAt(block, at) & 0x80) << 1;
  }
  return stored === sum;
}

/**
 * Tells headers that describe the entry behind them: pax `x` and `g`, Sun's `X`, GNU's long names
 * `L` and `K`.
 *
 * @param typeFlag The type flag, a byte.
 * @returns Whether it is one of them.
 */
export function isTarMetadata(typeFlag: Int): boolean {
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
 * @param lastOfName The last byte of the name in force, any number when it is empty.
 * @returns Whether blocks of content follow.
 */
export function hasTarContent(typeFlag: Int, lastOfName: Int): boolean {
  if (typeFlag >= 0x31 && typeFlag <= 0x36) return false;
  return typeFlag !== 0 || lastOfName !== 0x2f;
}

/** GNU and POSIX share the first five bytes, `ustar`; star has a mark of its own at the end. */
function formatOf(block: TarBlock): Int {
  const isMarked = byteAt(block, MAGIC_AT) === 0x75 && byteAt(block, MAGIC_AT + 1) === 0x73 &&
    byteAt(block, MAGIC_AT + 2) === 0x74 && byteAt(block, MAGIC_AT + 3) === 0x61 &&
    byteAt(block, MAGIC_AT + 4) === 0x72;
  if (!isMarked) return FORMAT_V7;
  const version = byteAt(block, VERSION_AT);
  if (version === SPACE && byteAt(block, VERSION_AT + 1) === SPACE) return FORMAT_GNU;
  if (version !== 0) return FORMAT_V7;
  const isStar = byteAt(block, STAR_AT) === 0x74 && byteAt(block, STAR_AT + 1) === 0x61 &&
    byteAt(block, STAR_AT + 2) === 0x72 && byteAt(block, STAR_AT + 3) === 0;
  return isStar ? FORMAT_STAR : FORMAT_USTAR;
}

/** Finds the end of a text: its first NUL, or that of its field. */
function endOfText(block: TarBlock, start: Int, bytes: Int): Int {
  let at = start;
  while (at < start + bytes && byteAt(block, at) !== 0) at++;
  return at;
}

/**
 * Reads the fields of a header that every entry has. Nothing is proved of them.
 *
 * @param block The header.
 * @param fields Where what it says goes.
 */
export function readTarFields(block: TarBlock, fields: TarFields): void {
  const format = formatOf(block);
  const ownerBytes = format === FORMAT_V7 ? 0 : 32;
  // GNU headers hold times where POSIX has the prefix.
  const prefixBytes = format === FORMAT_STAR ? 131 : format === FORMAT_USTAR ? 155 : 0;
  setField(fields, SIZE_FIELD, readTarNumber(block, 124, 12));
  setField(fields, MODE_FIELD, readTarNumber(block, 100, 8));
  setField(fields, UID_FIELD, readTarNumber(block, 108, 8));
  setField(fields, GID_FIELD, readTarNumber(block, 116, 8));
  setField(fields, TIME_FIELD, readTarNumber(block, 136, 12));
  setField(fields, TYPE_FIELD, byteAt(block, TYPE_AT));
  setField(fields, FORMAT_FIELD, format);
  setField(fields, NAME_END_FIELD, endOfText(block, NAME_AT, 100));
  setField(fields, LINK_END_FIELD, endOfText(block, LINK_AT, 100));
  setField(fields, USER_END_FIELD, endOfText(block, USER_AT, ownerBytes));
  setField(fields, GROUP_END_FIELD, endOfText(block, GROUP_AT, ownerBytes));
  setField(fields, PREFIX_END_FIELD, endOfText(block, PREFIX_AT, prefixBytes));
}
