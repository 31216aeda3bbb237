// What the headers before an entry and its own header come to. Nothing here reads: whoever finds
// the headers, the reader or a scan, pushes them with their bodies.
import { hasTarContent, isTarMetadata, LINK_AT, NAME_AT } from "../kernel/tar_rules.ts";
import type { Bytes } from "../model/bytes.ts";
import { InvalidTarError, LimitExceededError } from "../model/errors.ts";
import type { TarEntryType } from "./entry.ts";
import type { TarHeader } from "./header.ts";
import { NameCopies } from "./_name_copies.ts";
import { secondsOf } from "./nanoseconds.ts";
import {
  MAX_PAX_BYTES,
  MAX_PAX_RECORDS,
  NO_RECORDS,
  parsePax,
  paxInteger,
  paxTime,
} from "./pax.ts";
import { shortText } from "./_short_text.ts";
import { oldSparseMap, paxSparseMap, type SparseMapReader } from "./_sparse_map.ts";

/** The longest GNU long name or link in bytes. */
export const MAX_LONG_NAME_BYTES: number = 1 << 20;

const XATTR_PREFIX = "SCHILY.xattr.";

/** What the type flags mean that have a meaning. */
const MEANINGS: Readonly<Record<string, TarEntryType>> = {
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

/** The same by their bytes. */
const TYPES: readonly TarEntryType[] = Array.from(
  { length: 256 },
  (_, flag) => MEANINGS[String.fromCharCode(flag)] ?? "unknown",
);

/** An entry before its content: all that is known when its header was read. */
export interface MergedEntry {
  readonly type: TarEntryType;
  readonly pathBytes: Bytes;
  readonly linkPathBytes: Bytes | undefined;
  readonly uid: number;
  readonly gid: number;
  readonly userName: string;
  readonly groupName: string;
  /** In seconds. */
  readonly mtime: number;
  /** In nanoseconds where a record says it: headers have whole seconds, and few ask for more. */
  readonly timeNs: bigint | undefined;
  readonly pax: ReadonlyMap<string, Bytes>;
  readonly xattrs: ReadonlyMap<string, Bytes>;
  /** The bytes of content in the archive, a sparse map before it included. */
  readonly storedSize: number;
  /** The map of a sparse file. */
  readonly sparse: SparseMapReader | undefined;
}

function refuse(what: string, offset: number): never {
  throw new InvalidTarError(`Cannot read the tar entry at byte ${offset}: ${what}`, { offset });
}

function cutAtNul(bytes: Bytes): Bytes {
  const end = bytes.indexOf(0);
  return end < 0 ? bytes : bytes.slice(0, end);
}

function isEqual(a: Bytes, b: Bytes): boolean {
  return a.length === b.length && a.every((byte, index) => byte === b[index]);
}

/** Tells a header that describes the entry behind it. */
export function isMetadata({ typeFlag }: TarHeader): boolean {
  return isTarMetadata(typeFlag.charCodeAt(0));
}

/** Merges metadata into the entry behind it. */
export class MetadataMerger {
  /** Never changed, only replaced: entries without records of their own share it. */
  #globals: ReadonlyMap<string, Bytes> = NO_RECORDS;
  #globalXattrs: ReadonlyMap<string, Bytes> = NO_RECORDS;
  #records: ReadonlyMap<string, Bytes> = NO_RECORDS;
  #longName: Bytes | undefined;
  #longLink: Bytes | undefined;
  readonly #names = new NameCopies();

  /**
   * Refuses a metadata header whose body is too long, before any of it is read.
   *
   * @throws {LimitExceededError} when it is.
   */
  checkSize({ typeFlag, size }: TarHeader, offset: number): void {
    const limit = typeFlag === "L" || typeFlag === "K" ? MAX_LONG_NAME_BYTES : MAX_PAX_BYTES;
    if (size <= limit) return;
    throw new LimitExceededError(
      `Cannot read the metadata at byte ${offset}: it is longer than ${limit} bytes`,
      { limit, unit: "bytes" },
    );
  }

  /** Takes a metadata header with its body. Of several of a kind the last one holds. */
  take({ typeFlag }: TarHeader, body: Bytes, offset: number): void {
    if (typeFlag === "L") this.#longName = cutAtNul(body);
    else if (typeFlag === "K") this.#longLink = cutAtNul(body);
    else if (typeFlag === "g") this.#takeGlobals(parsePax(body, offset), offset);
    else this.#records = parsePax(body, offset);
  }

  #takeGlobals(records: ReadonlyMap<string, Bytes>, offset: number): void {
    if (records.has("size")) refuse("a size for all entries hides some of them", offset);
    const globals = new Map(this.#globals);
    for (const [key, value] of records) {
      if (value.length === 0) globals.delete(key);
      else globals.set(key, value);
    }
    let size = 0;
    for (const [key, value] of globals) size += key.length + value.length;
    const limited = (limit: number, unit: string): never => {
      throw new LimitExceededError(
        `Cannot read the pax header at byte ${offset}: there are more than ${limit} ${unit} of global records`,
        { limit, unit },
      );
    };
    if (size > MAX_PAX_BYTES) limited(MAX_PAX_BYTES, "bytes");
    // Each entry with records of its own gets a copy of these.
    if (globals.size > MAX_PAX_RECORDS) limited(MAX_PAX_RECORDS, "records");
    this.#globals = globals;
    this.#globalXattrs = xattrsOf(globals);
  }

  /** The records in force, global ones first; an empty one takes a global one back. */
  #merged(): ReadonlyMap<string, Bytes> {
    if (this.#records.size === 0) return this.#globals;
    if (this.#globals.size === 0 && !hasEmpty(this.#records)) return this.#records;
    const records = new Map(this.#globals);
    for (const [key, value] of this.#records) {
      if (value.length === 0 && !key.startsWith(XATTR_PREFIX)) records.delete(key);
      else records.set(key, value);
    }
    return records;
  }

  /**
   * Chooses a name; none where that of the header holds. Readers differ on which of two holds, so these
   * have to be the same.
   */
  #nameOf(
    key: "path" | "linkpath",
    long: Bytes | undefined,
    offset: number,
  ): Bytes | undefined {
    const record = this.#records.get(key);
    const own = record?.length === 0 ? undefined : record;
    if (own !== undefined && long !== undefined && !isEqual(own, long)) {
      refuse("it has one name by pax and another by GNU", offset);
    }
    // An empty record says that the header holds, not a global record.
    const global = record === undefined ? this.#globals.get(key) : undefined;
    return own ?? long ?? global;
  }

  /**
   * Merges what came before a header into it, and forgets it.
   *
   * @param header The header.
   * @param block Its 512 bytes.
   * @param offset Where they are in the archive.
   * @returns The entry.
   * @throws {InvalidTarError} when the metadata is impossible.
   */
  merge(header: TarHeader, block: Bytes, offset: number): MergedEntry {
    const pax = this.#merged();
    const name = this.#nameOf("path", this.#longName, offset) ??
      this.#names.copy(block, NAME_AT, header.nameEnd, header.prefixEnd);
    const link = this.#nameOf("linkpath", this.#longLink, offset);
    this.#records = NO_RECORDS;
    this.#longName = undefined;
    this.#longLink = undefined;

    // Most entries have none, and many keys are looked for.
    const records = pax.size === 0 ? undefined : pax;
    const size = numberOf(records, "size", header.size, offset);
    if (size < 0) refuse("its size is negative", offset);
    const { typeFlag } = header;
    const flag = typeFlag.charCodeAt(0);
    const hasContent = hasTarContent(flag, name[name.length - 1] ?? 0);
    const storedSize = hasContent ? size : 0;
    const sparse = sparseOf(header, records, block, storedSize, offset);
    if (sparse !== undefined && !hasContent) refuse("it is sparse and has no content", offset);
    const type = flag === 0 && !hasContent ? "directory" : TYPES[flag] ?? "unknown";
    const record = records?.get("mtime");
    const time = record === undefined ? undefined : paxTime(record, "mtime", offset);
    return {
      type,
      // The header of a sparse file names a stand-in.
      pathBytes: sparse === undefined ? name : pax.get("GNU.sparse.name") ?? name,
      linkPathBytes: type === "hardlink" || type === "symlink"
        ? link ?? this.#names.copy(block, LINK_AT, header.linkEnd)
        : undefined,
      uid: numberOf(records, "uid", header.uid, offset),
      gid: numberOf(records, "gid", header.gid, offset),
      userName: textOf(records?.get("uname")) ?? header.userName,
      groupName: textOf(records?.get("gname")) ?? header.groupName,
      mtime: time === undefined ? header.mtime : secondsOf(time),
      timeNs: time,
      pax,
      xattrs: pax === this.#globals ? this.#globalXattrs : xattrsOf(pax),
      storedSize,
      sparse,
    };
  }
}

function hasEmpty(records: ReadonlyMap<string, Bytes>): boolean {
  for (const value of records.values()) if (value.length === 0) return true;
  return false;
}

function numberOf(
  records: ReadonlyMap<string, Bytes> | undefined,
  key: string,
  fallback: number,
  offset: number,
): number {
  const value = records?.get(key);
  return value === undefined ? fallback : paxInteger(value, key, offset);
}

function textOf(record: Bytes | undefined): string | undefined {
  return record === undefined ? undefined : shortText(record);
}

function sparseOf(
  header: TarHeader,
  records: ReadonlyMap<string, Bytes> | undefined,
  block: Bytes,
  storedSize: number,
  offset: number,
): SparseMapReader | undefined {
  if (header.typeFlag !== "S") return records && paxSparseMap(records, storedSize, offset);
  if (header.format !== "gnu") refuse("it is sparse and its header is not GNU's", offset);
  return oldSparseMap(block, offset);
}

function xattrsOf(records: ReadonlyMap<string, Bytes>): ReadonlyMap<string, Bytes> {
  let xattrs: Map<string, Bytes> | undefined;
  for (const [key, value] of records) {
    if (!key.startsWith(XATTR_PREFIX)) continue;
    (xattrs ??= new Map()).set(key.slice(XATTR_PREFIX.length), value);
  }
  return xattrs ?? NO_RECORDS;
}
