import { NotFoundError } from "../model/errors.ts";
import { editIndex } from "./_edit_index.ts";
import type { IndexView } from "./index_view.ts";
import { keepEntries } from "./_keep_entries.ts";

/**
 * Takes entries out of an index, with their attestations.
 *
 * @param index The index.
 * @param digests The digests of the entries.
 * @returns The new index; the old one is unchanged, and nothing is stored before it is pushed. Its
 * methods reject with {@linkcode NotFoundError} when an entry is not there.
 */
export function removeFromIndex(index: IndexView, ...digests: readonly string[]): IndexView {
  return editIndex(index, async (before, signal) => {
    const there = new Set(before.manifests.map(({ digest }) => digest));
    const missing = digests.find((digest) => !there.has(digest));
    if (missing === undefined) {
      return { value: keepEntries(before, ({ digest }) => !digests.includes(digest)) };
    }
    throw new NotFoundError(
      `Cannot remove ${missing} from the index ${await index.digest({ signal })}: it is not there`,
    );
  });
}
