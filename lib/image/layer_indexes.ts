import type { Bytes } from "../model/bytes.ts";

/**
 * Keeps indexes of layers: what was learned when a layer was read to its end and proved. An index
 * has the entries of the layer, and for gzip the places where it can be inflated from, with a digest
 * of what lies between any two of them. With it neither the file tree needs the layer nor one file
 * more than what lies around it.
 *
 * Indexes are bytes, by the digest of the layer as it is stored: a `Map<string, Bytes>` is one. One
 * that is damaged, of another version or of another layer counts as none. Nothing else in it can be
 * proved without the layer: keep indexes where nobody else writes.
 */
export interface LayerIndexes {
  /** The least uncompressed bytes between two places to inflate from; default 4 MiB. */
  readonly everyBytes?: number | undefined;
  /**
   * Gives what is kept.
   *
   * @param digest The digest of the layer.
   * @returns Its index, or nothing.
   */
  get(digest: string): Bytes | undefined | Promise<Bytes | undefined>;
  /**
   * Keeps the index of a layer that was read to its end and proved.
   *
   * @param digest The digest of the layer.
   * @param index Its index, in a format of lading's own.
   * @returns Anything; a promise is waited for.
   */
  set(digest: string, index: Bytes): unknown;
}

/** Options of {@linkcode memoryLayerIndexes}. */
export interface MemoryLayerIndexesOptions {
  /** The least uncompressed bytes between two places to inflate from, from 64 KiB; default 4 MiB. */
  readonly everyBytes?: number | undefined;
  /** The most bytes that are kept; default 64 MiB, which is some 8 GiB of layers. */
  readonly maxBytes?: number | undefined;
}

/** {@linkcode LayerIndexes} in memory, which can be listed and saved. */
export interface MemoryLayerIndexes extends LayerIndexes {
  /**
   * Gives what is kept.
   *
   * @param digest The digest of the layer.
   * @returns Its index, or nothing.
   */
  get(digest: string): Bytes | undefined;
  /**
   * Lists what is kept.
   *
   * @returns Digests of layers with their indexes, the one that was not used for longest first.
   */
  entries(): IterableIterator<[string, Bytes]>;
}

const DEFAULT_MAX_BYTES = 64 * 1024 * 1024;

/**
 * Keeps indexes of layers in memory. When it is full, what was not used for longest makes room.
 *
 * @param options A limit.
 * @returns The indexes; none yet.
 *
 * @example Read a layer once, and then files out of its middle
 * ```ts
 * import { memoryStore } from "@lading/lading/store";
 * import { randomImage } from "@lading/lading/testing";
 * import { loadImage, memoryLayerIndexes } from "@lading/lading/image";
 *
 * const store = memoryStore();
 * await (await randomImage("seed")).pushTo(store, "demo:1");
 * const image = await loadImage(store, await store.resolve("demo:1"));
 * const layerIndexes = memoryLayerIndexes();
 * for await (const { path, type } of image.files({ layerIndexes })) {
 *   if (type === "file") await image.readFile(path, { layerIndexes });
 * }
 * ```
 */
export function memoryLayerIndexes(options: MemoryLayerIndexesOptions = {}): MemoryLayerIndexes {
  const { everyBytes, maxBytes = DEFAULT_MAX_BYTES } = options;
  const kept = new Map<string, Bytes>();
  let total = 0;
  const drop = (digest: string): void => {
    total -= kept.get(digest)?.byteLength ?? 0;
    kept.delete(digest);
  };
  return {
    everyBytes,
    get(digest) {
      const index = kept.get(digest);
      if (index === undefined) return undefined;
      kept.delete(digest);
      kept.set(digest, index);
      return index;
    },
    set(digest, index) {
      drop(digest);
      if (index.byteLength > maxBytes) return;
      kept.set(digest, index);
      total += index.byteLength;
      for (const oldest of kept.keys()) {
        if (total <= maxBytes) break;
        drop(oldest);
      }
    },
    entries: () => kept.entries(),
  };
}
