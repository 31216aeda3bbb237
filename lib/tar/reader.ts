import { readAll } from "../bytes/read_all.ts";
import type { Bytes, ByteStream } from "../model/bytes.ts";
import { InvalidTarError, LimitExceededError } from "../model/errors.ts";
import { BlockReader } from "./_block_reader.ts";
import { EntryBody, plainStream, sparseStream } from "./_entry_body.ts";
import type { TarEntry, TarEntryType } from "./entry.ts";
import { BLOCK_SIZE, isZeroBlock, numericField, parseHeader, type TarHeader } from "./header.ts";
import { MAX_PAX_BYTES, parsePax, paxInteger, paxTime } from "./pax.ts";
import { checkSparseCount, checkSparseMap, parseCommaMap, type SparseEntry } from "./sparse.ts";

export type { TarEntry, TarEntryType } from "./entry.ts";

/** The longest GNU long name or link in bytes. */
export const MAX_LONG_NAME_BYTES: number = 1 << 20;

/** The most entries of an archive by default; reading needs no memory for them, indexes do. */
export const MAX_ENTRIES = 2_000_000;

const DEFAULT_CONTENT_BYTES = 64 << 20;

/** Options of {@linkcode readTar}. */
export interface ReadTarOptions {
  /** The most entries; {@linkcode MAX_ENTRIES} by default. */
  readonly maxEntries?: number | undefined;
}

/** What {@linkcode readTar} tells when it is done. */
export interface TarSummary {
  /** The number of entries. */
  readonly entries: number;
  /** Whether the end-of-archive blocks, or the padding of the last entry, were missing. */
  readonly truncatedTrailer: boolean;
}

const TYPES: Readonly<Record<string, TarEntryType>> = {
  "0": "file",
  "\0": "file",
  "7": "file",
  "S": "file",
  "1": "hardlink",
  "2": "symlink",
  "3": "character-device",
  "4": "block-device",
  "5": "directory",
  "6": "fifo",
  "D": "directory",
  "V": "volume-label",
  "M": "multi-volume",
};

const WITHOUT_BODY: ReadonlySet<TarEntryType> = new Set([
  "hardlink",
  "symlink",
  "character-device",
  "block-device",
  "directory",
  "fifo",
]);

interface Pending {
  pax: Map<string, Bytes>;
  longName: Bytes | undefined;
  longLink: Bytes | undefined;
}

/** What a header and the metadata before it come to. */
interface Merged {
  readonly header: TarHeader;
  readonly records: Map<string, Bytes>;
  readonly path: Bytes;
  readonly link: Bytes;
  readonly type: TarEntryType;
  /** Whether there are blocks of content. */
  readonly hasBody: boolean;
  readonly stored: number;
}

function text(bytes: Bytes): string {
  return new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes);
}

function cutAtNul(bytes: Bytes): Bytes {
  const end = bytes.indexOf(0);
  return end < 0 ? bytes : bytes.slice(0, end);
}

function join(prefix: Bytes, name: Bytes): Bytes {
  if (prefix.length === 0) return name;
  const whole = new Uint8Array(prefix.length + 1 + name.length);
  whole.set(prefix);
  whole[prefix.length] = 0x2f;
  whole.set(name, prefix.length + 1);
  return whole;
}

/** What an entry is. V7 has no directories: an empty flag with a trailing slash says it. */
function typeOf({ typeFlag }: TarHeader, path: Bytes): TarEntryType {
  if (typeFlag === "\0" && path.at(-1) === 0x2f) return "directory";
  return TYPES[typeFlag] ?? "unknown";
}

/**
 * Content follows every type but links, devices, directories and pipes, whatever their size says
 * (POSIX; Go agrees). GNU's dumped directories (`D`) have a list as their content.
 */
function hasBody(type: TarEntryType, { typeFlag }: TarHeader): boolean {
  return typeFlag === "D" || !WITHOUT_BODY.has(type);
}

function merge(
  header: TarHeader,
  pending: Pending,
  globals: ReadonlyMap<string, Bytes>,
  offset: number,
): Merged {
  const records = new Map(globals);
  for (const [key, value] of pending.pax) {
    if (value.length === 0 && !key.startsWith("SCHILY.xattr.")) records.delete(key);
    else records.set(key, value);
  }
  const size = records.get("size");
  const stored = size === undefined ? header.size : paxInteger(size, "size", offset);
  if (stored < 0) {
    throw new InvalidTarError(`Cannot read the tar entry at byte ${offset}: its size is negative`, {
      offset,
    });
  }
  const path = records.get("path") ?? pending.longName ?? join(header.prefix, header.name);
  const link = records.get("linkpath") ?? pending.longLink ?? header.linkName;
  const type = typeOf(header, path);
  const isStored = hasBody(type, header);
  return { header, records, path, link, type, hasBody: isStored, stored: isStored ? stored : 0 };
}

async function* parse(
  reader: BlockReader,
  options: ReadTarOptions,
): AsyncGenerator<TarEntry, TarSummary, undefined> {
  const { maxEntries = MAX_ENTRIES } = options;
  const globals = new Map<string, Bytes>();
  let pending: Pending = { pax: new Map(), longName: undefined, longLink: undefined };
  let entries = 0;
  let truncatedTrailer = false;
  for (;;) {
    const offset = reader.offset;
    const block = await reader.exactly(BLOCK_SIZE);
    if (block.length === 0) {
      truncatedTrailer = true;
      break;
    }
    if (block.length === BLOCK_SIZE && isZeroBlock(block)) {
      truncatedTrailer = await endsEarly(reader);
      await reader.drain();
      break;
    }
    if (block.length < BLOCK_SIZE) {
      throw new InvalidTarError(
        `Cannot read the tar header at byte ${offset}: the archive ends in it`,
        {
          offset,
        },
      );
    }
    const header = parseHeader(block, offset);
    if ("xXgLK".includes(header.typeFlag)) {
      await readMetadata(reader, header, pending, globals, offset);
      continue;
    }
    if (++entries > maxEntries) {
      throw new LimitExceededError(
        `Cannot read the archive: it has more than ${maxEntries} entries`,
        {
          limit: maxEntries,
          unit: "entries",
        },
      );
    }
    const merged = merge(header, pending, globals, offset);
    pending = { pax: new Map(), longName: undefined, longLink: undefined };
    const { entry, body } = await openEntry(reader, merged, block, offset);
    yield entry;
    truncatedTrailer = !await body.leave();
    if (truncatedTrailer) break;
  }
  return { entries, truncatedTrailer };
}

/**
 * Takes the second of the two blocks that end an archive, and tells whether it is missing. Anything
 * else there is refused: some readers would go on and see entries that others do not.
 */
async function endsEarly(reader: BlockReader): Promise<boolean> {
  const offset = reader.offset;
  const second = await reader.exactly(BLOCK_SIZE);
  if (second.length === 0) return true;
  if (second.length === BLOCK_SIZE && isZeroBlock(second)) return false;
  throw new InvalidTarError(
    `Cannot read the archive: one zero block is not its end (byte ${offset})`,
    {
      offset,
    },
  );
}

async function readMetadata(
  reader: BlockReader,
  header: TarHeader,
  pending: Pending,
  globals: Map<string, Bytes>,
  offset: number,
): Promise<void> {
  const isName = header.typeFlag === "L" || header.typeFlag === "K";
  const limit = isName ? MAX_LONG_NAME_BYTES : MAX_PAX_BYTES;
  if (header.size > limit) {
    throw new LimitExceededError(
      `Cannot read the metadata at byte ${offset}: it is longer than ${limit} bytes`,
      { limit, unit: "bytes" },
    );
  }
  const body = new EntryBody(reader, header.size);
  const bytes = await body.exactly(header.size);
  await body.leave();
  if (header.typeFlag === "L") pending.longName = cutAtNul(bytes);
  else if (header.typeFlag === "K") pending.longLink = cutAtNul(bytes);
  else if (header.typeFlag !== "g") pending.pax = parsePax(bytes, offset);
  else mergeGlobals(globals, parsePax(bytes, offset), offset);
}

function mergeGlobals(
  globals: Map<string, Bytes>,
  records: ReadonlyMap<string, Bytes>,
  offset: number,
): void {
  for (const [key, value] of records) {
    if (value.length === 0) globals.delete(key);
    else globals.set(key, value);
  }
  let size = 0;
  for (const [key, value] of globals) size += key.length + value.length;
  if (size > MAX_PAX_BYTES) {
    throw new LimitExceededError(
      `Cannot read the pax header at byte ${offset}: global records take more than ${MAX_PAX_BYTES} bytes`,
      { limit: MAX_PAX_BYTES, unit: "bytes" },
    );
  }
}

interface Sparse {
  readonly map: readonly SparseEntry[];
  readonly realSize: number;
}

/** Old GNU sparse files have a map in the header and in blocks behind it. */
async function oldGnuMap(
  reader: BlockReader,
  block: Bytes,
  offset: number,
): Promise<SparseEntry[]> {
  const map: SparseEntry[] = [];
  const take = (from: Bytes, start: number, count: number): void => {
    for (let i = 0; i < count; i++) {
      const at = start + i * 24;
      if (from[at] === 0) return;
      map.push({
        offset: numericField(from, at, 12, "a sparse offset", offset),
        length: numericField(from, at + 12, 12, "a sparse length", offset),
      });
    }
  };
  take(block, 386, 4);
  for (let more = block[482] !== 0; more;) {
    const extension = await reader.exactly(BLOCK_SIZE);
    if (extension.length < BLOCK_SIZE) {
      throw new InvalidTarError(
        `Cannot read the sparse file at byte ${offset}: its map is cut short`,
        {
          offset,
        },
      );
    }
    take(extension, 0, 21);
    checkSparseCount(map.length, offset);
    more = extension[504] !== 0;
  }
  return map;
}

/** Numbers of a map may have zeros in front, as many as two blocks hold. */
const MAX_LINE_LENGTH: number = 2 * BLOCK_SIZE;

/** GNU pax sparse 1.0 files have the map as lines of numbers before the content. */
async function leadingMap(body: EntryBody, offset: number): Promise<SparseEntry[]> {
  let unread = "";
  const number = async (): Promise<number> => {
    for (;;) {
      const end = unread.indexOf("\n");
      if (end >= 0) {
        const line = unread.slice(0, end);
        unread = unread.slice(end + 1);
        if (/^0*[0-9]{1,16}$/.test(line)) return Number(line);
      }
      if (end >= 0 || unread.length > MAX_LINE_LENGTH || body.rest < BLOCK_SIZE) {
        throw new InvalidTarError(`Cannot read the sparse file at byte ${offset}: bad map`, {
          offset,
        });
      }
      unread += String.fromCharCode(...await body.exactly(BLOCK_SIZE));
    }
  };
  const count = await number();
  checkSparseCount(count, offset);
  const map: SparseEntry[] = [];
  for (let i = 0; i < count; i++) map.push({ offset: await number(), length: await number() });
  return map;
}

async function sparseOf(
  reader: BlockReader,
  merged: Merged,
  block: Bytes,
  offset: number,
): Promise<(Sparse & { readonly body: EntryBody }) | undefined> {
  const { header, records, stored } = merged;
  if (header.typeFlag === "S") {
    if (header.format !== "gnu") {
      throw new InvalidTarError(
        `Cannot read the sparse file at byte ${offset}: its header is not GNU's`,
        { offset },
      );
    }
    const realSize = numericField(block, 483, 12, "the real size", offset);
    const map = await oldGnuMap(reader, block, offset);
    const body = new EntryBody(reader, stored);
    return { map: checkSparseMap(map, realSize, stored, offset), realSize, body };
  }
  const version = sparseVersion(records);
  if (version === undefined || !merged.hasBody) return undefined;
  const real = records.get("GNU.sparse.size") ?? records.get("GNU.sparse.realsize");
  const realSize = real === undefined ? stored : paxInteger(real, "GNU.sparse.realsize", offset);
  const body = new EntryBody(reader, stored);
  const map = version === 1 ? await leadingMap(body, offset) : listedMap(records, offset);
  return { map: checkSparseMap(map, realSize, body.rest, offset), realSize, body };
}

/** Which of GNU's pax forms of a sparse file it is; `undefined` for other files. */
function sparseVersion(records: ReadonlyMap<string, Bytes>): 0 | 1 | undefined {
  const value = (key: string): string => text(records.get(`GNU.sparse.${key}`) ?? new Uint8Array());
  switch (`${value("major")}.${value("minor")}`) {
    case "1.0":
      return 1;
    case "0.0":
    case "0.1":
      return 0;
    case ".":
      // GNU tar before 1.14 wrote no version.
      return records.has("GNU.sparse.map") ? 0 : undefined;
    default:
      return undefined;
  }
}

/** The map of the forms 0.0 and 0.1, whose number of pieces is said twice. */
function listedMap(records: ReadonlyMap<string, Bytes>, offset: number): SparseEntry[] {
  const map = parseCommaMap(records.get("GNU.sparse.map") ?? new Uint8Array(), offset);
  const count = records.get("GNU.sparse.numblocks") ?? new Uint8Array();
  if (paxInteger(count, "GNU.sparse.numblocks", offset) === map.length) return map;
  throw new InvalidTarError(
    `Cannot read the sparse file at byte ${offset}: its map has another number of pieces`,
    { offset },
  );
}

async function openEntry(
  reader: BlockReader,
  merged: Merged,
  block: Bytes,
  offset: number,
): Promise<{ readonly entry: TarEntry; readonly body: EntryBody }> {
  const { header, records, type } = merged;
  const sparse = await sparseOf(reader, merged, block, offset);
  const body = sparse?.body ?? new EntryBody(reader, merged.stored);
  const bodyOffset = reader.offset;
  const stream = sparse === undefined
    ? plainStream(body)
    : sparseStream(body, sparse.map, sparse.realSize);
  const pathBytes = records.get("GNU.sparse.name") ?? merged.path;
  const number = (key: string, fallback: number): number => {
    const value = records.get(key);
    return value === undefined ? fallback : paxInteger(value, key, offset);
  };
  const name = (key: string, fallback: Bytes): string => text(records.get(key) ?? fallback);
  const time = records.get("mtime");
  const mtimeNs = time === undefined
    ? BigInt(header.mtime) * 1_000_000_000n
    : paxTime(time, "mtime", offset);
  const isLink = type === "hardlink" || type === "symlink";
  const size = sparse?.realSize ?? merged.stored;
  const content = (maxBytes = DEFAULT_CONTENT_BYTES): Promise<Bytes> =>
    readAll(stream, { maxBytes, what: `the entry ${JSON.stringify(text(pathBytes))}` });
  const entry: TarEntry = {
    path: text(pathBytes),
    pathBytes,
    type,
    typeFlag: header.typeFlag,
    format: header.format,
    size: type === "directory" ? 0 : size,
    mode: header.mode,
    uid: number("uid", header.uid),
    gid: number("gid", header.gid),
    userName: name("uname", header.userName),
    groupName: name("gname", header.groupName),
    mtime: Number(mtimeNs) / 1e9,
    mtimeNs,
    linkPath: isLink ? text(merged.link) : undefined,
    linkPathBytes: isLink ? merged.link : undefined,
    deviceMajor: header.deviceMajor,
    deviceMinor: header.deviceMinor,
    pax: records,
    xattrs: xattrsOf(records),
    headerOffset: offset,
    bodyOffset,
    body: stream,
    bytes: content,
    text: async (maxBytes) => text(await content(maxBytes)),
  };
  return { entry, body };
}

function xattrsOf(records: ReadonlyMap<string, Bytes>): Map<string, Bytes> {
  const xattrs = new Map<string, Bytes>();
  for (const [key, value] of records) {
    if (key.startsWith("SCHILY.xattr.")) xattrs.set(key.slice(13), value);
  }
  return xattrs;
}

/**
 * Reads a tar archive from a stream: V7, ustar, pax, GNU (long names, base-256, all sparse forms)
 * and Sun headers. Entries come in the order of the archive; content that nobody reads is skipped.
 * Memory is bounded by the limits of one entry's metadata, whatever the archive claims.
 *
 * The stream is read to its end, so that a check on the stream is made even when the archive ends
 * earlier; leaving the loop early cancels it.
 *
 * @param stream The archive, not compressed.
 * @param options A limit.
 * @returns The entries, and in the end a summary.
 * @throws {InvalidTarError} when the archive breaks the rules of its format or ends inside an entry.
 * @throws {LimitExceededError} when metadata is too long, or there are too many entries.
 *
 * @example List an archive
 * ```ts
 * import { readTar, writeTar } from "@lading/lading/tar";
 *
 * const body = new TextEncoder().encode("hello\n");
 * const archive = writeTar([{ path: "hello.txt", type: "file", body }]);
 * for await (const entry of readTar(archive)) {
 *   console.log(entry.type, entry.path, await entry.text()); // file hello.txt hello
 * }
 * ```
 */
export async function* readTar(
  stream: ByteStream,
  options: ReadTarOptions = {},
): AsyncGenerator<TarEntry, TarSummary, undefined> {
  const reader = new BlockReader(stream);
  let finished = false;
  try {
    const summary = yield* parse(reader, options);
    finished = true;
    return summary;
  } catch (error) {
    finished = true;
    await reader.cancel(error).catch(() => {});
    throw error;
  } finally {
    if (!finished) await reader.cancel();
    reader.release();
  }
}
