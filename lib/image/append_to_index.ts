import { editIndex } from "./_edit_index.ts";
import type { Image } from "./image.ts";
import type { IndexAddition } from "./index_addition.ts";
import { indexEntries } from "./_index_entries.ts";
import type { IndexView } from "./index_view.ts";

/**
 * Puts images, and the entries of other indexes, behind those of an index. What it has already is
 * not put in again; its entries, and its unknown fields, stay as they are.
 *
 * @param index The index.
 * @param manifests What goes in.
 * @returns The new index; the old one is unchanged, and nothing is stored before it is pushed.
 */
export function appendToIndex(
  index: IndexView,
  ...manifests: readonly (Image | IndexView | IndexAddition)[]
): IndexView {
  return editIndex(index, async (before, signal) => {
    const { entries, contents } = await indexEntries(manifests, signal);
    const known = new Set(before.manifests.map(({ digest }) => digest));
    const added = entries.filter(({ digest }) => !known.has(digest) && known.add(digest));
    if (added.length === 0) return { value: before };
    return { value: { ...before, manifests: [...before.manifests, ...added] }, contents };
  });
}
