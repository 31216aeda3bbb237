import { sumOfTarBlock } from "../kernel/tar_block.ts";
import {
  FORMAT_FIELD,
  GID_FIELD,
  GROUP_AT,
  GROUP_END_FIELD,
  LINK_END_FIELD,
  MODE_FIELD,
  NAME_END_FIELD,
  PREFIX_END_FIELD,
  readTarNumber,
  SIZE_FIELD,
  TAR_BLOCK_BYTES,
  TIME_FIELD,
  TYPE_FIELD,
  UID_FIELD,
  USER_AT,
  USER_END_FIELD,
} from "../kernel/tar_rules.ts";
import { TarScan } from "../kernel/tar_scan.ts";
import type { Bytes } from "../model/bytes.ts";
import { InvalidTarError } from "../model/errors.ts";
import { RepeatedText } from "./_repeated_text.ts";

/** The unit of tar archives (POSIX.1-2017, pax, ustar interchange format). */
export const BLOCK_SIZE: number = TAR_BLOCK_BYTES;

/** The format that a header is written in. */
export type TarFormat = "v7" | "ustar" | "gnu" | "star";

/** One 512-byte header, decoded and not yet merged with the metadata before it. */
export interface TarHeader {
  readonly format: TarFormat;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly size: number;
  readonly mtime: number;
  readonly typeFlag: string;
  readonly userName: string;
  readonly groupName: string;
  readonly deviceMajor: number;
  readonly deviceMinor: number;
  /** Where the name ends in the block. */
  readonly nameEnd: number;
  /** Where the target of a link ends. */
  readonly linkEnd: number;
  /** Where the prefix of the name ends. */
  readonly prefixEnd: number;
}

/** Tells whether a block is all zeros, as the two at the end of an archive are. */
export function isZeroBlock(block: Uint8Array): boolean {
  return block[0] === 0 && sumOfTarBlock(block) === 0;
}

/** What a field is that has nothing in it. */
const NO_BYTES: Bytes = new Uint8Array(0);

/** Cuts a field at its first NUL; it is lent like the block. */
export function textField(block: Bytes, start: number, length: number): Bytes {
  if (block[start] === 0 || length === 0) return NO_BYTES;
  const end = block.indexOf(0, start);
  return block.subarray(start, end < 0 ? start + length : Math.min(end, start + length));
}

function refuse(what: string, offset: number): never {
  throw new InvalidTarError(`Cannot read the tar header at byte ${offset}: ${what}`, { offset });
}

function checked(value: number, what: string, offset: number): number {
  if (Number.isSafeInteger(value)) return value;
  return refuse(
    Number.isNaN(value) ? `${what} is no number` : `${what} is beyond 2^53 - 1`,
    offset,
  );
}

/** Reads a number: octal text, or base-256 where the first bit is set (GNU, star). */
export function numericField(
  block: Bytes,
  start: number,
  length: number,
  what: string,
  offset: number,
): number {
  return checked(readTarNumber(block, start, length), what, offset);
}

const userNames = new RepeatedText();
const groupNames = new RepeatedText();

/** By the numbers of tar_rules.ts. */
const FORMATS: readonly TarFormat[] = ["v7", "ustar", "gnu", "star"];

/**
 * Decodes a header block and proves its checksum.
 *
 * @param block The 512 bytes.
 * @param offset Where they start in the archive, for errors.
 * @param scan Who reads it, where more of the archive is read.
 * @param behind How many bytes of the archive follow the block in memory.
 * @returns The fields.
 * @throws {InvalidTarError} when the checksum is wrong or a number is none.
 */
export function parseHeader(
  block: Bytes,
  offset: number,
  scan: TarScan = new TarScan(),
  behind = 0,
): TarHeader {
  if (!scan.read(block, behind)) refuse("the checksum is wrong", offset);
  const format = FORMATS[scan.field(FORMAT_FIELD)] ?? "v7";
  const size = checked(scan.field(SIZE_FIELD), "the size", offset);
  if (size < 0) refuse("the size is negative", offset);
  const typeFlag = String.fromCharCode(scan.field(TYPE_FIELD));
  const hasDevice = format !== "v7" && (typeFlag === "3" || typeFlag === "4");
  return {
    format,
    mode: checked(scan.field(MODE_FIELD), "the mode", offset) & 0o7777,
    uid: checked(scan.field(UID_FIELD), "the user ID", offset),
    gid: checked(scan.field(GID_FIELD), "the group ID", offset),
    size,
    mtime: checked(scan.field(TIME_FIELD), "the time", offset),
    typeFlag,
    userName: userNames.read(block, USER_AT, scan.field(USER_END_FIELD)),
    groupName: groupNames.read(block, GROUP_AT, scan.field(GROUP_END_FIELD)),
    deviceMajor: hasDevice ? numericField(block, 329, 8, "the major number", offset) : 0,
    deviceMinor: hasDevice ? numericField(block, 337, 8, "the minor number", offset) : 0,
    nameEnd: scan.field(NAME_END_FIELD),
    linkEnd: scan.field(LINK_END_FIELD),
    prefixEnd: scan.field(PREFIX_END_FIELD),
  };
}
