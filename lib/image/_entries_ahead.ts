import { eachEntry, type EntryFeed } from "../tar/entry_feed.ts";
import { treeEntries, type TreeEntriesOptions } from "./_indexed_layer.ts";
import { keptBytes, recordBytes } from "./_kept_bytes.ts";
import type { Layer } from "./layer.ts";
import type { TreeEntry } from "./_layer_files.ts";

/** How many entries of a layer may wait for the layers below it, some hundred bytes each, */
const MAX_WAITING = 16_384;
/** and how many bytes of their names and attributes, which may be megabytes. */
const MAX_WAITING_BYTES: number = 16 * 1024 * 1024;

/**
 * Gives the entries of each layer, base first; those of one layer are to be taken before the next
 * is asked for. With threads as many layers are read as there are threads, and what upper ones give
 * waits: then there is no content to be read any more.
 */
export async function* entriesOfEach(
  layers: readonly Layer[],
  options: TreeEntriesOptions,
): AsyncGenerator<EntryFeed<TreeEntry>, void, undefined> {
  const { threads, signal } = options;
  if (threads === undefined) {
    for (const layer of layers) yield treeEntries(layer, options);
    return;
  }
  const stop = new AbortController();
  const ended = AbortSignal.any([stop.signal, ...signal === undefined ? [] : [signal]]);
  const unread = [...layers];
  const open = () =>
    unread.splice(0, 1).map((layer) =>
      readAhead(treeEntries(layer, { ...options, signal: ended }))
    );
  try {
    const readers = Array.from({ length: threads.size }, open).flat();
    for (let next = readers.shift(); next !== undefined; next = readers.shift()) {
      yield next;
      readers.push(...open());
    }
  } finally {
    stop.abort();
  }
}

interface Ahead {
  waiting: TreeEntry[];
  bytes: number;
  isDone: boolean;
  failure?: { readonly error: unknown };
}

/** Reads on by itself, until as much as may waits to be taken. */
function readAhead(source: EntryFeed<TreeEntry>): EntryFeed<TreeEntry> {
  const state: Ahead = { waiting: [], bytes: 0, isDone: false };
  // Who gives waits for room and who takes for items: never both.
  let wake = () => {};
  const woken = () => new Promise<void>((resolve) => wake = resolve);
  const isFull = (): boolean =>
    state.waiting.length >= MAX_WAITING || state.bytes >= MAX_WAITING_BYTES;
  const room = async (): Promise<void> => {
    while (isFull()) await woken();
  };
  eachEntry(source, (item) => {
    state.waiting.push(item);
    state.bytes += keptBytes(item) + recordBytes(item.pax);
    wake();
    return isFull() ? room() : undefined;
  }).catch((error) => state.failure = { error }).finally(() => {
    state.isDone = true;
    wake();
  });
  let taken: readonly TreeEntry[] = [];
  let at = 0;
  const take = async (): Promise<TreeEntry | undefined> => {
    while (state.waiting.length === 0) {
      if (state.failure !== undefined) throw state.failure.error;
      if (state.isDone) return undefined;
      await woken();
    }
    taken = state.waiting;
    at = 0;
    state.waiting = [];
    state.bytes = 0;
    wake();
    return taken[at++];
  };
  return {
    next: () => at < taken.length ? taken[at++] : take(),
    cancel: async () => {},
  };
}
