import { InvalidTarError, LimitExceededError } from "../model/errors.ts";

/** The most fragments of a sparse file; maps are held in memory. */
export const MAX_SPARSE_ENTRIES = 65_536;

/** The most bytes of a sparse map as the archive has it, as for all metadata of an entry. */
export const MAX_SPARSE_MAP_BYTES: number = 1 << 20;

/** One piece of a sparse file that the archive holds; what lies between is zeros. */
export interface SparseEntry {
  /** Bytes from the start of the file. */
  readonly offset: number;
  /** Bytes that are there. */
  readonly length: number;
}

/**
 * Proves a sparse map: in order, without overlap, within the file, and exactly as long as the
 * bytes that the archive holds.
 *
 * @param map The pieces.
 * @param realSize The size of the file.
 * @param storedSize The bytes that the archive holds, or `undefined` when the map says it.
 * @param archiveOffset For errors.
 * @returns The pieces that hold bytes.
 * @throws {InvalidTarError} when the map is impossible.
 */
export function checkSparseMap(
  map: readonly SparseEntry[],
  realSize: number,
  storedSize: number | undefined,
  archiveOffset: number,
): SparseEntry[] {
  const fail = (what: string): never => {
    throw new InvalidTarError(`Cannot read the sparse file at byte ${archiveOffset}: ${what}`, {
      offset: archiveOffset,
    });
  };
  if (!Number.isSafeInteger(realSize) || realSize < 0) fail("its size is no size");
  let end = 0;
  let stored = 0;
  for (const { offset, length } of map) {
    if (
      !Number.isSafeInteger(offset) || !Number.isSafeInteger(length) || offset < 0 || length < 0
    ) {
      fail("its map holds a number that is none");
    }
    if (offset < end) fail("its map is out of order");
    end = offset + length;
    if (!Number.isSafeInteger(end) || end > realSize) fail("its map goes beyond its end");
    stored += length;
  }
  if (storedSize !== undefined && stored !== storedSize) fail("its map does not fit its content");
  return map.filter(({ length }) => length > 0);
}

/** Refuses maps that would take too much memory. */
export function checkSparseCount(count: number, archiveOffset: number): void {
  if (count <= MAX_SPARSE_ENTRIES) return;
  throw new LimitExceededError(
    `Cannot read the sparse file at byte ${archiveOffset}: it has more than ${MAX_SPARSE_ENTRIES} pieces`,
    { limit: MAX_SPARSE_ENTRIES, unit: "pieces" },
  );
}

/** Refuses maps that would take too long to read, whatever they come to. */
export function checkSparseMapBytes(bytes: number, archiveOffset: number): void {
  if (bytes <= MAX_SPARSE_MAP_BYTES) return;
  throw new LimitExceededError(
    `Cannot read the sparse file at byte ${archiveOffset}: its map is longer than ${MAX_SPARSE_MAP_BYTES} bytes`,
    { limit: MAX_SPARSE_MAP_BYTES, unit: "bytes" },
  );
}
