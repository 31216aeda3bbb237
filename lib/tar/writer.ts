import { iterate } from "../bytes/iterate.ts";
import { streamFrom } from "../bytes/stream_from.ts";
import type { Bytes, ByteStream } from "../model/bytes.ts";
import { SizeMismatchError } from "../model/errors.ts";
import { BLOCK_SIZE } from "./header.ts";
import { formatPaxRecord, formatPaxTime } from "./pax.ts";
import { splitName } from "./_ustar_name.ts";

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
  /** The content of a file. */
  readonly body?: Bytes | ByteStream | undefined;
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

const SECOND_NS = 1_000_000_000n;
const encoder = new TextEncoder();

function isASCII(bytes: Uint8Array): boolean {
  return bytes.every((byte) => byte < 0x80);
}

function isUTF8(bytes: Uint8Array): boolean {
  try {
    new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    return true;
  } catch {
    return false;
  }
}

class Block {
  readonly bytes: Bytes = new Uint8Array(BLOCK_SIZE);

  text(start: number, length: number, value: Uint8Array): void {
    this.bytes.set(value.subarray(0, length), start);
  }

  octal(start: number, length: number, value: number): void {
    this.text(start, length, encoder.encode(value.toString(8).padStart(length - 1, "0")));
  }

  seal(): Bytes {
    this.bytes.fill(0x20, 148, 156);
    let sum = 0;
    for (const byte of this.bytes) sum += byte;
    this.text(148, 8, encoder.encode(`${sum.toString(8).padStart(6, "0")}\0 `));
    return this.bytes;
  }
}

function padding(size: number): Bytes {
  return new Uint8Array((BLOCK_SIZE - size % BLOCK_SIZE) % BLOCK_SIZE);
}

interface Plan {
  readonly header: Bytes;
  readonly records: readonly Bytes[];
}

function refuse(path: string, what: string): never {
  throw new RangeError(`Cannot write the tar entry ${JSON.stringify(path)}: ${what}`);
}

function planEntry(input: TarInput, size: number): Plan {
  const { type = "file", path } = input;
  let name: Bytes = input.pathBytes ?? encoder.encode(path);
  if (type === "directory" && name.at(-1) !== 0x2f) {
    const withSlash = new Uint8Array(name.length + 1);
    withSlash.set(name);
    withSlash[name.length] = 0x2f;
    name = withSlash;
  }
  const link = input.linkPathBytes ?? encoder.encode(input.linkPath ?? "");
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
  const block = new Block();
  // Names that are no UTF-8 lie in the header where they fit: every reader takes their bytes, while
  // GNU tar warns of the record that says so for the records of names.
  const hasPath = split === undefined || !isASCII(name) && isUTF8(name);
  const hasLink = link.length > 100 || !isASCII(link) && isUTF8(link);
  if (hasPath && !isUTF8(name) || hasLink && !isUTF8(link)) {
    record("hdrcharset", encoder.encode("BINARY"));
  }
  if (hasPath) record("path", name);
  if (hasLink) record("linkpath", link);
  block.text(0, 100, split?.name ?? name);
  block.text(345, 155, split?.prefix ?? new Uint8Array(0));
  block.text(157, 100, link);
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
  const ns = input.mtimeNs ?? BigInt(Math.round((input.mtime ?? 0) * 1e6)) * 1000n;
  const seconds = ns / SECOND_NS;
  const plain = ns >= 0n && ns % SECOND_NS === 0n && seconds < 8n ** 11n;
  if (!plain) record("mtime", encoder.encode(formatPaxTime(ns)));
  block.octal(136, 12, ns >= 0n && seconds < 8n ** 11n ? Number(seconds) : 0);
  block.text(156, 1, encoder.encode(FLAGS[type]));
  block.text(257, 8, encoder.encode("ustar\u000000"));
  for (
    const [key, start, value] of [["uname", 265, input.userName], [
      "gname",
      297,
      input.groupName,
    ]] as const
  ) {
    const bytes = encoder.encode(value ?? "");
    if (bytes.length > 32 || !isASCII(bytes)) record(key, bytes);
    else block.text(start, 32, bytes);
  }
  if (type === "character-device" || type === "block-device") {
    number("deviceMajor", 329, 8, input.deviceMajor ?? 0);
    number("deviceMinor", 337, 8, input.deviceMinor ?? 0);
  }
  const xattrs = [...input.xattrs ?? []].sort(([a], [b]) => a < b ? -1 : a > b ? 1 : 0);
  for (const [key, value] of xattrs) record(`SCHILY.xattr.${key}`, value);
  return { header: block.seal(), records };
}

function paxHeader(records: readonly Bytes[]): Bytes[] {
  const size = records.reduce((sum, { length }) => sum + length, 0);
  const block = new Block();
  block.text(0, 100, encoder.encode("PaxHeaders/entry"));
  block.octal(100, 8, 0o644);
  block.octal(108, 8, 0);
  block.octal(116, 8, 0);
  block.octal(124, 12, size);
  block.octal(136, 12, 0);
  block.text(156, 1, encoder.encode("x"));
  block.text(257, 8, encoder.encode("ustar\u000000"));
  return [block.seal(), ...records, padding(size)];
}

async function* bodyOf(input: TarInput, size: number): AsyncGenerator<Bytes, void, undefined> {
  const { body } = input;
  if (body === undefined) return;
  if (body instanceof Uint8Array) return yield body;
  let count = 0;
  const wrong = (): SizeMismatchError =>
    new SizeMismatchError(
      `Cannot write the tar entry ${
        JSON.stringify(input.path)
      }: it has ${count} bytes, not ${size}`,
      { expected: size, actual: count },
    );
  for await (const chunk of iterate(body)) {
    count += chunk.length;
    if (count > size) throw wrong();
    yield chunk;
  }
  if (count !== size) throw wrong();
}

function sizeOf(input: TarInput): number {
  const { body, size, type = "file" } = input;
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

async function* blocks(
  entries: AsyncIterable<TarInput> | Iterable<TarInput>,
): AsyncGenerator<Bytes, void, undefined> {
  for await (const input of entries) {
    const size = sizeOf(input);
    const { header, records } = planEntry(input, size);
    if (records.length > 0) yield* paxHeader(records);
    yield header;
    yield* bodyOf(input, size);
    const rest = padding(size);
    if (rest.length > 0) yield rest;
  }
  yield new Uint8Array(2 * BLOCK_SIZE);
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
 * const body = new TextEncoder().encode("hello\n");
 * console.log((await new Response(writeTar([{ path: "a", body }])).arrayBuffer()).byteLength); // 2048
 * ```
 */
export function writeTar(entries: AsyncIterable<TarInput> | Iterable<TarInput>): ByteStream {
  return streamFrom(blocks(entries));
}
