import { decodeBase64 } from "../model/base64.ts";
import type { Bytes } from "../model/bytes.ts";
import type { Descriptor } from "../model/descriptor.ts";
import { isJSONObject, type JSONObject, parseJSONObject } from "../model/json_object.ts";
import type { TarEntryType } from "../tar/entry.ts";
import { MAX_TREE_ENTRIES } from "./_file_tree.ts";
import { fileChunks, type RawChunk } from "./_toc_chunks.ts";
import { checkTableSize, damagedTable, MAX_TABLE_BYTES } from "./_toc_error.ts";
import type { TableEntry } from "./layer_table.ts";
import type { TableLayout } from "./_table_layout.ts";

const VERSION = 1;

const TYPES: Readonly<Record<string, TarEntryType>> = {
  dir: "directory",
  reg: "file",
  symlink: "symlink",
  hardlink: "hardlink",
  char: "character-device",
  block: "block-device",
  fifo: "fifo",
};

const NO_XATTRS: ReadonlyMap<string, Bytes> = new Map();

/** An entry, and the chunks of its content as the table has them. */
interface Draft {
  readonly entry: Omit<TableEntry, "chunks">;
  readonly digest: string | undefined;
  readonly chunks: RawChunk[];
  /** Where the last chunk ends, as zstd:chunked says it. */
  readonly end: number | undefined;
}

/**
 * Parses a table.
 *
 * @throws {CorruptStreamError} when it is no table, or contradicts itself.
 */
export function tableEntries(
  json: Bytes,
  descriptor: Descriptor,
  layout: TableLayout,
): readonly TableEntry[] {
  checkTableSize(descriptor, json.byteLength);
  const fail = (reason: string): never => {
    throw damagedTable(descriptor, reason);
  };
  const { version, entries } = parseJSONObject(json, MAX_TABLE_BYTES, fail);
  if (version !== VERSION) return fail(`its version is ${JSON.stringify(version)}`);
  if (!Array.isArray(entries)) return fail("it has no entries");
  if (entries.length > MAX_TREE_ENTRIES) {
    return fail(`it has more than ${MAX_TREE_ENTRIES} entries`);
  }
  const drafts = new Drafts(fail).read(entries);
  // A gzip chunk ends where the next one of any file starts.
  const starts = layout.encoding === "gzip" ? startsOf(drafts, layout.end) : undefined;
  return drafts.map(({ entry, digest, chunks, end }) => ({
    ...entry,
    chunks: fileChunks(
      chunks,
      { size: entry.size, digest, end, starts, layout },
      (reason) => fail(`${JSON.stringify(entry.path.slice(0, 256))}: ${reason}`),
    ),
  }));
}

function startsOf(drafts: readonly Draft[], end: number): readonly number[] {
  const starts = new Set([end]);
  for (const { chunks } of drafts) for (const { offset } of chunks) starts.add(offset);
  return [...starts].sort((a, b) => a - b);
}

class Drafts {
  readonly #fail: (reason: string) => never;

  constructor(fail: (reason: string) => never) {
    this.#fail = fail;
  }

  read(entries: readonly unknown[]): Draft[] {
    const drafts: Draft[] = [];
    for (const raw of entries) {
      if (!isJSONObject(raw)) return this.#fail("an entry is no object");
      const path = this.#text(raw, "name");
      if (raw.type !== "chunk") {
        drafts.push(this.#draft(raw, path));
        continue;
      }
      const file = drafts.at(-1);
      if (file === undefined || file.entry.path !== path || file.chunks.length === 0) {
        return this.#fail(`a chunk of ${JSON.stringify(path.slice(0, 256))} follows no file`);
      }
      file.chunks.push(this.#chunk(raw));
    }
    return drafts;
  }

  #draft(raw: JSONObject, path: string): Draft {
    const name = this.#text(raw, "type");
    const type = Object.hasOwn(TYPES, name) ? TYPES[name] : undefined;
    if (type === undefined) return this.#fail(`an entry has the type ${JSON.stringify(name)}`);
    // JSON cannot have names that are no UTF-8: those were replaced, and say no longer which file.
    if (path === "" || path.includes("\ufffd")) return this.#fail("an entry has no certain name");
    const size = type === "file" ? this.#number(raw, "size") : 0;
    const isLink = type === "symlink" || type === "hardlink";
    return {
      entry: {
        path,
        type,
        size,
        mode: this.#number(raw, "mode") & 0o7777,
        uid: this.#number(raw, "uid"),
        gid: this.#number(raw, "gid"),
        userName: this.#text(raw, "userName"),
        groupName: this.#text(raw, "groupName"),
        mtimeNs: this.#time(raw),
        ...(isLink ? { linkPath: this.#text(raw, "linkName") } : {}),
        deviceMajor: this.#number(raw, "devMajor"),
        deviceMinor: this.#number(raw, "devMinor"),
        xattrs: this.#xattrs(raw),
      },
      digest: this.#text(raw, "digest") || undefined,
      chunks: size > 0 ? [this.#chunk(raw)] : [],
      end: this.#number(raw, "endOffset") || undefined,
    };
  }

  #chunk(raw: JSONObject): RawChunk {
    return {
      offset: this.#number(raw, "offset"),
      skip: this.#number(raw, "innerOffset"),
      fileOffset: this.#number(raw, "chunkOffset"),
      size: this.#number(raw, "chunkSize"),
      digest: this.#text(raw, "chunkDigest") || undefined,
      isZeros: this.#text(raw, "chunkType") === "zeros",
    };
  }

  #text(raw: JSONObject, key: string): string {
    const value = Object.hasOwn(raw, key) ? raw[key] : "";
    return typeof value === "string" ? value : this.#fail(`${key} is no text`);
  }

  #number(raw: JSONObject, key: string): number {
    const value = Object.hasOwn(raw, key) ? raw[key] : 0;
    const isNumber = typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
    return isNumber ? value : this.#fail(`${key} is no number of bytes or other count`);
  }

  /** RFC 3339 with up to nine digits behind the point, as Go writes it; none is 1970. */
  #time(raw: JSONObject): bigint {
    const text = this.#text(raw, "modtime");
    if (text === "") return 0n;
    const [, head, fraction = "", zone] = /^([0-9T:-]{19})(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d)$/
      .exec(text) ?? [];
    const milliseconds = Date.parse(`${head}${zone}`);
    if (Number.isNaN(milliseconds)) return this.#fail("modtime is no time");
    return BigInt(milliseconds) * 1_000_000n + BigInt(fraction.padEnd(9, "0"));
  }

  #xattrs(raw: JSONObject): ReadonlyMap<string, Bytes> {
    const value = Object.hasOwn(raw, "xattrs") ? raw.xattrs : undefined;
    if (value === undefined || value === null) return NO_XATTRS;
    if (!isJSONObject(value)) return this.#fail("xattrs is no object");
    try {
      return new Map(Object.keys(value).map((key) => [key, decodeBase64(this.#text(value, key))]));
    } catch (error) {
      if (error instanceof TypeError) return this.#fail("an extended attribute is no base64");
      throw error;
    }
  }
}
