import type { CallOptions } from "../model/content.ts";
import { compareNodes } from "./_compare_nodes.ts";
import { ContentHashes } from "./_content_hashes.ts";
import type { FileAspect } from "./file_aspect.ts";
import { type FileNode, FileTree } from "./_file_tree.ts";
import type { Image } from "./image.ts";
import type { FileMeta } from "./_layer_files.ts";
import type { TreeEntriesOptions } from "./_indexed_layer.ts";
import type { Layer } from "./layer.ts";
import type { LayerIndexes } from "./layer_indexes.ts";
import { showName } from "./_lossless_name.ts";
import { mergeLayer, type TreeParts } from "./rootfs.ts";
import { entryOf } from "./_rootfs_entry_of.ts";
import type { RootfsEntry } from "./rootfs_entry.ts";

/** One path that two images do not have alike. */
export interface FileChange {
  /** The path from the root. */
  readonly path: string;
  /** What happened to it. */
  readonly change: "added" | "changed" | "deleted";
  /** What is different in a path that is in both; empty for others. */
  readonly what: readonly FileAspect[];
  /** What it was; absent when it was added. */
  readonly before?: RootfsEntry | undefined;
  /** What it is; absent when it was deleted. */
  readonly after?: RootfsEntry | undefined;
}

/** Options of {@linkcode diff}. */
export interface DiffOptions extends CallOptions {
  /** Whether another modification time alone is a change; default `false`. */
  readonly timestamps?: boolean | undefined;
  /** The most paths that each tree may have; default 2,000,000. */
  readonly maxEntries?: number | undefined;
  /** Where indexes of layers are kept; default nowhere. File trees come from them. */
  readonly layerIndexes?: LayerIndexes | undefined;
}

/**
 * Compares the merged file trees of two images: what one would see after unpacking both. Contents
 * are compared by their digests, and only where their sizes are the same. Layers that both images
 * begin with are read once, and contents in them never, but for files that one of the two has moved.
 * Memory grows with the number of paths, never with contents.
 *
 * @param before The one image.
 * @param after The other one.
 * @param options Whether times count, a limit and a signal.
 * @returns What differs: directories before what is in them, names in the order of their code units.
 * It errors with what {@linkcode loadRootfs} throws.
 *
 * @example What an edit has changed
 * ```ts
 * import { append, diff, emptyImage, layerFrom } from "@lading/lading/image";
 *
 * const before = emptyImage({ os: "linux", architecture: "amd64" });
 * const after = append(before, await layerFrom([{ path: "hello.txt" }]));
 * for await (const { change, path } of diff(before, after)) console.log(change, path); // added hello.txt
 * ```
 */
export async function* diff(
  before: Image,
  after: Image,
  options: DiffOptions = {},
): AsyncGenerator<FileChange, void, undefined> {
  const { signal, timestamps = false, maxEntries, layerIndexes } = options;
  const sides = await Promise.all([before, after].map(async (image): Promise<TreeParts> => ({
    layers: await image.layers({ signal }),
    tree: new FileTree<FileMeta>(maxEntries),
  })));
  const [old, now] = sides;
  if (old === undefined || now === undefined) return;
  const shared = await mergeSides(old, now, { layerIndexes, signal });
  const pairs = [...unlike(old.tree, now.tree, shared)];
  const hashes = new ContentHashes();
  for (const { from, to } of pairs) {
    if (!haveSameSize(from, to)) continue;
    hashes.want(old, from);
    hashes.want(now, to);
  }
  await hashes.read({ signal });
  for (const { path, from, to } of pairs) {
    const isContentSame = haveSameSize(from, to) && hashes.of(old, from) === hashes.of(now, to);
    const what = from === undefined || to === undefined
      ? []
      : compareNodes(from, to, { isContentSame, timestamps });
    if (from !== undefined && to !== undefined && what.length === 0) continue;
    yield {
      path: showName(path),
      change: from === undefined ? "added" : to === undefined ? "deleted" : "changed",
      what,
      ...(from === undefined ? {} : { before: entryOf(path, from) }),
      ...(to === undefined ? {} : { after: entryOf(path, to) }),
    };
  }
}

type Node = FileNode<FileMeta>;

interface Pair {
  readonly path: string;
  readonly from: Node | undefined;
  readonly to: Node | undefined;
}

/** Merges both trees, and tells how many layers they begin with alike. */
async function mergeSides(
  old: TreeParts,
  now: TreeParts,
  options: TreeEntriesOptions,
): Promise<number> {
  let shared = 0;
  for (const [number, layer] of old.layers.entries()) {
    const other = now.layers[number];
    if (other === undefined || !await isSameLayer(layer, other, options)) break;
    await mergeLayer([old.tree, now.tree], layer, number, options);
    shared++;
  }
  for (const { layers, tree } of [old, now]) {
    for (const [number, layer] of layers.entries()) {
      if (number >= shared) await mergeLayer([tree], layer, number, options);
    }
  }
  return shared;
}

async function isSameLayer(a: Layer, b: Layer, options: CallOptions): Promise<boolean> {
  if (a.descriptor().digest === b.descriptor().digest) return true;
  return await a.diffID(options) === await b.diffID(options);
}

/** Lists the paths that do not lead to one and the same entry of a shared layer. */
function* unlike(
  old: FileTree<FileMeta>,
  now: FileTree<FileMeta>,
  shared: number,
): Generator<Pair, void, undefined> {
  const stack: Pair[] = [{ path: "", from: old.root, to: now.root }];
  for (let next = stack.pop(); next !== undefined; next = stack.pop()) {
    const { path, from, to } = next;
    if (path !== "" && !isSameEntry(from, to, shared)) yield next;
    const [before, after] = [from?.children, to?.children];
    const names = new Set([...before?.keys() ?? [], ...after?.keys() ?? []]);
    for (const name of [...names].sort(descending)) {
      stack.push({
        path: path === "" ? name : `${path}/${name}`,
        from: before?.get(name)?.node,
        to: after?.get(name)?.node,
      });
    }
  }
}

function isSameEntry(from: Node | undefined, to: Node | undefined, shared: number): boolean {
  const [a, b] = [from?.meta, to?.meta];
  if (a === undefined || b === undefined) return false;
  return a.layer === b.layer && a.ordinal === b.ordinal && a.layer < shared;
}

function haveSameSize(from: Node | undefined, to: Node | undefined): boolean {
  const [a, b] = [from?.meta, to?.meta];
  return a?.type === "file" && b?.type === "file" && a.size === b.size;
}

function descending(a: string, b: string): number {
  return a < b ? 1 : a > b ? -1 : 0;
}
