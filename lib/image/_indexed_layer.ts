import { noteWork, turnOfOthers } from "../bytes/turns.ts";
import type { Checkpoints } from "../compress/checkpoint.ts";
import { checkpointingGunzip, openAt } from "../compress/checkpoints.ts";
import type { LayerThreads } from "../compress/layer_threads.ts";
import type { ByteStream } from "../model/bytes.ts";
import type { CallOptions } from "../model/content.ts";
import { type EntryFeed, type FedEntry, openedFeed } from "../tar/entry_feed.ts";
import { BLOCK_SIZE } from "../tar/header.ts";
import { entryFeed, type Layer, storedLayer } from "./layer.ts";
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
export function treeEntries(layer: Layer, options: TreeEntriesOptions): EntryFeed<TreeEntry> {
  const { layerIndexes, threads, signal } = options;
  if (layerIndexes === undefined) return entryFeed(layer, { threads, signal });
  return openedFeed(async () => {
    const index = await indexOf(layer, layerIndexes);
    if (index !== undefined) return entriesInTurns(await index.entries(), { signal });
    // A thread does not say where it could be inflated from.
    return threads === undefined
      ? recordedEntries(layer, layerIndexes, { signal })
      : entryFeed(layer, { threads, signal });
  });
}

/** Gives the entries of an index. Nothing is waited for: so that others can go on, this does at times. */
function entriesInTurns(
  entries: Iterable<TreeEntry>,
  { signal }: CallOptions,
): EntryFeed<TreeEntry> {
  const left = entries[Symbol.iterator]();
  const next = (): TreeEntry | undefined => {
    signal?.throwIfAborted();
    noteWork(BLOCK_SIZE);
    const { done, value } = left.next();
    return done ? undefined : value;
  };
  return {
    next: () => turnOfOthers()?.then(next) ?? next(),
    cancel: async () => {},
  };
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
export function recordedEntries(
  layer: Layer,
  indexes: LayerIndexes,
  { signal }: CallOptions,
): EntryFeed<FedEntry> {
  const stored = storedLayer(layer);
  if (stored === undefined) return entryFeed(layer, { signal });
  const recorder = new IndexRecorder();
  let found: Checkpoints | undefined;
  const gunzip = checkpointingGunzip(
    { everyBytes: indexes.everyBytes },
    (checkpoints) => found = checkpoints,
  );
  const entries = stored.entries(gunzip, { signal });
  const keep = async (): Promise<undefined> => {
    const { digest, size } = layer.descriptor();
    const index = await recorder.finish({ digest, size, diffID: stored.diffID }, found);
    if (index !== undefined) await indexes.set(digest, index);
  };
  const see = (entry: FedEntry | undefined): FedEntry | Promise<undefined> => {
    if (entry === undefined) return keep();
    recorder.add(entry);
    return entry;
  };
  return {
    next() {
      const entry = entries.next();
      return entry instanceof Promise ? entry.then(see) : see(entry);
    },
    cancel: (reason) => entries.cancel(reason),
  };
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
