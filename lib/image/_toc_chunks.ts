import { MAX_OUTPUT_BYTES } from "../compress/mod.ts";
import { isDigest } from "../model/digest.ts";
import type { TableChunk } from "./layer_table.ts";
import type { TableLayout } from "./_table_layout.ts";

/**
 * How far into a gzip member a chunk may begin. Writers put small files together up to the size of
 * a chunk, 4 MiB; more would be a way to have much inflated for little.
 */
const MAX_SKIP_BYTES = 64 * 1024 * 1024;

/** A chunk as a table has it. */
export interface RawChunk {
  readonly offset: number;
  readonly skip: number;
  readonly fileOffset: number;
  readonly size: number;
  readonly digest: string | undefined;
  readonly isZeros: boolean;
}

/** What is known about the file that chunks are of. */
export interface ChunkedFile {
  readonly size: number;
  /** The digest of the whole file. */
  readonly digest: string | undefined;
  /** Where the last chunk ends, as zstd:chunked says it. */
  readonly end: number | undefined;
  /** Where chunks of any file start, in order, for formats that do not say where they end. */
  readonly starts: readonly number[] | undefined;
  readonly layout: TableLayout;
}

/**
 * Checks the chunks of a file: they cover it without gap or overlap, each has a digest, and in the
 * layer they lie one behind another, so that reading a file never takes more than the layer has.
 */
export function fileChunks(
  raw: readonly RawChunk[],
  file: ChunkedFile,
  fail: (reason: string) => never,
): readonly TableChunk[] {
  const { layout, size: fileSize } = file;
  const chunks: TableChunk[] = [];
  let covered = 0;
  let zeros = 0;
  let stored = { start: 0, end: 0, used: 0 };
  const ends = file.starts === undefined ? endsOf(raw, file.end ?? 0) : undefined;
  for (const [index, chunk] of raw.entries()) {
    const { offset: start, skip, fileOffset, digest = raw.length === 1 ? file.digest : undefined } =
      chunk;
    const size = chunk.size || fileSize - covered;
    if (fileOffset !== covered || size <= 0) return fail("its chunks do not follow one another");
    covered += size;
    if (covered > fileSize) return fail("its chunks are longer than the file");
    if (chunk.isZeros) {
      zeros += size;
      if (zeros > MAX_OUTPUT_BYTES) return fail("its holes are longer than what may be read");
      chunks.push({ start: 0, end: 0, encoding: "zeros", skip: 0, size });
      continue;
    }
    if (digest === undefined || !isDigest(digest)) return fail("a chunk has no digest");
    const end = ends?.[index] ?? firstAbove(file.starts ?? [], start);
    const isBehind = start >= stored.end || start === stored.start && skip >= stored.used;
    if (end <= start || end > layout.end || !isBehind) {
      return fail("a chunk lies where none can be");
    }
    if (skip > MAX_SKIP_BYTES) return fail("a chunk begins too far behind where its member begins");
    stored = { start, end, used: skip + size };
    chunks.push({ start, end, encoding: layout.encoding, skip, size, digest });
  }
  if (covered !== fileSize) return fail("its chunks are not the whole file");
  return chunks;
}

/** Where each chunk ends that ends where the next one of its file starts. */
function endsOf(raw: readonly RawChunk[], last: number): readonly number[] {
  const ends: number[] = [];
  let end = last;
  for (const { isZeros, offset } of [...raw].reverse()) {
    ends.push(end);
    if (!isZeros) end = offset;
  }
  return ends.reverse();
}

/** The first number above a given one; 0 when there is none. */
function firstAbove(sorted: readonly number[], value: number): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((sorted[middle] as number) > value) high = middle;
    else low = middle + 1;
  }
  return sorted[low] ?? 0;
}
