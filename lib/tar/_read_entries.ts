import type { Bytes, ByteStream } from "../model/bytes.ts";
import { InvalidTarError, LimitExceededError } from "../model/errors.ts";
import { BlockReader } from "./_block_reader.ts";
import { EntryBody } from "./_entry_body.ts";
import { isMetadata, MetadataMerger } from "./_metadata.ts";
import { openEntry } from "./_open_entry.ts";
import type { TarEntry } from "./entry.ts";
import { BLOCK_SIZE, isZeroBlock, parseHeader } from "./header.ts";

/** The most entries of an archive by default; reading needs no memory for them, indexes do. */
export const MAX_ENTRIES = 2_000_000;

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

/** What is made of an entry and the 512 bytes of its own header. */
export type EntryView<View> = (entry: TarEntry, block: Bytes) => View;

async function* parse<View>(
  reader: BlockReader,
  options: ReadTarOptions,
  view: EntryView<View>,
): AsyncGenerator<View, TarSummary, undefined> {
  const { maxEntries = MAX_ENTRIES } = options;
  const metadata = new MetadataMerger();
  let entries = 0;
  for (;;) {
    const offset = reader.offset;
    const block = await reader.exactly(BLOCK_SIZE);
    if (block.length === 0) return { entries, truncatedTrailer: true };
    if (block.length < BLOCK_SIZE) {
      throw new InvalidTarError(
        `Cannot read the tar header at byte ${offset}: the archive ends in it`,
        { offset },
      );
    }
    if (isZeroBlock(block)) {
      const truncatedTrailer = await endsEarly(reader);
      await reader.drain();
      return { entries, truncatedTrailer };
    }
    const header = parseHeader(block, offset);
    if (isMetadata(header)) {
      metadata.checkSize(header, offset);
      const body = new EntryBody(reader, header.size);
      metadata.take(header, await body.exactly(header.size), offset);
      await body.leave();
      continue;
    }
    if (++entries > maxEntries) {
      throw new LimitExceededError(
        `Cannot read the archive: it has more than ${maxEntries} entries`,
        { limit: maxEntries, unit: "entries" },
      );
    }
    const merged = metadata.merge(header, block, offset);
    const { entry, body } = await openEntry(reader, header, merged, offset);
    yield view(entry, block);
    await body.leave();
  }
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
    { offset },
  );
}

/**
 * Reads the entries of an archive; see `readTar`.
 *
 * @param stream The archive.
 * @param options A limit.
 * @param view What is given for each entry.
 */
export async function* readEntries<View>(
  stream: ByteStream,
  options: ReadTarOptions,
  view: EntryView<View>,
): AsyncGenerator<View, TarSummary, undefined> {
  const reader = new BlockReader(stream);
  let finished = false;
  try {
    const summary = yield* parse(reader, options, view);
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
