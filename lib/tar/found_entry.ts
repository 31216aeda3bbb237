import { iterate } from "../bytes/iterate.ts";
import { tooLong } from "../bytes/limit.ts";
import { readAll } from "../bytes/read_all.ts";
import type { Bytes, ByteStream } from "../model/bytes.ts";
import { type EntryBody, lendSparse, plainStream, sparseStream } from "./_entry_body.ts";
import type { MergedEntry } from "./_metadata.ts";
import type { SparseContent } from "./_sparse_content.ts";
import type { TarEntryType } from "./entry.ts";
import type { FedEntry, Taker } from "./entry_feed.ts";
import type { TarFormat, TarHeader } from "./header.ts";
import { nanosecondsOf } from "./nanoseconds.ts";

const DEFAULT_CONTENT_BYTES = 64 << 20;

/** Reserved for content on the word of a header; more is reserved as it comes. */
const RESERVE_BYTES = 4 << 20;

/** The longest piece that is lent. */
const LENT_BYTES = 1 << 20;

const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/**
 * An entry of an archive as the reader has it: with all that a `TarEntry` says, for those who need
 * no object of their own for each of many, and no promise for what is there.
 */
export class FoundEntry implements FedEntry {
  readonly headerOffset: number;
  readonly bodyOffset: number;
  readonly path: string;
  readonly #header: TarHeader;
  readonly #merged: MergedEntry;
  readonly #body: EntryBody;
  readonly #sparse: SparseContent | undefined;
  #stream: ByteStream | undefined;
  #isBusy = false;

  /**
   * @param header Its own header.
   * @param merged What that comes to with the metadata before it.
   * @param headerOffset Bytes from the start of the archive to the header.
   * @param bodyOffset The same to the content.
   * @param body The content as it is stored.
   * @param sparse What a sparse file has beside.
   */
  constructor(
    header: TarHeader,
    merged: MergedEntry,
    headerOffset: number,
    bodyOffset: number,
    body: EntryBody,
    sparse?: SparseContent,
  ) {
    this.#header = header;
    this.#merged = merged;
    this.#body = body;
    this.#sparse = sparse;
    this.headerOffset = headerOffset;
    this.bodyOffset = bodyOffset;
    this.path = decoder.decode(merged.pathBytes);
  }

  get pathBytes(): Bytes {
    return this.#merged.pathBytes;
  }

  get type(): TarEntryType {
    return this.#merged.type;
  }

  get typeFlag(): string {
    return this.#header.typeFlag;
  }

  get format(): TarFormat {
    return this.#header.format;
  }

  get size(): number {
    const { type, storedSize } = this.#merged;
    return type === "directory" ? 0 : this.#sparse?.size ?? storedSize;
  }

  get mode(): number {
    return this.#header.mode;
  }

  get uid(): number {
    return this.#merged.uid;
  }

  get gid(): number {
    return this.#merged.gid;
  }

  get userName(): string {
    return this.#merged.userName;
  }

  get groupName(): string {
    return this.#merged.groupName;
  }

  get mtime(): number {
    return this.#merged.mtime;
  }

  get mtimeNs(): bigint {
    const { mtime, timeNs } = this.#merged;
    return timeNs ?? nanosecondsOf(mtime);
  }

  get linkPathBytes(): Bytes | undefined {
    return this.#merged.linkPathBytes;
  }

  get linkPath(): string | undefined {
    const { linkPathBytes } = this.#merged;
    return linkPathBytes === undefined ? undefined : decoder.decode(linkPathBytes);
  }

  get deviceMajor(): number {
    return this.#header.deviceMajor;
  }

  get deviceMinor(): number {
    return this.#header.deviceMinor;
  }

  get pax(): ReadonlyMap<string, Bytes> {
    return this.#merged.pax;
  }

  get xattrs(): ReadonlyMap<string, Bytes> {
    return this.#merged.xattrs;
  }

  /** The content; most are never read: a stream is made for those who want one. */
  get body(): ByteStream {
    const sparse = this.#sparse;
    return this.#stream ??= sparse === undefined
      ? plainStream(this.#body, () => this.#assertFree())
      : sparseStream(this.#body, sparse.map, sparse.size, sparse.holes);
  }

  /** Reads the whole content. */
  async bytes(maxBytes: number = DEFAULT_CONTENT_BYTES): Promise<Bytes> {
    const body = this.#body;
    if (this.#stream !== undefined || this.#sparse !== undefined) {
      return await readAll(this.body, { maxBytes, what: this.#what() });
    }
    if (body.rest > maxBytes) throw tooLong(this.#what(), maxBytes);
    this.#begin();
    try {
      const whole = body.all(RESERVE_BYTES);
      return whole instanceof Promise ? await whole : whole;
    } finally {
      this.#isBusy = false;
    }
  }

  /** Reads the whole content as UTF-8. */
  async text(maxBytes?: number): Promise<string> {
    return decoder.decode(await this.bytes(maxBytes));
  }

  /** Lends the content piece by piece; gives a promise where there is something to wait for. */
  lend(take: Taker<Bytes>, skip?: Taker<number>): void | Promise<void> {
    const body = this.#body;
    if (this.#stream !== undefined || this.#sparse !== undefined) {
      return this.#lendStream(take, skip);
    }
    this.#begin();
    let waiting: Promise<void> | undefined;
    try {
      waiting = lendOn(body, take);
    } finally {
      if (waiting === undefined) this.#isBusy = false;
    }
    return waiting && this.#lendLater(waiting, body, take);
  }

  async #lendLater(waiting: Promise<void>, body: EntryBody, take: Taker<Bytes>): Promise<void> {
    try {
      for (let next: Promise<void> | undefined = waiting; next; next = lendOn(body, take)) {
        await next;
      }
    } finally {
      this.#isBusy = false;
    }
  }

  async #lendStream(take: Taker<Bytes>, skip: Taker<number> | undefined): Promise<void> {
    const sparse = this.#sparse;
    if (this.#stream !== undefined || sparse === undefined || skip === undefined) {
      for await (const piece of iterate(this.body)) await take(piece);
      return;
    }
    this.#begin();
    try {
      await lendSparse(this.#body, sparse.map, sparse.size, sparse.holes, take, skip);
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

/** Lends piece after piece until there is something to wait for, which it gives, or to the end. */
function lendOn(body: EntryBody, take: Taker<Bytes>): Promise<void> | undefined {
  for (;;) {
    const piece = body.lend(LENT_BYTES);
    if (piece instanceof Promise) return piece.then((part) => part && take(part));
    if (piece === undefined) return undefined;
    const taken = take(piece);
    if (taken !== undefined) return taken;
  }
}
