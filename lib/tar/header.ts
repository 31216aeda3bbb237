import type { Bytes } from "../model/bytes.ts";
import { InvalidTarError } from "../model/errors.ts";

/** The unit of tar archives (POSIX.1-2017, pax, ustar interchange format). */
export const BLOCK_SIZE = 512;

/** The format that a header is written in. */
export type TarFormat = "v7" | "ustar" | "gnu" | "star";

/** One 512-byte header, decoded and not yet merged with the metadata before it. */
export interface TarHeader {
  readonly format: TarFormat;
  readonly name: Bytes;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly size: number;
  readonly mtime: number;
  readonly typeFlag: string;
  readonly linkName: Bytes;
  readonly userName: Bytes;
  readonly groupName: Bytes;
  readonly deviceMajor: number;
  readonly deviceMinor: number;
  readonly prefix: Bytes;
}

const SPACE = 0x20;

/** Tells whether a block is all zeros, as the two at the end of an archive are. */
export function isZeroBlock(block: Uint8Array): boolean {
  return block.every((byte) => byte === 0);
}

/** Cuts a field at its first NUL. */
export function textField(block: Bytes, start: number, length: number): Bytes {
  const field = block.subarray(start, start + length);
  const end = field.indexOf(0);
  return field.slice(0, end < 0 ? length : end);
}

function refuse(what: string, offset: number): never {
  throw new InvalidTarError(`Cannot read the tar header at byte ${offset}: ${what}`, { offset });
}

function base256(field: Uint8Array): bigint {
  const first = field[0] ?? 0;
  const negative = (first & 0x40) !== 0;
  let value = BigInt(first & 0x3f) - (negative ? 64n : 0n);
  for (const byte of field.subarray(1)) value = (value << 8n) | BigInt(byte);
  return value;
}

function octal(field: Uint8Array): bigint | undefined {
  // Leading NULs and spaces are skipped, as Go does; GNU tar writes them, old Solaris too.
  let start = 0;
  while (start < field.length && (field[start] === 0 || field[start] === SPACE)) start++;
  let end = field.length;
  while (end > start && (field[end - 1] === 0 || field[end - 1] === SPACE)) end--;
  const stop = field.subarray(start, end).indexOf(0);
  if (stop >= 0) end = start + stop;
  if (end === start) return 0n;
  let value = 0n;
  for (const byte of field.subarray(start, end)) {
    if (byte < 0x30 || byte > 0x37) return undefined;
    value = (value << 3n) | BigInt(byte - 0x30);
  }
  return value;
}

/** Reads a number: octal text, or base-256 where the first bit is set (GNU, star). */
export function numericField(
  block: Bytes,
  start: number,
  length: number,
  what: string,
  offset: number,
): number {
  const field = block.subarray(start, start + length);
  const value = ((field[0] ?? 0) & 0x80) !== 0 ? base256(field) : octal(field);
  if (value === undefined) return refuse(`${what} is no number`, offset);
  const number = Number(value);
  if (!Number.isSafeInteger(number)) return refuse(`${what} is beyond 2^53 - 1`, offset);
  return number;
}

function checkSum(block: Bytes, offset: number): void {
  const stored = numericField(block, 148, 8, "the checksum", offset);
  let unsigned = 0;
  let signed = 0;
  for (let i = 0; i < BLOCK_SIZE; i++) {
    const byte = i >= 148 && i < 156 ? SPACE : block[i] ?? 0;
    unsigned += byte;
    signed += byte > 127 ? byte - 256 : byte;
  }
  // Old Sun and NeXT tars summed signed characters.
  if (stored !== unsigned && stored !== signed) refuse("the checksum is wrong", offset);
}

function formatOf(block: Bytes): TarFormat {
  const magic = String.fromCharCode(...block.subarray(257, 265));
  if (magic.startsWith("ustar  ")) return "gnu";
  if (!magic.startsWith("ustar\0")) return "v7";
  return String.fromCharCode(...block.subarray(508, 512)) === "tar\0" ? "star" : "ustar";
}

/**
 * Decodes a header block and proves its checksum.
 *
 * @param block The 512 bytes.
 * @param offset Where they start in the archive, for errors.
 * @returns The fields.
 * @throws {InvalidTarError} when the checksum is wrong or a number is none.
 */
export function parseHeader(block: Bytes, offset: number): TarHeader {
  checkSum(block, offset);
  const format = formatOf(block);
  const number = (start: number, length: number, what: string): number =>
    numericField(block, start, length, what, offset);
  const size = number(124, 12, "the size");
  if (size < 0) refuse("the size is negative", offset);
  const typeFlag = String.fromCharCode(block[156] ?? 0);
  const isDevice = typeFlag === "3" || typeFlag === "4";
  const empty = new Uint8Array(0);
  const prefixLength = format === "star" ? 131 : format === "ustar" ? 155 : 0;
  return {
    format,
    name: textField(block, 0, 100),
    mode: number(100, 8, "the mode") & 0o7777,
    uid: number(108, 8, "the user ID"),
    gid: number(116, 8, "the group ID"),
    size,
    mtime: number(136, 12, "the time"),
    typeFlag,
    linkName: textField(block, 157, 100),
    userName: format === "v7" ? empty : textField(block, 265, 32),
    groupName: format === "v7" ? empty : textField(block, 297, 32),
    deviceMajor: isDevice && format !== "v7" ? number(329, 8, "the major number") : 0,
    deviceMinor: isDevice && format !== "v7" ? number(337, 8, "the minor number") : 0,
    // GNU headers hold times where POSIX has the prefix.
    prefix: textField(block, 345, prefixLength),
  };
}
