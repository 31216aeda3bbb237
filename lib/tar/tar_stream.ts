import { iterate } from "../bytes/iterate.ts";
import { streamFrom } from "../bytes/stream_from.ts";
import type { Bytes } from "../model/bytes.ts";
import { SizeMismatchError } from "../model/errors.ts";
import { toByteStream } from "./_byte_stream.ts";
import { HeaderBlock } from "./_header_block.ts";
import { type PlannedEntry, writeEntries } from "./_write_entries.ts";
import { formatPaxRecord } from "./pax.ts";

/** What an entry of a {@linkcode TarStream} has besides its content. */
export interface TarStreamOptions {
  /** The permission bits; default 0o644 for files, 0o755 for directories, 0o777 for links. */
  mode?: number;
  /** The user ID; default 0. */
  uid?: number;
  /** The group ID; default 0. */
  gid?: number;
  /** The modification time in seconds since 1970; default now. */
  mtime?: number;
  /** The name of the owner in ASCII, at most 31 characters; default none. */
  uname?: string;
  /** The name of the group in ASCII, at most 31 characters; default none. */
  gname?: string;
  /** The text of the field for the major number of a device, at most 8 characters. */
  devmajor?: string;
  /** The text of the field for the minor number of a device, at most 8 characters. */
  devminor?: string;
}

/** A file for a {@linkcode TarStream}. */
export interface TarStreamFile {
  /** What it is. */
  type: "file";
  /** The path in the archive. */
  path: string;
  /** The number of bytes. */
  size: number;
  /** The content. */
  readable: ReadableStream<Uint8Array>;
  /** The rest; what is missing is filled in. */
  options?: TarStreamOptions;
}

/** A directory for a {@linkcode TarStream}. */
export interface TarStreamDir {
  /** What it is. */
  type: "directory";
  /** The path in the archive. */
  path: string;
  /** The rest; what is missing is filled in. */
  options?: TarStreamOptions;
}

/** A symbolic link for a {@linkcode TarStream}. */
export interface TarStreamSymlink {
  /** What it is. */
  type: "symlink";
  /** The path in the archive. */
  path: string;
  /** The path that it points to. */
  linkname: string;
  /** The rest; what is missing is filled in. */
  options?: TarStreamOptions;
}

/** What a {@linkcode TarStream} takes. */
export type TarStreamInput = TarStreamFile | TarStreamDir | TarStreamSymlink;

const MAX_ID = 0o777777;
const MAX_TIME = 0o77777777777;
const ASCII_NAME_REGEXP = /^\p{ASCII}{0,31}$/u;
const MAX_DEVICE_LENGTH = 8;

function isNumber(value: number | undefined, max: number): boolean {
  return value === undefined || value >= 0 && Math.floor(value) <= max;
}

/**
 * Checks the options of an entry, before they break an archive that is half written.
 *
 * @param options The options.
 * @throws {TypeError} when one of them does not fit a header.
 *
 * @example A number that is too large
 * ```ts
 * import { assertValidTarStreamOptions } from "@lading/lading/tar/std";
 *
 * try {
 *   assertValidTarStreamOptions({ uid: 2 ** 30 });
 * } catch (error) {
 *   console.log(String(error)); // TypeError: Cannot add to the tar archive: Invalid UID provided
 * }
 * ```
 */
export function assertValidTarStreamOptions(options: TarStreamOptions): void {
  const { mode, uid, gid, mtime, uname = "", gname = "", devmajor = "", devminor = "" } = options;
  const checks: readonly (readonly [string, boolean])[] = [
    ["Mode", isNumber(mode, MAX_ID)],
    ["UID", isNumber(uid, MAX_ID)],
    ["GID", isNumber(gid, MAX_ID)],
    ["MTime", isNumber(mtime, MAX_TIME)],
    ["UName", ASCII_NAME_REGEXP.test(uname)],
    ["GName", ASCII_NAME_REGEXP.test(gname)],
    ["DevMajor", devmajor.length <= MAX_DEVICE_LENGTH],
    ["DevMinor", devminor.length <= MAX_DEVICE_LENGTH],
  ];
  const wrong = checks.find(([, isValid]) => !isValid);
  if (wrong !== undefined) {
    throw new TypeError(`Cannot add to the tar archive: Invalid ${wrong[0]} provided`);
  }
}

const encoder = new TextEncoder();

// The fields of a header that hold names (POSIX.1-1988, ustar).
const NAME_BYTES = 100;
const PREFIX_BYTES = 155;
const MAX_PATH_BYTES = 256;

interface SplitPath {
  readonly prefix: Bytes;
  readonly name: Bytes;
}

/**
 * Splits a path over the two fields, as the original does: the name takes all that it can, and a
 * slash is left between them.
 */
function splitPath(path: string): SplitPath | Error {
  const bytes = encoder.encode(path);
  const length = bytes.length;
  if (length <= NAME_BYTES) return { prefix: new Uint8Array(0), name: bytes };
  if (length > MAX_PATH_BYTES) {
    return new RangeError(
      `Cannot add to the tar archive: the path has ${length} bytes, more than ${MAX_PATH_BYTES}`,
    );
  }
  const at = bytes.findIndex((byte, at) => byte === 0x2f && at > 0 && length - at <= NAME_BYTES);
  if (at < 0) {
    return new RangeError(
      `Cannot add to the tar archive: the last part of the path has more than ${NAME_BYTES} bytes`,
    );
  }
  if (at > PREFIX_BYTES) {
    return new TypeError(
      `Cannot add to the tar archive: no slash splits the path into ${PREFIX_BYTES} and ${NAME_BYTES} bytes`,
    );
  }
  return { prefix: bytes.slice(0, at), name: bytes.slice(at + 1) };
}

function refuse(what: string): never {
  throw new TypeError(`Cannot add to the tar archive: Invalid ${what} provided`);
}

/**
 * Checks that a path fits a header that every reader knows: at most 256 bytes, with a slash that
 * leaves at most 155 before and 100 behind it. A {@linkcode TarStream} takes longer ones, too, and
 * writes them as pax records.
 *
 * @param path The path.
 * @throws {RangeError} when it is too long.
 * @throws {TypeError} when no slash splits it, or it is empty or holds a NUL.
 */
export function assertValidPath(path: string): void {
  if (path === "" || path.includes("\0")) refuse("Path");
  const split = splitPath(path);
  if (split instanceof Error) throw split;
}

/**
 * Checks that the target of a link fits a header that every reader knows: from 1 to 100 bytes. A
 * {@linkcode TarStream} takes longer ones, too, and writes them as pax records.
 *
 * @param linkname The target.
 * @throws {TypeError} when it is empty, too long or holds a NUL.
 */
export function assertValidLinkname(linkname: string): void {
  if (linkname === "" || linkname.includes("\0")) refuse("Linkname");
  const { length } = encoder.encode(linkname);
  if (length > NAME_BYTES) {
    throw new TypeError(
      `Cannot add to the tar archive: Linkname cannot exceed ${NAME_BYTES} bytes, it has ${length}`,
    );
  }
}

const FLAGS = { file: "0", symlink: "2", directory: "5" } as const;
const MODES = { file: 0o644, symlink: 0o777, directory: 0o755 } as const;

/** Sizes that fill the field to its last byte; larger ones go into a pax record. */
const SIZE_LIMIT: number = 8 ** 12;

const digits = (value: number, length: number): string =>
  Math.floor(value).toString(8).padStart(length, "0");

/** Plans an entry with the header that the original writes, to the byte. */
function planEntry(input: TarStreamInput): PlannedEntry {
  const { path, type, options = {} } = input;
  assertValidTarStreamOptions(options);
  if (path === "" || path.includes("\0")) refuse("Path");
  const { mode = MODES[type], uid = 0, gid = 0, mtime = Date.now() / 1000 } = options;
  const { uname = "", gname = "", devmajor = "", devminor = "" } = options;
  const size = input.type === "file" ? input.size : 0;
  if (!Number.isSafeInteger(size) || size < 0) {
    throw new RangeError(`Cannot add to the tar archive: ${size} is no size of a file`);
  }
  const records: Bytes[] = [];
  const record = (key: string, value: string): void => {
    records.push(formatPaxRecord(key, encoder.encode(value)) ?? refuse(key));
  };
  const block = new HeaderBlock();
  const split = splitPath(path);
  if (split instanceof Error) {
    record("path", path);
    block.put(0, NAME_BYTES, path);
  } else {
    block.put(0, NAME_BYTES, split.name);
    block.put(345, PREFIX_BYTES, split.prefix);
  }
  block.put(100, 8, `${digits(mode, 6)} `);
  block.put(108, 8, `${digits(uid, 6)} `);
  block.put(116, 8, `${digits(gid, 6)} `);
  if (size >= SIZE_LIMIT) record("size", String(size));
  block.put(124, 12, `${digits(size < SIZE_LIMIT ? size : 0, 11)} `);
  block.put(136, 12, `${digits(mtime, 11)} `);
  block.mark(FLAGS[type]);
  if (input.type === "symlink") {
    const { linkname } = input;
    if (linkname === "" || linkname.includes("\0")) refuse("Linkname");
    if (encoder.encode(linkname).length > NAME_BYTES) record("linkpath", linkname);
    block.put(157, NAME_BYTES, linkname);
  }
  block.put(265, 32, uname);
  block.put(297, 32, gname);
  block.put(329, MAX_DEVICE_LENGTH, devmajor);
  block.put(337, MAX_DEVICE_LENGTH, devminor);
  const body = input.type === "file" ? input.readable as ReadableStream<Bytes> : undefined;
  return { path, header: block.seal(), records, size, body };
}

async function* archiveOf(inputs: ReadableStream<TarStreamInput>): AsyncGenerator<Bytes> {
  try {
    yield* iterate(writeEntries(iterate(inputs), planEntry));
  } catch (error) {
    // The original's class of error.
    if (error instanceof SizeMismatchError) throw new RangeError(error.message, { cause: error });
    throw error;
  }
}

/**
 * Packs files, directories and symbolic links into a tar archive: byte for byte what the original
 * writes, where it writes at all. Paths and targets that fit no header go into pax records, and so
 * do sizes from 64 GiB. Memory is one chunk; contents are taken as the archive is read, and their
 * sizes are checked.
 *
 * The archive errors with a `TypeError` when options or a path are no good, and with a `RangeError`
 * when a size is none or a content is not as long as was said.
 *
 * @example Pack one file
 * ```ts
 * import { TarStream, type TarStreamInput } from "@lading/lading/tar/std";
 *
 * const body = new TextEncoder().encode("hello\n");
 * const archive = ReadableStream.from<TarStreamInput>([
 *   { type: "file", path: "a.txt", size: body.length, readable: new Blob([body]).stream() },
 * ]).pipeThrough(new TarStream());
 * console.log((await new Response(archive).arrayBuffer()).byteLength); // 2048
 * ```
 */
export class TarStream implements TransformStream<TarStreamInput, Bytes> {
  readonly #readable: ReadableStream<Bytes>;
  readonly #writable: WritableStream<TarStreamInput>;

  /** Makes a stream that is written entries to, and read an archive from. */
  constructor() {
    const { readable, writable } = new TransformStream<TarStreamInput, TarStreamInput>();
    this.#writable = writable;
    this.#readable = toByteStream(streamFrom(archiveOf(readable)));
  }

  /** The archive, a byte stream. */
  get readable(): ReadableStream<Bytes> {
    return this.#readable;
  }

  /** Takes the entries, in the order of the archive. */
  get writable(): WritableStream<TarStreamInput> {
    return this.#writable;
  }
}
