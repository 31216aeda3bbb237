import { noteWork, turnOfOthers } from "../bytes/turns.ts";
import type { Checkpoints } from "../compress/checkpoint.ts";
import { checkpointingGunzip, openAt } from "../compress/checkpoints.ts";
import type { LayerThreads } from "../compress/layer_threads.ts";
import type { ByteStream } from "../model/bytes.ts";
import type { CallOptions } from "../model/content.ts";
import type { TarEntry } from "../tar/entry.ts";
import { BLOCK_SIZE } from "../tar/header.ts";
import { type Layer, storedLayer } from "./layer.ts";
import type { FileMeta, TreeEntry } from "./_layer_files.ts";
import { decodeIndex, IndexRecorder, type LayerIndex } from "./_layer_index.ts";
import type { LayerIndexes } from "./layer_indexes.ts";
import { rangesOf } from "./toc.ts";

/** Options of {@linkcode treeEntries}. */
export interface TreeEntriesOptions extends CallOptions {
  readonly layerIndexes?: LayerIndexes | undefined;
  readonly threads?: LayerThreads | undefined;
}

/** Gives the entries of a layer for a tree: by its index where it has one. */
export function treeEntries(layer: Layer, options: TreeEntriesOptions): AsyncIterable<TreeEntry> {
  const { layerIndexes, threads, signal } = options;
  return layerIndexes === undefined
    ? layer.entries({ threads, signal })
    : indexedEntries(layer, layerIndexes, { threads, signal });
}

async function* indexedEntries(
  layer: Layer,
  indexes: LayerIndexes,
  { threads, signal }: Omit<TreeEntriesOptions, "layerIndexes">,
): AsyncGenerator<TreeEntry, void, undefined> {
  const index = await indexOf(layer, indexes);
  if (index !== undefined) yield* entriesInTurns(index, { signal });
  // A thread does not say where it could be inflated from.
  else if (threads !== undefined) yield* layer.entries({ threads, signal });
  else yield* recordedEntries(layer, indexes, { signal });
}

/** Gives the entries of an index. Nothing is waited for: so that others can go on, this does at times. */
async function* entriesInTurns(
  index: LayerIndex,
  { signal }: CallOptions,
): AsyncGenerator<TreeEntry, void, undefined> {
  for (const entry of await index.entries()) {
    const others = turnOfOthers();
    if (others !== undefined) await others;
    signal?.throwIfAborted();
    noteWork(BLOCK_SIZE);
    yield entry;
  }
}

/**
 * Gives the index that is kept of a layer. Only one of the very bytes counts, and only when they were
 * proved to be what this image says that they are.
 */
export async function indexOf(
  layer: Layer,
  indexes: LayerIndexes | undefined,
): Promise<LayerIndex | undefined> {
  const stored = storedLayer(layer);
  if (stored === undefined || indexes === undefined) return undefined;
  const { digest, size } = layer.descriptor();
  const kept = await indexes.get(digest);
  const index = kept === undefined ? undefined : decodeIndex(kept);
  if (index?.digest !== digest || index.size !== size) return undefined;
  return stored.diffID === undefined || stored.diffID === index.diffID ? index : undefined;
}

/**
 * Reads the entries of a layer; once they have ended, and the layer is proved, its index is kept.
 * Layers that are made when they are read have none.
 */
export async function* recordedEntries(
  layer: Layer,
  indexes: LayerIndexes,
  { signal }: CallOptions,
): AsyncGenerator<TarEntry, void, undefined> {
  const stored = storedLayer(layer);
  if (stored === undefined) return yield* layer.entries({ signal });
  const recorder = new IndexRecorder();
  let found: Checkpoints | undefined;
  const gunzip = checkpointingGunzip(
    { everyBytes: indexes.everyBytes },
    (checkpoints) => found = checkpoints,
  );
  for await (const entry of stored.entries(gunzip, { signal })) {
    recorder.add(entry);
    yield entry;
  }
  const { digest, size } = layer.descriptor();
  const index = await recorder.finish({ digest, size, diffID: stored.diffID }, found);
  if (index !== undefined) await indexes.set(digest, index);
}

/** Opens a file of a layer that can be inflated from places; nothing where it cannot, or has holes. */
export function openByIndex(
  layer: Layer,
  checkpoints: Checkpoints | undefined,
  { bodyOffset, size }: FileMeta,
  options: CallOptions,
): ByteStream | undefined {
  if (bodyOffset === undefined || checkpoints === undefined) return undefined;
  return openAt(checkpoints, rangesOf(layer), bodyOffset, size, options);
}
