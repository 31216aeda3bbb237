import type { Feed } from "../bytes/feed.ts";
import type { Bytes } from "../model/bytes.ts";
import { InvalidTarError, LimitExceededError } from "../model/errors.ts";
import { BlockReader } from "./_block_reader.ts";
import { EntryBody } from "./_entry_body.ts";
import { HoleBudget } from "./_hole_budget.ts";
import { isMetadata, type MergedEntry, MetadataMerger } from "./_metadata.ts";
import { openSparse } from "./_sparse_content.ts";
import type { EntryFeed } from "./entry_feed.ts";
import { FoundEntry } from "./found_entry.ts";
import { BLOCK_SIZE, isZeroBlock, parseHeader, type TarHeader } from "./header.ts";
import type { SparseMapReader } from "./_sparse_map.ts";

/** The most entries of an archive by default; reading needs no memory for them, indexes do. */
export const MAX_ENTRIES = 2_000_000;

/**
 * The most zeros for holes by default: 64 GiB, as much as may be decompressed. A hole takes a few
 * bytes of an archive, however long it is.
 */
export const MAX_HOLE_BYTES: number = 64 * 2 ** 30;

/** Options of {@linkcode readTar}. */
export interface ReadTarOptions {
  /** The most entries; {@linkcode MAX_ENTRIES} by default. */
  readonly maxEntries?: number | undefined;
  /**
   * The most zeros that are given for the holes of sparse files, of all together;
   * {@linkcode MAX_HOLE_BYTES} by default. One more is an error of the body that is read.
   */
  readonly maxHoleBytes?: number | undefined;
}

/** What {@linkcode readTar} tells when it is done. */
export interface TarSummary {
  /** The number of entries. */
  readonly entries: number;
  /** Whether the end-of-archive blocks, or the padding of the last entry, were missing. */
  readonly truncatedTrailer: boolean;
}

/** Says that what was read was no entry: the next header is to be looked at. */
const GO_ON: unique symbol = Symbol();

/** An entry, or nothing at the end of the archive. */
type Found = FoundEntry | undefined;

/** What a step of reading comes to. */
type Step = Found | typeof GO_ON;

/**
 * Reads the entries of an archive. It gives no promise where it has nothing to wait for: entries are
 * many and small, and a promise costs as much as the tenth part of one.
 */
export class EntryReader implements EntryFeed<FoundEntry> {
  readonly #open: () => Feed | Promise<Feed>;
  readonly #maxEntries: number;
  readonly #holes: HoleBudget;
  readonly #metadata = new MetadataMerger();
  #reader: BlockReader | undefined;
  /** The content of the entry that was given last. */
  #body: EntryBody | undefined;
  #block: Bytes = new Uint8Array(0);
  #isOver = false;
  #entries = 0;
  #truncatedTrailer = false;

  /**
   * @param open Opens the archive when the first entry is asked for.
   * @param options Limits.
   */
  constructor(open: () => Feed | Promise<Feed>, options: ReadTarOptions) {
    const { maxEntries = MAX_ENTRIES, maxHoleBytes = MAX_HOLE_BYTES } = options;
    this.#open = open;
    this.#maxEntries = maxEntries;
    this.#holes = new HoleBudget(maxHoleBytes);
  }

  /** The 512 bytes of the own header of the entry that was given last; lent until the next one. */
  get block(): Bytes {
    return this.#block;
  }

  /** What there is to tell at the end. */
  get summary(): TarSummary {
    return { entries: this.#entries, truncatedTrailer: this.#truncatedTrailer };
  }

  /**
   * Gives the next entry, nothing at the end and from then on. Calls do not overlap. When it fails,
   * the feed is cancelled.
   */
  next(): Found | Promise<Found> {
    if (this.#isOver) return undefined;
    try {
      let found = this.#leave() ?? this.#header();
      while (found === GO_ON) found = this.#header();
      return found instanceof Promise ? this.#later(found) : found;
    } catch (error) {
      return this.#fail(error);
    }
  }

  /** Stops before the end: the feed is cancelled. */
  async cancel(reason?: unknown): Promise<void> {
    if (this.#isOver) return;
    this.#isOver = true;
    await this.#reader?.cancel(reason);
  }

  async #fail(error: unknown): Promise<never> {
    await this.cancel(error).catch(() => {});
    throw error;
  }

  async #later(waiting: Promise<Step>): Promise<Found> {
    try {
      for (let found = await waiting;; found = await this.#header()) {
        if (found !== GO_ON) return found;
      }
    } catch (error) {
      return await this.#fail(error);
    }
  }

  /** Moves past the content of the entry before. */
  #leave(): Promise<Step> | undefined {
    return this.#body?.leave()?.then(() => GO_ON);
  }

  /** Reads the next header, and the entry with it if it is one. */
  #header(): Step | Promise<Step> {
    const reader = this.#reader;
    if (reader === undefined) return this.#begin();
    const { offset } = reader;
    const block = reader.atHand(BLOCK_SIZE);
    return block === undefined
      ? reader.next(BLOCK_SIZE).then((next) => this.#take(reader, next, offset))
      : this.#take(reader, block, offset);
  }

  async #begin(): Promise<Step> {
    this.#reader = new BlockReader(await this.#open());
    return GO_ON;
  }

  #take(
    reader: BlockReader,
    block: Bytes,
    offset: number,
  ): Step | Promise<Step> {
    if (isEnd(block, offset)) return this.#end(reader, block);
    const header = parseHeader(block, offset, reader.scan, reader.left);
    if (isMetadata(header)) return this.#takeMetadata(reader, header, offset);
    if (++this.#entries > this.#maxEntries) throw tooMany(this.#maxEntries);
    const merged = this.#metadata.merge(header, block, offset);
    const { sparse, storedSize } = merged;
    if (sparse !== undefined) {
      return this.#takeSparse(reader, block, sparse, header, merged, offset);
    }
    this.#block = block;
    const body = this.#body = new EntryBody(reader, storedSize);
    return new FoundEntry(header, merged, offset, reader.offset, body);
  }

  async #takeSparse(
    reader: BlockReader,
    block: Bytes,
    map: SparseMapReader,
    header: TarHeader,
    merged: MergedEntry,
    offset: number,
  ): Promise<FoundEntry> {
    // Reading the map may overwrite what the block was lent from.
    this.#block = block.slice();
    const { storedSize } = merged;
    const sparse = await openSparse(reader, map, { storedSize, offset, holes: this.#holes });
    const { body } = sparse;
    this.#body = body;
    return new FoundEntry(header, merged, offset, reader.offset, body, sparse);
  }

  /** Reads what a header says of the entry behind it. */
  #takeMetadata(reader: BlockReader, header: TarHeader, offset: number): Step | Promise<Step> {
    this.#metadata.checkSize(header, offset);
    const body = new EntryBody(reader, header.size);
    const taken = (bytes: Bytes): Step | Promise<Step> => {
      this.#metadata.take(header, bytes, offset);
      return body.leave()?.then(() => GO_ON) ?? GO_ON;
    };
    const bytes = body.all();
    return bytes instanceof Promise ? bytes.then(taken) : taken(bytes);
  }

  async #end(reader: BlockReader, block: Bytes): Promise<undefined> {
    this.#truncatedTrailer = block.length === 0 || await endsEarly(reader);
    await reader.drain();
    this.#isOver = true;
  }
}

/** Tells the end of the archive, by zeros or by the end of the input. */
function isEnd(block: Bytes, offset: number): boolean {
  if (block.length === 0) return true;
  if (block.length === BLOCK_SIZE) return isZeroBlock(block);
  throw new InvalidTarError(
    `Cannot read the tar header at byte ${offset}: the archive ends in it`,
    { offset },
  );
}

function tooMany(maxEntries: number): LimitExceededError {
  return new LimitExceededError(
    `Cannot read the archive: it has more than ${maxEntries} entries`,
    { limit: maxEntries, unit: "entries" },
  );
}

/**
 * Takes the second of the two blocks that end an archive, and tells whether it is missing. Anything
 * else there is refused: some readers would go on and see entries that others do not.
 */
async function endsEarly(reader: BlockReader): Promise<boolean> {
  const offset = reader.offset;
  const second = reader.atHand(BLOCK_SIZE) ?? await reader.next(BLOCK_SIZE);
  if (second.length === 0) return true;
  if (second.length === BLOCK_SIZE && isZeroBlock(second)) return false;
  throw new InvalidTarError(
    `Cannot read the archive: one zero block is not its end (byte ${offset})`,
    { offset },
  );
}
