import { iterate } from "../bytes/iterate.ts";
import { tooLong } from "../bytes/limit.ts";
import { readAll } from "../bytes/read_all.ts";
import type { Bytes, ByteStream } from "../model/bytes.ts";
import { InvalidTarError } from "../model/errors.ts";
import type { BlockReader } from "./_block_reader.ts";
import { EntryBody, plainStream, sparseStream } from "./_entry_body.ts";
import type { MergedEntry } from "./_metadata.ts";
import type { TarEntry } from "./entry.ts";
import { BLOCK_SIZE, type TarHeader } from "./header.ts";
import type { SparseMapReader } from "./_sparse_map.ts";
import type { SparseEntry } from "./sparse.ts";

const DEFAULT_CONTENT_BYTES = 64 << 20;

const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/** The longest piece that is lent. */
const LENT_BYTES = 1 << 20;

/** The content of an entry. */
export interface EntryContent {
  readonly body: EntryBody;
  /** The pieces of a sparse file. */
  readonly map: readonly SparseEntry[] | undefined;
}

/** Reads the blocks of a sparse map that lie behind the header or first in the content. */
export async function openSparse(
  reader: BlockReader,
  sparse: SparseMapReader,
  storedSize: number,
  offset: number,
): Promise<EntryContent> {
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

/**
 * Makes the entry that users see.
 *
 * @param header Its own header.
 * @param merged What that comes to with the metadata before it.
 * @param headerOffset Where the header is.
 * @param bodyOffset Where the content is.
 * @param content The content.
 */
export function openEntry(
  header: TarHeader,
  merged: MergedEntry,
  headerOffset: number,
  bodyOffset: number,
  content: EntryContent,
): TarEntry {
  const { type, sparse, storedSize, mtime, mtimeNs, pathBytes, linkPathBytes } = merged;
  const size = sparse?.realSize ?? storedSize;
  const path = decoder.decode(pathBytes);
  const reading = new EntryReading(content, size, path);
  return {
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
    mtime,
    mtimeNs,
    linkPath: linkPathBytes === undefined ? undefined : decoder.decode(linkPathBytes),
    linkPathBytes,
    deviceMajor: header.deviceMajor,
    deviceMinor: header.deviceMinor,
    pax: merged.pax,
    xattrs: merged.xattrs,
    headerOffset,
    bodyOffset,
    get body() {
      return reading.stream;
    },
    lend: (take) => reading.lend(take),
    bytes: (maxBytes) => reading.bytes(maxBytes),
    text: async (maxBytes) => decoder.decode(await reading.bytes(maxBytes)),
  };
}

/** The ways to read one content. Most are never read: a stream is made for those who want one. */
class EntryReading {
  readonly #content: EntryContent;
  readonly #size: number;
  readonly #path: string;
  #stream: ByteStream | undefined;
  #isBusy = false;

  constructor(content: EntryContent, size: number, path: string) {
    this.#content = content;
    this.#size = size;
    this.#path = path;
  }

  get stream(): ByteStream {
    const { body, map } = this.#content;
    return this.#stream ??= map === undefined
      ? plainStream(body)
      : sparseStream(body, map, this.#size);
  }

  async bytes(maxBytes = DEFAULT_CONTENT_BYTES): Promise<Bytes> {
    const { body, map } = this.#content;
    if (this.#stream !== undefined || map !== undefined) {
      return await readAll(this.stream, { maxBytes, what: this.#what() });
    }
    if (body.rest > maxBytes) throw tooLong(this.#what(), maxBytes);
    this.#begin();
    try {
      return await body.all();
    } finally {
      this.#isBusy = false;
    }
  }

  async lend(take: (piece: Bytes) => void | Promise<void>): Promise<void> {
    const { body, map } = this.#content;
    if (this.#stream !== undefined || map !== undefined) {
      for await (const piece of iterate(this.stream)) await take(piece);
      return;
    }
    this.#begin();
    try {
      for (;;) {
        const next = body.lend(LENT_BYTES);
        const piece = next instanceof Promise ? await next : next;
        if (piece === undefined) return;
        const taken = take(piece);
        if (taken !== undefined) await taken;
      }
    } finally {
      this.#isBusy = false;
    }
  }

  #what(): string {
    return `the entry ${JSON.stringify(this.#path)}`;
  }

  /** Two that read at a time would each get a part. */
  #begin(): void {
    if (this.#isBusy) {
      throw new TypeError("Cannot read the body of a tar entry: it is being read already");
    }
    this.#isBusy = true;
  }
}
