import type { Feed } from "../bytes/feed.ts";
import type { Bytes } from "../model/bytes.ts";
import { InvalidTarError, LimitExceededError } from "../model/errors.ts";
import { BlockReader } from "./_block_reader.ts";
import { EntryBody } from "./_entry_body.ts";
import { isMetadata, MetadataMerger } from "./_metadata.ts";
import { HoleBudget } from "./_hole_budget.ts";
import { openSparse, ReadEntry } from "./_open_entry.ts";
import type { TarEntry } from "./entry.ts";
import { BLOCK_SIZE, isZeroBlock, parseHeader, type TarHeader } from "./header.ts";

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

/** What is made of an archive. */
export interface ArchiveView<View, Result> {
  /** Gives what is handed out for an entry and the 512 bytes of its own header, which are lent. */
  entry(entry: TarEntry, block: Bytes): View;
  /** Gives what the generator returns. */
  end(summary: TarSummary): Result;
}

/**
 * Reads the entries of an archive; see `readTar`. It is one generator and not several in each other,
 * and waits only where the feed does: entries are many and small.
 *
 * @param open Opens the archive when the first entry is asked for.
 * @param options A limit.
 * @param view What is given for each entry, and in the end.
 */
export async function* readEntries<View, Result>(
  open: () => Feed | Promise<Feed>,
  options: ReadTarOptions,
  view: ArchiveView<View, Result>,
): AsyncGenerator<View, Result, undefined> {
  const { maxEntries = MAX_ENTRIES, maxHoleBytes = MAX_HOLE_BYTES } = options;
  const holes = new HoleBudget(maxHoleBytes);
  const reader = new BlockReader(await open());
  const metadata = new MetadataMerger();
  let entries = 0;
  let isFinished = false;
  try {
    for (;;) {
      const offset = reader.offset;
      const block = reader.atHand(BLOCK_SIZE) ?? await reader.next(BLOCK_SIZE);
      if (isEnd(block, offset)) {
        const truncatedTrailer = block.length === 0 || await endsEarly(reader);
        await reader.drain();
        isFinished = true;
        return view.end({ entries, truncatedTrailer });
      }
      const header = parseHeader(block, offset, reader.scan, reader.left);
      if (isMetadata(header)) {
        await takeMetadata(metadata, header, reader, offset);
        continue;
      }
      if (++entries > maxEntries) throw tooMany(maxEntries);
      const merged = metadata.merge(header, block, offset);
      const { sparse, storedSize } = merged;
      // Reading the map may overwrite what the block was lent from.
      const own = sparse === undefined ? block : block.slice();
      const content = sparse === undefined
        ? { body: new EntryBody(reader, storedSize), size: storedSize, sparse: undefined }
        : await openSparse(reader, sparse, { storedSize, offset, holes });
      const parts = { header, merged, headerOffset: offset, bodyOffset: reader.offset, content };
      yield view.entry(new ReadEntry(parts), own);
      const left = content.body.leave();
      if (left !== undefined) await left;
    }
  } catch (error) {
    isFinished = true;
    await reader.cancel(error).catch(() => {});
    throw error;
  } finally {
    if (!isFinished) await reader.cancel();
  }
}

/** Reads what a header says of the entry behind it. */
async function takeMetadata(
  metadata: MetadataMerger,
  header: TarHeader,
  reader: BlockReader,
  offset: number,
): Promise<void> {
  metadata.checkSize(header, offset);
  const body = new EntryBody(reader, header.size);
  metadata.take(header, await body.exactly(header.size), offset);
  await body.leave();
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
