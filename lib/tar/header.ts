import {
  hasTarChecksum,
  readTarNumber,
  sumOfTarBlock,
  TAR_BLOCK_BYTES,
} from "../kernel/tar_fields.ts";
import type { Bytes } from "../model/bytes.ts";
import { InvalidTarError } from "../model/errors.ts";

/** The unit of tar archives (POSIX.1-2017, pax, ustar interchange format). */
export const BLOCK_SIZE: number = TAR_BLOCK_BYTES;

/** The format that a header is written in. */
export type TarFormat = "v7" | "ustar" | "gnu" | "star";

/**
 * One 512-byte header, decoded and not yet merged with the metadata before it. What it has of bytes is
 * lent like the block.
 */
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
  readonly userName: string;
  readonly groupName: string;
  readonly deviceMajor: number;
  readonly deviceMinor: number;
  readonly prefix: Bytes;
}

/** Tells whether a block is all zeros, as the two at the end of an archive are. */
export function isZeroBlock(block: Uint8Array): boolean {
  return block[0] === 0 && sumOfTarBlock(block) === 0;
}

/** What a field is that has nothing in it. */
export const NO_BYTES: Bytes = new Uint8Array(0);

/** Cuts a field at its first NUL; it is lent like the block. */
export function textField(block: Bytes, start: number, length: number): Bytes {
  if (block[start] === 0 || length === 0) return NO_BYTES;
  const end = block.indexOf(0, start);
  return block.subarray(start, end < 0 ? start + length : Math.min(end, start + length));
}

const OWNER_BYTES = 32;
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/** Reads the name of an owner: short, and ASCII nearly always, which takes no decoder. */
function ownerField(block: Bytes, start: number): string {
  let text = "";
  for (let at = start; at < start + OWNER_BYTES; at++) {
    const byte = block[at] ?? 0;
    if (byte === 0) break;
    if (byte > 0x7f) return decoder.decode(textField(block, start, OWNER_BYTES));
    text += String.fromCharCode(byte);
  }
  return text;
}

function refuse(what: string, offset: number): never {
  throw new InvalidTarError(`Cannot read the tar header at byte ${offset}: ${what}`, { offset });
}

/** Reads a number: octal text, or base-256 where the first bit is set (GNU, star). */
export function numericField(
  block: Bytes,
  start: number,
  length: number,
  what: string,
  offset: number,
): number {
  const value = readTarNumber(block, start, length);
  if (value === undefined) return refuse(`${what} is no number`, offset);
  if (!Number.isSafeInteger(value)) return refuse(`${what} is beyond 2^53 - 1`, offset);
  return value;
}

const USTAR = [0x75, 0x73, 0x74, 0x61, 0x72] as const;
const STAR = [0x74, 0x61, 0x72, 0x00] as const;
const SPACE = 0x20;

function hasAt(block: Bytes, at: number, mark: readonly number[]): boolean {
  for (let index = 0; index < mark.length; index++) {
    if (block[at + index] !== mark[index]) return false;
  }
  return true;
}

function formatOf(block: Bytes): TarFormat {
  if (!hasAt(block, 257, USTAR)) return "v7";
  if (block[262] === SPACE && block[263] === SPACE) return "gnu";
  if (block[262] !== 0) return "v7";
  return hasAt(block, 508, STAR) ? "star" : "ustar";
}

/**
 * Decodes a header block and proves its checksum.
 *
 * @param block The 512 bytes.
 * @param offset Where they start in the archive, for errors.
 * @param view A view of the whole buffer that they lie in, made anew by default.
 * @returns The fields.
 * @throws {InvalidTarError} when the checksum is wrong or a number is none.
 */
export function parseHeader(block: Bytes, offset: number, view?: DataView): TarHeader {
  if (!hasTarChecksum(block, view)) refuse("the checksum is wrong", offset);
  const format = formatOf(block);
  const size = numericField(block, 124, 12, "the size", offset);
  if (size < 0) refuse("the size is negative", offset);
  const typeFlag = String.fromCharCode(block[156] ?? 0);
  const hasDevice = format !== "v7" && (typeFlag === "3" || typeFlag === "4");
  const prefixLength = format === "star" ? 131 : format === "ustar" ? 155 : 0;
  return {
    format,
    name: textField(block, 0, 100),
    mode: numericField(block, 100, 8, "the mode", offset) & 0o7777,
    uid: numericField(block, 108, 8, "the user ID", offset),
    gid: numericField(block, 116, 8, "the group ID", offset),
    size,
    mtime: numericField(block, 136, 12, "the time", offset),
    typeFlag,
    linkName: textField(block, 157, 100),
    userName: format === "v7" ? "" : ownerField(block, 265),
    groupName: format === "v7" ? "" : ownerField(block, 297),
    deviceMajor: hasDevice ? numericField(block, 329, 8, "the major number", offset) : 0,
    deviceMinor: hasDevice ? numericField(block, 337, 8, "the minor number", offset) : 0,
    // GNU headers hold times where POSIX has the prefix.
    prefix: textField(block, 345, prefixLength),
  };
}
