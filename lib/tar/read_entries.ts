import type { TarEntry } from "./entry.ts";
import type { EntryReader } from "./entry_reader.ts";
import { ReadEntry } from "./_read_entry.ts";

/**
 * Gives the entries of a reader as users see them; leaving the loop early cancels its source.
 *
 * @param reader The reader.
 * @param end Gives what the generator returns.
 */
export async function* readEntries<Result>(
  reader: EntryReader,
  end: (reader: EntryReader) => Result,
): AsyncGenerator<TarEntry, Result, undefined> {
  try {
    for (;;) {
      const next = reader.next();
      const found = next instanceof Promise ? await next : next;
      if (found === undefined) return end(reader);
      yield new ReadEntry(found);
    }
  } finally {
    await reader.cancel();
  }
}
