import { concatBytes, readAll, streamOf } from "../../lib/bytes/mod.ts";
import { gzip } from "../../lib/compress/mod.ts";
import { digestBytes } from "../../lib/hash/mod.ts";
import { type Image, loadImage } from "../../lib/image/mod.ts";
import { encodeBase64 } from "../../lib/model/base64.ts";
import type { Bytes } from "../../lib/model/bytes.ts";
import type { Target } from "../../lib/model/content.ts";
import type { Descriptor } from "../../lib/model/descriptor.ts";
import { MEDIA_TYPE_OCI_CONFIG, MEDIA_TYPE_OCI_MANIFEST } from "../../lib/model/mod.ts";
import { memoryStore } from "../../lib/store/mod.ts";
import { readTar, type TarEntry, type TarInput, writeTar } from "../../lib/tar/mod.ts";
import { put } from "./images.ts";

// Layers with tables of contents, written from the descriptions of their formats: stargz-snapshotter,
// docs/estargz.md, and containers/storage, pkg/chunked. Tests change what the tables say.

const text = new TextEncoder();

/** An entry of a table as JSON. */
export type RawEntry = Record<string, unknown>;

/** A table as JSON. */
export interface RawTable {
  version: unknown;
  entries: RawEntry[];
}

/** How a layer is made. */
export interface TableLayerOptions {
  /** The most bytes of a chunk; default 4 MiB. */
  readonly chunkBytes?: number;
  /** Changes the table before it is written. */
  readonly change?: (table: RawTable) => void;
  /** Writes the footer of CRFS. */
  readonly legacyFooter?: boolean;
  /** What the footer says in place of where the table is. */
  readonly tableOffset?: number;
  /** Puts files that are no longer than this together in one gzip member. */
  readonly joinBytes?: number;
}

/** A layer. */
export interface TableLayer {
  readonly bytes: Bytes;
  readonly diffID: string;
  readonly annotations: Record<string, string>;
  /** Where the table is. */
  readonly tableOffset: number;
}

/** Bytes that look random and do not compress. */
export function noise(length: number, seed = 1): Bytes {
  const bytes = new Uint8Array(length);
  let state = seed * 2654435761 >>> 0 || 1;
  for (let at = 0; at < length; at++) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    bytes[at] = state;
  }
  return bytes;
}

async function member(bytes: Bytes): Promise<Bytes> {
  return await readAll(gzip(streamOf(bytes), { level: 1 }), { maxBytes: 1 << 28 });
}

const TYPE_NAMES: Readonly<Record<string, string>> = {
  file: "reg",
  directory: "dir",
  symlink: "symlink",
  hardlink: "hardlink",
  "character-device": "char",
  "block-device": "block",
  fifo: "fifo",
};

function rawEntry(entry: TarEntry): RawEntry {
  const { path, type, size, mode, uid, gid, userName, groupName, linkPath, xattrs } = entry;
  return {
    name: path,
    type: TYPE_NAMES[type],
    ...(size === 0 ? {} : { size }),
    modtime: new Date(Math.floor(entry.mtime) * 1000).toISOString().replace(".000Z", "Z"),
    mode,
    ...(uid === 0 ? {} : { uid }),
    ...(gid === 0 ? {} : { gid }),
    ...(userName === "" ? {} : { userName }),
    ...(groupName === "" ? {} : { groupName }),
    ...(linkPath === undefined ? {} : { linkName: linkPath }),
    ...(entry.deviceMajor === 0 ? {} : { devMajor: entry.deviceMajor }),
    ...(entry.deviceMinor === 0 ? {} : { devMinor: entry.deviceMinor }),
    ...(xattrs.size === 0 ? {} : {
      xattrs: Object.fromEntries([...xattrs].map(([key, value]) => [key, encodeBase64(value)])),
    }),
  };
}

/** A part of an archive: a piece of a file, or what lies between files. */
interface Part {
  readonly bytes: Bytes;
  readonly chunk?: RawEntry;
}

/** Cuts an archive, without its end, into headers and chunks; the entries know their chunks. */
async function partsOf(
  inputs: readonly TarInput[],
  chunkBytes: number,
): Promise<{ parts: Part[]; table: RawTable }> {
  const tar = await readAll(writeTar(inputs), { maxBytes: 1 << 28 });
  const entries: RawEntry[] = [];
  const parts: Part[] = [];
  let at = 0;
  for await (const entry of readTar(streamOf(tar))) {
    const raw = rawEntry(entry);
    entries.push(raw);
    if (entry.size === 0) continue;
    parts.push({ bytes: tar.slice(at, entry.bodyOffset) });
    at = entry.bodyOffset + entry.size;
    raw.digest = digestBytes("sha256", tar.subarray(entry.bodyOffset, at));
    const isWhole = entry.size <= chunkBytes;
    for (let offset = 0; offset < entry.size; offset += chunkBytes) {
      const start = entry.bodyOffset + offset;
      const bytes = tar.slice(start, Math.min(start + chunkBytes, at));
      const chunk: RawEntry = offset === 0 ? raw : { name: entry.path, type: "chunk" };
      if (offset > 0) {
        entries.push(chunk);
        chunk.chunkOffset = offset;
      }
      if (!isWhole) chunk.chunkSize = bytes.length;
      chunk.chunkDigest = digestBytes("sha256", bytes);
      parts.push({ bytes, chunk });
    }
  }
  parts.push({ bytes: tar.slice(at, tar.length - 1024) });
  return { parts, table: { version: 1, entries } };
}

function estargzFooter(offset: number, isLegacy: boolean): Bytes {
  const mark = text.encode(`${offset.toString(16).padStart(16, "0")}STARGZ`);
  const subfield = isLegacy ? [] : [0x53, 0x47, 22, 0];
  const header = [0x1f, 0x8b, 8, 4, 0, 0, 0, 0, 0, 255, 22 + subfield.length, 0, ...subfield];
  const empty = [1, 0, 0, 0xff, 0xff, 0, 0, 0, 0, 0, 0, 0, 0];
  return concatBytes([Uint8Array.from(header), mark, Uint8Array.from(empty)]);
}

/** Writes an eStargz layer: a gzip member for each chunk, the table as the last file, a footer. */
export async function estargzLayer(
  inputs: readonly TarInput[],
  options: TableLayerOptions = {},
): Promise<TableLayer> {
  const { chunkBytes = 4 << 20, joinBytes = 0, legacyFooter = false } = options;
  const { parts, table } = await partsOf(inputs, chunkBytes);
  const plain: Bytes[] = [];
  const stored: Bytes[] = [];
  let length = 0;
  let open: Bytes[] = [];
  let openBytes = 0;
  const close = async () => {
    if (openBytes > 0) stored.push(await member(concatBytes(open)));
    length += openBytes === 0 ? 0 : stored.at(-1)?.length ?? 0;
    open = [];
    openBytes = 0;
  };
  for (const { bytes, chunk } of parts) {
    if (chunk !== undefined && bytes.length > joinBytes) await close();
    if (chunk !== undefined) {
      chunk.offset = length;
      if (openBytes > 0) chunk.innerOffset = openBytes;
    }
    plain.push(bytes);
    open.push(bytes);
    openBytes += bytes.length;
    if (chunk !== undefined && bytes.length > joinBytes) await close();
  }
  await close();
  options.change?.(table);
  const json = text.encode(JSON.stringify(table));
  const last = await readAll(writeTar([{ path: "stargz.index.json", body: json, mode: 0 }]), {
    maxBytes: 1 << 28,
  });
  plain.push(last);
  stored.push(await member(last), estargzFooter(options.tableOffset ?? length, legacyFooter));
  return {
    bytes: concatBytes(stored),
    diffID: digestBytes("sha256", concatBytes(plain)),
    annotations: { "containerd.io/snapshot/stargz/toc.digest": digestBytes("sha256", json) },
    tableOffset: length,
  };
}

/** A frame of Zstandard with blocks that are stored as they are (RFC 8878 §3.1.1). */
function frame(bytes: Bytes): Bytes {
  const parts: Uint8Array[] = [Uint8Array.of(0x28, 0xb5, 0x2f, 0xfd, 0, 0x38)];
  for (let at = 0;; at += 100_000) {
    const block = bytes.subarray(at, at + 100_000);
    const isLast = at + 100_000 >= bytes.length;
    const header = block.length << 3 | (isLast ? 1 : 0);
    parts.push(Uint8Array.of(header, header >> 8, header >> 16), block);
    if (isLast) return concatBytes(parts);
  }
}

function skippable(payload: Bytes): Bytes {
  const header = new DataView(new ArrayBuffer(8));
  header.setUint32(0, 0x184d2a50, true);
  header.setUint32(4, payload.length, true);
  return concatBytes([new Uint8Array(header.buffer), payload]);
}

/** Writes a zstd:chunked layer: a frame for each chunk, the table in a skippable frame, a footer. */
export async function zstdChunkedLayer(
  inputs: readonly TarInput[],
  options: TableLayerOptions = {},
): Promise<TableLayer> {
  const { parts, table } = await partsOf(inputs, options.chunkBytes ?? 4 << 20);
  const stored: Bytes[] = [];
  let length = 0;
  let file: RawEntry = {};
  for (const { bytes, chunk } of parts) {
    if (chunk !== undefined) {
      chunk.offset = length;
      if (chunk.type === "reg") file = chunk;
    }
    const piece = frame(bytes);
    stored.push(piece);
    length += piece.length;
    if (chunk !== undefined) file.endOffset = length;
  }
  const end = new Uint8Array(1024);
  stored.push(frame(end));
  length += stored.at(-1)?.length ?? 0;
  options.change?.(table);
  const json = text.encode(JSON.stringify(table));
  const compressed = frame(json);
  const tableOffset = options.tableOffset ?? length + 8;
  const footer = new DataView(new ArrayBuffer(64));
  for (const [index, value] of [tableOffset, compressed.length, json.length, 1].entries()) {
    footer.setBigUint64(8 * index, BigInt(value), true);
  }
  const footerBytes = new Uint8Array(footer.buffer);
  footerBytes.set(text.encode("GnUlInUx"), 56);
  stored.push(skippable(compressed), skippable(footerBytes));
  const plain = concatBytes([...parts.map(({ bytes }) => bytes), end]);
  const prefix = "io.github.containers.zstd-chunked";
  return {
    bytes: concatBytes(stored),
    diffID: digestBytes("sha256", plain),
    annotations: {
      [`${prefix}.manifest-position`]: `${tableOffset}:${compressed.length}:${json.length}:1`,
      [`${prefix}.manifest-checksum`]: digestBytes("sha256", compressed),
    },
    tableOffset,
  };
}

/** Stores an image of such layers. */
export async function putTableImage(
  store: Target,
  layers: readonly TableLayer[],
): Promise<Descriptor> {
  const descriptors: Descriptor[] = [];
  for (const { bytes, annotations } of layers) {
    const isZstd = bytes[0] === 0x28;
    const type = `application/vnd.oci.image.layer.v1.tar+${isZstd ? "zstd" : "gzip"}`;
    descriptors.push({ ...await put(store, type, bytes), annotations });
  }
  const config = await put(store, MEDIA_TYPE_OCI_CONFIG, {
    os: "linux",
    architecture: "amd64",
    rootfs: { type: "layers", diff_ids: layers.map(({ diffID }) => diffID) },
  });
  return await put(store, MEDIA_TYPE_OCI_MANIFEST, {
    schemaVersion: 2,
    mediaType: MEDIA_TYPE_OCI_MANIFEST,
    config,
    layers: descriptors,
  });
}

/** An image, and what was fetched of its layers. */
export interface ObservedImage {
  readonly image: Image;
  /** The ranges fetched of layers; `whole` for all of one. */
  readonly fetched: string[];
  /** The bytes fetched of layers. */
  readonly bytes: () => number;
}

/** Makes an image of such layers that says what is fetched of them. */
export async function observedImage(...layers: readonly TableLayer[]): Promise<ObservedImage> {
  const store = memoryStore();
  const descriptor = await putTableImage(store, layers);
  const blobs = new Set(layers.map(({ bytes }) => digestBytes("sha256", bytes)));
  const fetched: string[] = [];
  let total = 0;
  const image = await loadImage({
    exists: (target, options) => store.exists(target, options),
    fetch(target, options) {
      if (blobs.has(target.digest)) {
        const { start, end = target.size - 1 } = options?.range ?? { start: 0 };
        fetched.push(options?.range === undefined ? "whole" : `${start}-${end}`);
        total += end - start + 1;
      }
      return store.fetch(target, options);
    },
  }, descriptor);
  return { image, fetched, bytes: () => total };
}

/** Lists a tree with everything that is known about its entries; tables have whole seconds. */
export async function describeTree(
  image: Image,
  tables: "proved" | "any" | "none",
): Promise<string[]> {
  const lines: string[] = [];
  for await (const { xattrs, mtime, ...entry } of image.files({ tables })) {
    const attributes = [...xattrs].map(([key, value]) => [key, [...value]]);
    lines.push(JSON.stringify({ ...entry, mtime: Math.floor(mtime), attributes }));
  }
  return lines;
}
