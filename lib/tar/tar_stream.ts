import { iterate } from "../bytes/iterate.ts";
import type { Bytes } from "../model/bytes.ts";
import { SizeMismatchError } from "../model/errors.ts";
import { streamFrom } from "../bytes/stream_from.ts";
import { toByteStream } from "./_byte_stream.ts";
import { type TarInput, writeTar } from "./writer.ts";

/** What an entry of a {@linkcode TarStream} has besides its content. */
export interface TarStreamOptions {
  /** The permission bits; default 0o755 for directories and 0o644 for files. */
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
  /** The major number of a device, at most 8 characters; files and directories have none. */
  devmajor?: string;
  /** The minor number of a device, at most 8 characters; files and directories have none. */
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

/** What a {@linkcode TarStream} takes. */
export type TarStreamInput = TarStreamFile | TarStreamDir;

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

/**
 * Checks a path before it breaks an archive that is half written. Where the original refuses paths
 * of more than 256 bytes, and some shorter ones, these are written as pax records.
 *
 * @param path The path.
 * @throws {TypeError} when it is empty or holds a NUL, which no archive can carry.
 */
export function assertValidPath(path: string): void {
  if (path === "" || path.includes("\0")) {
    throw new TypeError(`Cannot add to the tar archive: Invalid Path provided`);
  }
}

function toInput(input: TarStreamInput): TarInput {
  const options = input.options ?? {};
  assertValidTarStreamOptions(options);
  assertValidPath(input.path);
  const { mode, uid, gid, mtime = Date.now() / 1000, uname, gname } = options;
  const entry = {
    path: input.path,
    type: input.type,
    mode,
    uid,
    gid,
    mtime: Math.floor(mtime),
    userName: uname,
    groupName: gname,
  };
  if (input.type === "directory") return entry;
  if (!Number.isSafeInteger(input.size) || input.size < 0) {
    throw new RangeError(`Cannot add to the tar archive: ${input.size} is no size of a file`);
  }
  return { ...entry, size: input.size, body: input.readable as ReadableStream<Bytes> };
}

async function* entriesOf(inputs: ReadableStream<TarStreamInput>): AsyncGenerator<TarInput> {
  const reader = inputs.getReader();
  let isEnded = false;
  try {
    for (;;) {
      const { done, value } = await reader.read();
      isEnded = done;
      if (done) return;
      yield toInput(value);
    }
  } finally {
    if (!isEnded) await reader.cancel().catch(() => {});
    reader.releaseLock();
  }
}

async function* archiveOf(inputs: ReadableStream<TarStreamInput>): AsyncGenerator<Bytes> {
  try {
    yield* iterate(writeTar(entriesOf(inputs)));
  } catch (error) {
    // The original's class of error.
    if (error instanceof SizeMismatchError) throw new RangeError(error.message, { cause: error });
    throw error;
  }
}

/**
 * Packs files and directories into a tar archive. Memory is one chunk; contents are taken as the
 * archive is read, and their sizes are checked.
 *
 * The archive errors with a `TypeError` when options or a path are no good, and with a `RangeError`
 * when a content is not as long as was said.
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
