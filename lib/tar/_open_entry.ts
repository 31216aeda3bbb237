import { readAll } from "../bytes/read_all.ts";
import type { Bytes } from "../model/bytes.ts";
import { InvalidTarError } from "../model/errors.ts";
import type { BlockReader } from "./_block_reader.ts";
import { EntryBody, plainStream, sparseStream } from "./_entry_body.ts";
import type { MergedEntry } from "./_metadata.ts";
import type { TarEntry } from "./entry.ts";
import { BLOCK_SIZE, type TarHeader } from "./header.ts";
import type { SparseMapReader } from "./_sparse_map.ts";
import type { SparseEntry } from "./sparse.ts";

const SECOND_NS = 1_000_000_000n;
const DEFAULT_CONTENT_BYTES = 64 << 20;

const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

interface Content {
  readonly body: EntryBody;
  /** The pieces of a sparse file. */
  readonly map: readonly SparseEntry[] | undefined;
}

/** Reads the blocks of a sparse map that lie behind the header or first in the content. */
async function openSparse(
  reader: BlockReader,
  sparse: SparseMapReader,
  storedSize: number,
  offset: number,
): Promise<Content> {
  while (sparse.next === "header") sparse.push(await reader.exactly(BLOCK_SIZE));
  const body = new EntryBody(reader, storedSize);
  while (sparse.next === "content") {
    if (body.rest < BLOCK_SIZE) {
      throw new InvalidTarError(
        `Cannot read the sparse file at byte ${offset}: its map is cut short`,
        { offset },
      );
    }
    sparse.push(await body.exactly(BLOCK_SIZE));
  }
  return { body, map: sparse.finish(body.rest) };
}

/** Makes the entry that users see, and the body that the reader leaves behind. */
export async function openEntry(
  reader: BlockReader,
  header: TarHeader,
  merged: MergedEntry,
  offset: number,
): Promise<{ readonly entry: TarEntry; readonly body: EntryBody }> {
  const { type, sparse, storedSize, mtimeNs, pathBytes, linkPathBytes, pax, xattrs } = merged;
  const { body, map } = sparse === undefined
    ? { body: new EntryBody(reader, storedSize), map: undefined }
    : await openSparse(reader, sparse, storedSize, offset);
  const size = sparse?.realSize ?? storedSize;
  const stream = map === undefined ? plainStream(body) : sparseStream(body, map, size);
  const path = decoder.decode(pathBytes);
  const content = (maxBytes = DEFAULT_CONTENT_BYTES): Promise<Bytes> =>
    readAll(stream, { maxBytes, what: `the entry ${JSON.stringify(path)}` });
  const entry: TarEntry = {
    path,
    pathBytes,
    type,
    typeFlag: header.typeFlag,
    format: header.format,
    size: type === "directory" ? 0 : size,
    mode: header.mode,
    uid: merged.uid,
    gid: merged.gid,
    userName: decoder.decode(merged.userName),
    groupName: decoder.decode(merged.groupName),
    // Whole seconds stay whole, which nanoseconds in a double do not.
    mtime: Number(mtimeNs / SECOND_NS) + Number(mtimeNs % SECOND_NS) / 1e9,
    mtimeNs,
    linkPath: linkPathBytes === undefined ? undefined : decoder.decode(linkPathBytes),
    linkPathBytes,
    deviceMajor: header.deviceMajor,
    deviceMinor: header.deviceMinor,
    pax,
    xattrs,
    headerOffset: offset,
    bodyOffset: reader.offset,
    body: stream,
    bytes: content,
    text: async (maxBytes) => decoder.decode(await content(maxBytes)),
  };
  return { entry, body };
}
