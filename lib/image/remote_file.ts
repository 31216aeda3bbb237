import { streamUntilAborted } from "../bytes/stream_until_aborted.ts";
import { StreamCursor } from "../bytes/stream_cursor.ts";
import { digestMismatch, sizeMismatch } from "../bytes/verify.ts";
import type { FetchRange } from "../compress/checkpoints.ts";
import { gunzip } from "../compress/gunzip.ts";
import { unzstd } from "../compress/unzstd.ts";
import { createHasher } from "../hash/create_hasher.ts";
import type { Bytes, ByteStream } from "../model/bytes.ts";
import type { CallOptions } from "../model/content.ts";
import { digestAlgorithm, formatDigest } from "../model/digest.ts";
import type { Layer } from "./layer.ts";
import { rangesOf } from "./toc.ts";
import type { TableChunk, TableEntry } from "./layer_table.ts";

/**
 * The most bytes between two chunks that are fetched and thrown away, so that one request gets both:
 * they come sooner than the answer to another request.
 */
const MAX_GAP_BYTES = 32 * 1024;

/** How many zeros are given at once for a hole. */
const ZEROS_BYTES = 65_536;

/** Chunks that come from the same stored bytes. */
interface Section {
  readonly start: number;
  readonly end: number;
  readonly encoding: TableChunk["encoding"];
  readonly chunks: TableChunk[];
}

/**
 * Opens a file by the table of contents of its layer. Only the stored bytes of its chunks are
 * fetched, those that lie together by one request. The last bytes of a chunk are handed on only
 * after its digest is proved. Memory is fixed.
 *
 * @param layer The layer.
 * @param entry An entry of the layer's table.
 * @param options A signal, which also ends the stream.
 * @returns The content. The stream errors with {@linkcode DigestMismatchError},
 * {@linkcode SizeMismatchError} or {@linkcode CorruptStreamError} when the layer does not have what
 * the table says.
 */
export function openTableEntry(
  layer: Layer,
  entry: TableEntry,
  options: CallOptions = {},
): ByteStream {
  const what = `${
    JSON.stringify(entry.path.slice(0, 256))
  } of the layer ${layer.descriptor().digest}`;
  return streamUntilAborted(
    (signal) => readChunks(rangesOf(layer), entry.chunks, what, signal),
    options.signal,
  );
}

async function* readChunks(
  fetchRange: FetchRange,
  chunks: readonly TableChunk[],
  what: string,
  signal: AbortSignal,
): AsyncGenerator<Bytes, void, undefined> {
  for (const run of runsOf(sectionsOf(chunks))) {
    const [first] = run;
    if (first === undefined) continue;
    if (first.encoding === "zeros") {
      yield* zeros(first.chunks);
      continue;
    }
    const { end } = run.at(-1) ?? first;
    const cursor = new StreamCursor(await fetchRange(first.start, end, { signal }));
    try {
      let at = first.start;
      for (const section of run) {
        await cursor.skip(section.start - at);
        const stored = cursor.part(section.end - section.start);
        yield* readSection(section, stored.stream, what);
        await stored.rest();
        at = section.end;
      }
    } finally {
      await cursor.cancel().catch(() => {});
    }
  }
}

/** Decompresses the stored bytes of some chunks, and proves each chunk. */
async function* readSection(
  { encoding, chunks }: Section,
  stored: ByteStream,
  what: string,
): AsyncGenerator<Bytes, void, undefined> {
  const plain = new StreamCursor(encoding === "gzip" ? gunzip(stored) : unzstd(stored));
  let at = 0;
  try {
    for (const { skip, size, digest = "" } of chunks) {
      const expected = { mediaType: "application/octet-stream", digest, size };
      const algorithm = digestAlgorithm(digest);
      const hasher = createHasher(algorithm);
      if (!await plain.skip(skip - at)) throw sizeMismatch(`a chunk of ${what}`, expected, 0);
      for (let left = size; left > 0;) {
        const piece = await plain.next(left);
        if (piece === undefined) throw sizeMismatch(`a chunk of ${what}`, expected, size - left);
        left -= piece.byteLength;
        hasher.update(piece);
        if (left === 0) {
          const actual = formatDigest(algorithm, hasher.digest());
          if (actual !== digest) throw digestMismatch(`a chunk of ${what}`, expected, actual);
        }
        yield piece;
      }
      at = skip + size;
    }
  } finally {
    await plain.cancel().catch(() => {});
  }
}

/** Puts chunks together that come from the same stored bytes; there they lie one behind another. */
function sectionsOf(chunks: readonly TableChunk[]): Section[] {
  const sections: Section[] = [];
  for (const chunk of chunks) {
    const { start, end, encoding } = chunk;
    const last = sections.at(-1);
    const isSame = last !== undefined && last.encoding === encoding && last.start === start &&
      last.end === end;
    if (isSame) last.chunks.push(chunk);
    else sections.push({ start, end, encoding, chunks: [chunk] });
  }
  return sections;
}

/** Puts sections together that one request fetches. */
function runsOf(sections: readonly Section[]): Section[][] {
  const runs: Section[][] = [];
  for (const section of sections) {
    const last = runs.at(-1)?.at(-1);
    const isNear = last !== undefined && last.encoding === section.encoding &&
      section.encoding !== "zeros" && section.start >= last.end &&
      section.start - last.end <= MAX_GAP_BYTES;
    if (isNear) runs.at(-1)?.push(section);
    else runs.push([section]);
  }
  return runs;
}

function* zeros(chunks: readonly TableChunk[]): Generator<Bytes, void, undefined> {
  for (const { size } of chunks) {
    for (let left = size; left > 0; left -= ZEROS_BYTES) {
      yield new Uint8Array(Math.min(left, ZEROS_BYTES));
    }
  }
}
