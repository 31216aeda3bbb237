import { iterate } from "../bytes/iterate.ts";
import { tooLong } from "../bytes/limit.ts";
import { readAll } from "../bytes/read_all.ts";
import type { Bytes, ByteStream } from "../model/bytes.ts";
import { InvalidTarError } from "../model/errors.ts";
import type { BlockReader } from "./_block_reader.ts";
import { EntryBody, lendSparse, plainStream, sparseStream } from "./_entry_body.ts";
import type { HoleBudget } from "./_hole_budget.ts";
import type { MergedEntry } from "./_metadata.ts";
import type { TarEntry, TarEntryType } from "./entry.ts";
import { BLOCK_SIZE, type TarFormat, type TarHeader } from "./header.ts";
import type { SparseMapReader } from "./_sparse_map.ts";
import type { SparseEntry } from "./sparse.ts";

const DEFAULT_CONTENT_BYTES = 64 << 20;

const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/** The longest piece that is lent. */
const LENT_BYTES = 1 << 20;

/** The content of an entry. */
export interface EntryContent {
  readonly body: EntryBody;
  /** The bytes of the file, holes included. */
  readonly size: number;
  /** What a sparse file has beside. */
  readonly sparse: SparseContent | undefined;
}

/** The pieces of a sparse file, and who counts its holes. */
interface SparseContent {
  readonly map: readonly SparseEntry[];
  readonly holes: HoleBudget;
}

/** Reads the blocks of a sparse map that lie behind the header or first in the content. */
export async function openSparse(
  reader: BlockReader,
  sparse: SparseMapReader,
  { storedSize, offset, holes }: {
    readonly storedSize: number;
    readonly offset: number;
    readonly holes: HoleBudget;
  },
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
  return { body, size: sparse.realSize, sparse: { map: sparse.finish(body.rest), holes } };
}

/** What an entry is made of. */
export interface EntryParts {
  /** Its own header. */
  readonly header: TarHeader;
  /** What that comes to with the metadata before it. */
  readonly merged: MergedEntry;
  /** Where the header is. */
  readonly headerOffset: number;
  /** Where the content is. */
  readonly bodyOffset: number;
  readonly content: EntryContent;
}

/**
 * The entry that users see. Most contents are never read: a stream is made for those who want one.
 * Everything is a property of the object itself, so that copies have it.
 */
export class ReadEntry implements TarEntry {
  readonly path: string;
  readonly pathBytes: Bytes;
  readonly type: TarEntryType;
  readonly typeFlag: string;
  readonly format: TarFormat;
  readonly size: number;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly userName: string;
  readonly groupName: string;
  readonly mtime: number;
  readonly mtimeNs: bigint;
  readonly linkPath: string | undefined;
  readonly linkPathBytes: Bytes | undefined;
  readonly deviceMajor: number;
  readonly deviceMinor: number;
  readonly pax: ReadonlyMap<string, Bytes>;
  readonly xattrs: ReadonlyMap<string, Bytes>;
  readonly headerOffset: number;
  readonly bodyOffset: number;
  declare readonly body: ByteStream;
  readonly #content: EntryContent;
  #stream: ByteStream | undefined;
  #isBusy = false;

  // One accessor for all: a getter of its own for each would make every object another shape, which
  // takes five times as long.
  static readonly #BODY: PropertyDescriptor = {
    get(this: ReadEntry): ByteStream {
      return this.#body;
    },
    enumerable: true,
  };

  constructor({ header, merged, headerOffset, bodyOffset, content }: EntryParts) {
    const { type, linkPathBytes } = merged;
    Object.defineProperty(this, "body", ReadEntry.#BODY);
    this.#content = content;
    this.path = decoder.decode(merged.pathBytes);
    this.pathBytes = merged.pathBytes;
    this.type = type;
    this.typeFlag = header.typeFlag;
    this.format = header.format;
    this.size = type === "directory" ? 0 : content.size;
    this.mode = header.mode;
    this.uid = merged.uid;
    this.gid = merged.gid;
    this.userName = merged.userName;
    this.groupName = merged.groupName;
    this.mtime = merged.mtime;
    this.mtimeNs = merged.mtimeNs;
    this.linkPath = linkPathBytes === undefined ? undefined : decoder.decode(linkPathBytes);
    this.linkPathBytes = linkPathBytes;
    this.deviceMajor = header.deviceMajor;
    this.deviceMinor = header.deviceMinor;
    this.pax = merged.pax;
    this.xattrs = merged.xattrs;
    this.headerOffset = headerOffset;
    this.bodyOffset = bodyOffset;
  }

  readonly lend = (
    take: (piece: Bytes) => void | Promise<void>,
    skip?: (bytes: number) => void | Promise<void>,
  ): Promise<void> => this.#lend(take, skip);

  readonly bytes = (maxBytes?: number): Promise<Bytes> => this.#bytes(maxBytes);

  readonly text = async (maxBytes?: number): Promise<string> =>
    decoder.decode(await this.#bytes(maxBytes));

  get #body(): ByteStream {
    const { body, size, sparse } = this.#content;
    return this.#stream ??= sparse === undefined
      ? plainStream(body, () => this.#assertFree())
      : sparseStream(body, sparse.map, size, sparse.holes);
  }

  async #bytes(maxBytes = DEFAULT_CONTENT_BYTES): Promise<Bytes> {
    const { body, sparse } = this.#content;
    if (this.#stream !== undefined || sparse !== undefined) {
      return await readAll(this.#body, { maxBytes, what: this.#what() });
    }
    if (body.rest > maxBytes) throw tooLong(this.#what(), maxBytes);
    this.#begin();
    try {
      const whole = body.all();
      return whole instanceof Promise ? await whole : whole;
    } finally {
      this.#isBusy = false;
    }
  }

  async #lend(
    take: (piece: Bytes) => void | Promise<void>,
    skip: ((bytes: number) => void | Promise<void>) | undefined,
  ): Promise<void> {
    const { body, size, sparse } = this.#content;
    if (this.#stream !== undefined || sparse !== undefined && skip === undefined) {
      for await (const piece of iterate(this.#body)) await take(piece);
      return;
    }
    this.#begin();
    try {
      if (sparse !== undefined && skip !== undefined) {
        return await lendSparse(body, sparse.map, size, sparse.holes, take, skip);
      }
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
    return `the entry ${JSON.stringify(this.path)}`;
  }

  #begin(): void {
    this.#assertFree();
    this.#isBusy = true;
  }

  /** Two that read at a time would each get a part. */
  #assertFree(): void {
    if (!this.#isBusy) return;
    throw new TypeError("Cannot read the body of a tar entry: it is being read already");
  }
}
