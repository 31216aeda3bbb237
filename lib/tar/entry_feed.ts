import type { Bytes } from "../model/bytes.ts";
import type { TarEntry } from "./entry.ts";

/** Gets a piece of a content, or the bytes of a hole in it. */
export type Taker<Item> = (item: Item) => void | Promise<void>;

/** An entry that gives a promise only where it has to. */
export interface FedEntry extends Omit<TarEntry, "lend"> {
  /** Lends the content as {@linkcode TarEntry.lend} does. */
  lend(take: Taker<Bytes>, skip?: Taker<number>): void | Promise<void>;
}

/**
 * Gives entries to one consumer, at once where it has them: most of a layer's are small and there,
 * and waiting for each costs as much as the tenth part of reading it.
 */
export interface EntryFeed<Entry> {
  /** Gives the next entry, `undefined` at the end. Calls do not overlap, and none follows the end. */
  next(): Entry | undefined | Promise<Entry | undefined>;
  /** Stops before the end: the source is cancelled. */
  cancel(reason?: unknown): Promise<void>;
}

/**
 * Opens a feed when its first entry is asked for.
 *
 * @param open Opens it.
 * @returns Its entries.
 */
export function openedFeed<Entry>(open: () => Promise<EntryFeed<Entry>>): EntryFeed<Entry> {
  let opened: EntryFeed<Entry> | undefined;
  return {
    next() {
      if (opened !== undefined) return opened.next();
      return open().then((feed) => (opened = feed).next());
    },
    cancel: async (reason) => await opened?.cancel(reason),
  };
}

/**
 * Hands entries over one after another. It waits only where there is something to wait for.
 *
 * @param feed The entries; nobody else may ask for them from now on.
 * @param take Gets each of them; an error cancels the source.
 */
export async function eachEntry<Entry>(
  feed: EntryFeed<Entry>,
  take: (entry: Entry) => void | Promise<void>,
): Promise<void> {
  try {
    for (;;) {
      const next = feed.next();
      const entry = next instanceof Promise ? await next : next;
      if (entry === undefined) return;
      const taken = take(entry);
      if (taken !== undefined) await taken;
    }
  } catch (error) {
    await feed.cancel(error).catch(() => {});
    throw error;
  }
}
