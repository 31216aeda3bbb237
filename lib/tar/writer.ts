import type { Bytes, ByteStream } from "../model/bytes.ts";
import { SizeMismatchError } from "../model/errors.ts";
import { HeaderBlock } from "./_header_block.ts";
import { splitName } from "./_ustar_name.ts";
import { vendorRecords } from "./_vendor_records.ts";
import { type PlannedEntry, writeEntries } from "./_write_entries.ts";
import { SECOND_NS } from "./nanoseconds.ts";
import {
  formatPaxRecord,
  formatPaxTime,
  MAX_PAX_BYTES,
  MAX_PAX_RECORDS,
  MAX_SECONDS,
} from "./pax.ts";

/** The types of entries that can be written. */
export type TarInputType =
  | "file"
  | "hardlink"
  | "symlink"
  | "character-device"
  | "block-device"
  | "directory"
  | "fifo";

/** An entry to be written. */
export interface TarInput {
  /** The name. A directory gets a trailing slash when it has none. */
  readonly path: string;
  /** The bytes of the name, where it is no UTF-8; taken instead of `path`. */
  readonly pathBytes?: Bytes | undefined;
  /** What it is; default a file. */
  readonly type?: TarInputType | undefined;
  /** The bytes of the content; needed when the body is a stream. */
  readonly size?: number | undefined;
  /** The permission bits; default 0o755 for directories, 0o644 for anything else. */
  readonly mode?: number | undefined;
  /** The user ID; default 0. */
  readonly uid?: number | undefined;
  /** The group ID; default 0. */
  readonly gid?: number | undefined;
  /** The name of the owner; default none. */
  readonly userName?: string | undefined;
  /** The name of the group; default none. */
  readonly groupName?: string | undefined;
  /** The modification time in seconds since 1970; default 0. */
  readonly mtime?: number | undefined;
  /** The modification time in nanoseconds; taken instead of `mtime`. */
  readonly mtimeNs?: bigint | undefined;
  /** The target of a link. */
  readonly linkPath?: string | undefined;
  /** The bytes of the target, where it is no UTF-8; taken instead of `linkPath`. */
  readonly linkPathBytes?: Bytes | undefined;
  /** The major number of a device. */
  readonly deviceMajor?: number | undefined;
  /** The minor number of a device. */
  readonly deviceMinor?: number | undefined;
  /** Extended attributes, written as `SCHILY.xattr.*`. */
  readonly xattrs?: ReadonlyMap<string, Bytes> | undefined;
  /**
   * More pax records, such as `MSWINDOWS.rawsd`; those that follow from other fields are refused, and
   * so are empty ones.
   */
  readonly pax?: ReadonlyMap<string, Bytes | string> | undefined;
  /** The content of a file; a text is UTF-8. */
  readonly body?: Bytes | string | ByteStream | undefined;
}

const FLAGS: Readonly<Record<TarInputType, string>> = {
  "file": "0",
  "hardlink": "1",
  "symlink": "2",
  "character-device": "3",
  "block-device": "4",
  "directory": "5",
  "fifo": "6",
};

const NO_BYTES: Bytes = new Uint8Array(0);
const encoder = new TextEncoder();

/** Most fields of text are empty, and an array takes longer to make than a header to fill. */
function encodeText(text: string = ""): Bytes {
  return text === "" ? NO_BYTES : encoder.encode(text);
}

function isASCII(bytes: Uint8Array): boolean {
  for (let at = 0; at < bytes.length; at++) {
    if ((bytes[at] ?? 0) >= 0x80) return false;
  }
  return true;
}

function isUTF8(bytes: Uint8Array): boolean {
  try {
    new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    return true;
  } catch {
    return false;
  }
}

function refuse(path: string, what: string): never {
  throw new RangeError(`Cannot write the tar entry ${JSON.stringify(path)}: ${what}`);
}

/** Whole seconds stay exact; fractions of a double are good for microseconds. */
function nanoseconds(seconds: number): bigint | undefined {
  if (!Number.isFinite(seconds)) return undefined;
  const whole = Math.floor(seconds);
  return BigInt(whole) * SECOND_NS + BigInt(Math.round((seconds - whole) * 1e6)) * 1000n;
}

function planEntry(input: TarInput): PlannedEntry {
  const { type = "file", path } = input;
  const body = typeof input.body === "string" ? encoder.encode(input.body) : input.body;
  const size = sizeOf(input, body);
  let name: Bytes = input.pathBytes ?? encoder.encode(path);
  if (type === "directory" && name.at(-1) !== 0x2f) {
    const withSlash = new Uint8Array(name.length + 1);
    withSlash.set(name);
    withSlash[name.length] = 0x2f;
    name = withSlash;
  }
  const link = input.linkPathBytes ?? encodeText(input.linkPath);
  const isLink = type === "hardlink" || type === "symlink";
  if (name.length === 0) refuse(path, "it has no name");
  // Readers take such a file for a directory.
  if (type === "file" && name.at(-1) === 0x2f) refuse(path, "the name of a file ends in a slash");
  if (isLink && link.length === 0) refuse(path, "the link has no target");
  if (name.includes(0) || link.includes(0)) refuse(path, "a name holds a NUL");
  const records: Bytes[] = [];
  const record = (key: string, value: Uint8Array): void => {
    records.push(formatPaxRecord(key, value) ?? refuse(path, `${key} fits no pax record`));
  };
  const split = splitName(name);
  const block = new HeaderBlock();
  // Names that are no UTF-8 lie in the header where they fit: every reader takes their bytes, while
  // GNU tar warns of the record that says so for the records of names.
  const hasPath = split === undefined || !isASCII(name) && isUTF8(name);
  const hasLink = link.length > 100 || !isASCII(link) && isUTF8(link);
  if (hasPath && !isUTF8(name) || hasLink && !isUTF8(link)) {
    record("hdrcharset", encoder.encode("BINARY"));
  }
  if (hasPath) record("path", name);
  if (hasLink) record("linkpath", link);
  block.put(0, 100, split?.name ?? name);
  block.put(345, 155, split?.prefix ?? NO_BYTES);
  block.put(157, 100, link);
  const number = (key: string, start: number, length: number, value: number): void => {
    if (!Number.isSafeInteger(value)) refuse(path, `${key} is no whole number`);
    const fits = value >= 0 && value < 8 ** (length - 1);
    if (!fits) {
      if (key !== "size" && key !== "uid" && key !== "gid") refuse(path, `${key} is too large`);
      record(key, encoder.encode(String(value)));
    }
    block.octal(start, length, fits ? value : 0);
  };
  number("mode", 100, 8, (input.mode ?? (type === "directory" ? 0o755 : 0o644)) & 0o7777);
  number("uid", 108, 8, input.uid ?? 0);
  number("gid", 116, 8, input.gid ?? 0);
  number("size", 124, 12, size);
  const ns = input.mtimeNs ?? nanoseconds(input.mtime ?? 0) ?? refuse(path, "mtime is no number");
  const seconds = ns / SECOND_NS;
  if (seconds > MAX_SECONDS || seconds < -MAX_SECONDS) refuse(path, "mtime is beyond 64 bits");
  const plain = ns >= 0n && ns % SECOND_NS === 0n && seconds < 8n ** 11n;
  if (!plain) record("mtime", encoder.encode(formatPaxTime(ns)));
  block.octal(136, 12, ns >= 0n && seconds < 8n ** 11n ? Number(seconds) : 0);
  block.mark(FLAGS[type]);
  for (
    const [key, start, value] of [["uname", 265, input.userName], [
      "gname",
      297,
      input.groupName,
    ]] as const
  ) {
    const bytes = encodeText(value);
    if (bytes.includes(0)) refuse(path, `${key} holds a NUL`);
    if (bytes.length > 32 || !isASCII(bytes)) record(key, bytes);
    else block.put(start, 32, bytes);
  }
  if (type === "character-device" || type === "block-device") {
    number("deviceMajor", 329, 8, input.deviceMajor ?? 0);
    number("deviceMinor", 337, 8, input.deviceMinor ?? 0);
  }
  const xattrs = [...input.xattrs ?? []].sort(([a], [b]) => a < b ? -1 : a > b ? 1 : 0);
  for (const [key, value] of xattrs) record(`SCHILY.xattr.${key}`, value);
  if (input.pax !== undefined) {
    const records = vendorRecords(input.pax, (what) => refuse(path, what));
    for (const [key, value] of records) record(key, value);
  }
  checkRecords(path, records);
  return { path, header: block.seal(), records, size, body };
}

/** What readers refuse is not written. */
function checkRecords(path: string, records: readonly Bytes[]): void {
  const bytes = records.reduce((sum, { length }) => sum + length, 0);
  if (bytes > MAX_PAX_BYTES) refuse(path, `its metadata is longer than ${MAX_PAX_BYTES} bytes`);
  if (records.length > MAX_PAX_RECORDS) {
    refuse(path, `its metadata has more than ${MAX_PAX_RECORDS} records`);
  }
}

function sizeOf(input: TarInput, body: Bytes | ByteStream | undefined): number {
  const { size, type = "file" } = input;
  if (type !== "file") {
    if (body !== undefined && !(body instanceof Uint8Array && body.length === 0)) {
      refuse(input.path, `a ${type} has no content`);
    }
    return 0;
  }
  if (body instanceof Uint8Array) {
    if (size !== undefined && size !== body.length) {
      throw new SizeMismatchError(
        `Cannot write the tar entry ${
          JSON.stringify(input.path)
        }: it has ${body.length} bytes, not ${size}`,
        { expected: size, actual: body.length },
      );
    }
    return body.length;
  }
  if (body === undefined) {
    if (size !== undefined && size !== 0) refuse(input.path, "it has a size and no body");
    return 0;
  }
  if (size === undefined || !Number.isSafeInteger(size) || size < 0) {
    refuse(input.path, "a body that is a stream needs its size");
  }
  return size;
}

/**
 * Writes a tar archive: ustar headers, and pax records for what does not fit them (POSIX.1-2017).
 * The same entries give the same bytes on every runtime. Entries are taken as the stream is read;
 * memory is one entry's metadata and one chunk.
 *
 * @param entries The entries, in the order of the archive.
 * @returns The archive, ended by two blocks of zeros. It errors with a `RangeError` when an entry
 * cannot be written, and with a {@linkcode SizeMismatchError} when a body is not as long as said.
 *
 * @example Pack one file
 * ```ts
 * import { writeTar } from "@lading/lading/tar";
 *
 * console.log((await new Response(writeTar([{ path: "a", body: "hello\n" }])).arrayBuffer()).byteLength); // 2048
 * ```
 */
export function writeTar(entries: AsyncIterable<TarInput> | Iterable<TarInput>): ByteStream {
  return writeEntries(entries, planEntry);
}
