import { editIndex } from "./_edit_index.ts";
import { editPairs } from "./_edit_pairs.ts";
import type { IndexView } from "./index_view.ts";
import type { PairsEdit } from "./mutate_options.ts";

/** What {@linkcode mutateIndex} changes. What is not given stays. */
export interface MutateIndexOptions {
  /** Annotations of the index, set one by one; `null` takes one out. */
  readonly annotations?: PairsEdit | undefined;
}

/**
 * Changes what an index says of itself; its entries, and unknown fields, stay. With nothing to
 * change the digest stays too.
 *
 * @param index The index.
 * @param options What to change.
 * @returns The new index; the old one is unchanged, and nothing is stored before it is pushed.
 */
export function mutateIndex(index: IndexView, options: MutateIndexOptions): IndexView {
  return editIndex(index, (before) => {
    const { annotations: old, ...rest } = before;
    const annotations = editPairs(old, options.annotations);
    const value = annotations === undefined ? rest : { ...before, annotations };
    const isSame = JSON.stringify(value) === JSON.stringify(before);
    return Promise.resolve({ value: isSame ? before : value });
  });
}
