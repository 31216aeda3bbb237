import { eachEntry } from "../tar/entry_feed.ts";
import { FileTree, MAX_TREE_ENTRIES } from "./_file_tree.ts";
import type { ExtractOptions } from "./extract_options.ts";
import type { JudgedTree } from "./_judged_tree.ts";
import { applyEntry, type FileMeta } from "./_layer_files.ts";
import { entryFeed, type Layer } from "./layer.ts";
import type { Staging } from "./_staging.ts";

/** Merges layers, and stages the contents of files on the way. Each layer is read once. */
export async function stageLayers(
  layers: readonly Layer[],
  staging: Staging,
  { maxEntries = MAX_TREE_ENTRIES, threads, signal }: ExtractOptions,
): Promise<FileTree<FileMeta>> {
  const tree = new FileTree<FileMeta>(maxEntries, (meta) => staging.lose(meta));
  for (const [number, layer] of layers.entries()) {
    tree.nextLayer();
    let ordinal = 0;
    await eachEntry(entryFeed(layer, { threads, signal }), (entry) => {
      signal?.throwIfAborted();
      const file = applyEntry(tree, entry, number, ordinal++);
      const content = file !== undefined && file.size > 0 ? file : undefined;
      // First, so that there is never more at a time than on a disk where one replaces the other.
      if (!staging.hasLost) return content && staging.write(content, entry);
      return staging.sweep().then(() => content && staging.write(content, entry));
    });
  }
  return tree;
}

/** Stages the contents of a tree that is merged already. Only layers with some of them are read. */
export async function stageTree(
  { others }: JudgedTree,
  layers: readonly Layer[],
  staging: Staging,
  { threads, signal }: ExtractOptions,
): Promise<void> {
  const contents = layers.map(() => new Map<number, FileMeta>());
  for (const { node: { meta } } of others) {
    if (meta !== undefined && meta.size > 0) contents[meta.layer]?.set(meta.ordinal, meta);
  }
  for (const [number, layer] of layers.entries()) {
    const wanted = contents[number];
    if (wanted === undefined || wanted.size === 0) continue;
    let ordinal = 0;
    await eachEntry(entryFeed(layer, { threads, signal }), (entry) => {
      signal?.throwIfAborted();
      const file = wanted.get(ordinal++);
      return file && staging.write(file, entry);
    });
  }
}
