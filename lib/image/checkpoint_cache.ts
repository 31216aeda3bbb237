import type { Checkpoints } from "../compress/checkpoint.ts";

/**
 * Keeps the checkpoints of layers, by the digest of the layer as it is stored. A `Map` is one; one
 * over files or a database writes them with `encodeCheckpoints()`. What it gives is trusted as
 * what it was given: keep it where nobody else writes.
 */
export interface CheckpointCache {
  /** The least uncompressed bytes between two checkpoints that are taken; default 4 MiB. */
  readonly everyBytes?: number | undefined;
  /**
   * Gives what is kept.
   *
   * @param digest The digest of the layer.
   * @returns Its checkpoints, or nothing.
   */
  get(digest: string): Checkpoints | undefined | Promise<Checkpoints | undefined>;
  /**
   * Keeps checkpoints of a layer that was read to its end and proved.
   *
   * @param digest The digest of the layer.
   * @param checkpoints Its checkpoints.
   */
  set(digest: string, checkpoints: Checkpoints): void;
}

/** Options of {@linkcode checkpointCache}. */
export interface CheckpointCacheOptions {
  /** The least uncompressed bytes between two checkpoints, from 64 KiB; default 4 MiB. */
  readonly everyBytes?: number | undefined;
  /** The most bytes that are kept; default 64 MiB, which is some 8 GiB of layers. */
  readonly maxBytes?: number | undefined;
}

/** A {@linkcode CheckpointCache} in memory, whose content can be listed and saved. */
export interface MemoryCheckpointCache extends CheckpointCache {
  /**
   * Gives what is kept.
   *
   * @param digest The digest of the layer.
   * @returns Its checkpoints, or nothing.
   */
  get(digest: string): Checkpoints | undefined;
  /**
   * Lists what is kept.
   *
   * @returns Digests of layers with their checkpoints, the one that was not used for longest first.
   */
  entries(): IterableIterator<[string, Checkpoints]>;
}

const DEFAULT_MAX_BYTES = 64 * 1024 * 1024;
/** What a checkpoint takes beside its history, roughly. */
const POINT_BYTES = 256;

/**
 * Makes a cache in memory. When it is full, what was not used for longest makes room.
 *
 * @param options A limit.
 * @returns The cache.
 *
 * @example Read a layer once, and then files out of its middle
 * ```ts
 * import { memoryStore } from "@lading/lading/store";
 * import { randomImage } from "@lading/lading/testing";
 * import { checkpointCache, loadImage } from "@lading/lading/image";
 *
 * const store = memoryStore();
 * await (await randomImage("seed")).pushTo(store, "demo:1");
 * const image = await loadImage(store, await store.resolve("demo:1"));
 * const checkpoints = checkpointCache();
 * for await (const { path, type } of image.files({ checkpoints })) {
 *   if (type === "file") await image.readFile(path, { checkpoints });
 * }
 * ```
 */
export function checkpointCache(options: CheckpointCacheOptions = {}): MemoryCheckpointCache {
  const { everyBytes, maxBytes = DEFAULT_MAX_BYTES } = options;
  const kept = new Map<string, Checkpoints>();
  let total = 0;
  const drop = (digest: string): void => {
    const checkpoints = kept.get(digest);
    if (checkpoints !== undefined) total -= bytesOf(checkpoints);
    kept.delete(digest);
  };
  return {
    everyBytes,
    get(digest) {
      const checkpoints = kept.get(digest);
      if (checkpoints === undefined) return undefined;
      kept.delete(digest);
      kept.set(digest, checkpoints);
      return checkpoints;
    },
    set(digest, checkpoints) {
      drop(digest);
      const bytes = bytesOf(checkpoints);
      if (bytes > maxBytes) return;
      kept.set(digest, checkpoints);
      total += bytes;
      for (const oldest of kept.keys()) {
        if (total <= maxBytes) break;
        drop(oldest);
      }
    },
    entries: () => kept.entries(),
  };
}

function bytesOf({ points }: Checkpoints): number {
  return points.reduce((sum, { history }) => sum + history.byteLength + POINT_BYTES, 0);
}
