import { readAll } from "../bytes/read_all.ts";
import { streamOf } from "../bytes/stream_from.ts";
import type { LayerThreads } from "../compress/layer_threads.ts";
import type { Bytes, ByteStream } from "../model/bytes.ts";
import type { CallOptions } from "../model/content.ts";
import { LadingError } from "../model/errors.ts";
import { eachEntry, type EntryFeed } from "../tar/entry_feed.ts";
import { entriesOfEach } from "./_entries_ahead.ts";
import { DecodedIndexes } from "./_decoded_indexes.ts";
import { openByIndex, recordedEntries, treeEntries } from "./_indexed_layer.ts";
import { applyEntry, type FileMeta, type TreeEntry } from "./_layer_files.ts";
import { FileTree, MAX_TREE_ENTRIES, noSuchFile } from "./_file_tree.ts";
import { entryFeed, type Layer } from "./layer.ts";
import type { LayerIndexes } from "./layer_indexes.ts";
import { openEntry } from "./_open_entry.ts";
import { openTableEntry } from "./remote_file.ts";
import { entryOf } from "./_rootfs_entry_of.ts";
import type { RootfsEntry } from "./rootfs_entry.ts";
import type { TableUse } from "./toc.ts";
import type { LayerTable } from "./layer_table.ts";
import { applyTable, usableTable } from "./_toc_tree.ts";

/** How large a file {@linkcode Rootfs.readFile} takes into memory unless told otherwise. */
export const MAX_FILE_BYTES: number = 64 * 1024 * 1024;

/** Options of everything that merges layers. */
export interface RootfsOptions extends CallOptions {
  /** The most paths that the tree may have; default 2,000,000. Each takes some hundred bytes. */
  readonly maxEntries?: number | undefined;
  /**
   * Threads to decompress and hash layers in, as many side by side; default none. The result is the
   * same. Of each layer above the one that is merged up to 16,384 entries wait in memory.
   */
  readonly threads?: LayerThreads | undefined;
  /**
   * Where indexes of layers are kept; default nowhere. A layer that has one is not read for its file
   * tree; one that has none gets it when it is read, unless that is done in threads.
   */
  readonly layerIndexes?: LayerIndexes | undefined;
}

/** Options of {@linkcode loadRootfs}. */
export interface LoadRootfsOptions extends RootfsOptions {
  /**
   * Which tables of contents take the place of reading a layer; default `none`. A tree that was
   * made with one cannot be extracted.
   */
  readonly tables?: TableUse | undefined;
}

/** Options of {@linkcode Rootfs.openFile}. */
export interface OpenFileOptions extends CallOptions {
  /**
   * Where indexes of layers are kept; default nowhere. With that of a gzip layer only what lies around
   * a file is fetched, and proved to be what was there when the index was made.
   */
  readonly layerIndexes?: LayerIndexes | undefined;
}

/** Options of {@linkcode Rootfs.readFile}. */
export interface ReadFileOptions extends OpenFileOptions {
  /** The most bytes that the file may have; default 64 MiB. */
  readonly maxBytes?: number | undefined;
}

/** Options of {@linkcode Image.openFile}. */
export interface ImageFileOptions extends OpenFileOptions {
  /**
   * Which tables of contents take the place of reading a layer; default `proved`. A layer without
   * one, or with one that is damaged, is read whole.
   */
  readonly tables?: TableUse | undefined;
}

/** Options of {@linkcode Rootfs.stat}. */
export interface StatOptions {
  /** Whether a symbolic link at the end of the path is followed; default `true`. */
  readonly follow?: boolean | undefined;
}

/**
 * The merged file tree of some layers: whiteouts are applied, contents are not held. Paths count
 * from the root, and links are followed as after a `chroot`: nothing outside is ever reached.
 */
export interface Rootfs {
  /**
   * Lists every path but the root, directories before what is in them, names in the order of
   * their code units.
   *
   * @returns The entries, made one by one.
   */
  entries(): Generator<RootfsEntry, void, undefined>;
  /**
   * Looks up one path.
   *
   * @param path The path; `/` is the root.
   * @param options Whether a symbolic link at its end is followed.
   * @returns What is there.
   * @throws {NotFoundError} when nothing is, or when links lead in a circle.
   */
  stat(path: string, options?: StatOptions): RootfsEntry;
  /**
   * Opens a file. Where its layer has a table of contents that the tree was made with, or is gzip and
   * has an index, only what belongs to the file is fetched, and proved. Any other layer is read again,
   * and to its end: the stream ends only when the layer is proved. Memory is fixed: of indexes that
   * were used, the tree keeps up to 32 MiB.
   *
   * @param path The path; symbolic links are followed.
   * @param options Where indexes are kept, and a signal, which also ends the stream.
   * @returns The content.
   * @throws {NotFoundError} when there is nothing at the path.
   * @throws {LadingError} (`NOT_A_FILE`) when it is a directory, or a device.
   */
  openFile(path: string, options?: OpenFileOptions): Promise<ByteStream>;
  /**
   * Reads a file into memory.
   *
   * @param path The path; symbolic links are followed.
   * @param options A limit and a signal.
   * @returns The content, proved.
   * @throws {NotFoundError} when there is nothing at the path.
   * @throws {LadingError} (`NOT_A_FILE`) when it is a directory, or a device.
   * @throws {LimitExceededError} when it is larger than the limit.
   */
  readFile(path: string, options?: ReadFileOptions): Promise<Bytes>;
}

/**
 * Reads layers through once, without keeping contents, and merges their file trees as they would
 * come to lie on a disk (OCI image-spec, layer.md §applying changesets).
 *
 * - A whiteout deletes what lower layers have, wherever it stands in its layer; what its own layer
 *   adds stays.
 * - Anything but a directory replaces a directory with all that is in it.
 * - A symbolic link among the parents of an entry is followed inside of the root, as umoci and
 *   containerd do; a directory replaces a symbolic link at the end of a path.
 * - A hard link to a file of a lower layer is another name of it.
 * - An entry below something that is no directory, a hard link to nothing and names that lead out
 *   of the root are refused, and with them the image.
 * - Metadata of AUFS (`.wh..wh.`) is left out; markers of overlayfs are files like any other.
 *
 * @param layers The layers, base first.
 * @param options A signal and a limit.
 * @returns The tree. Memory grows with the number of its paths, not with contents.
 * @throws {UnsafePathError} when a name leads out of the root, or an entry cannot be applied.
 * @throws {LimitExceededError} when there are more paths than `maxEntries`, the target of a link is
 * longer than 4,096 bytes, or entries with more than 1 KiB of names, owners and attributes have 32 MiB
 * beyond that.
 * @throws {InvalidTarError} when a layer is no tar archive.
 * @throws {DigestMismatchError} when a layer is not what its descriptor and its diffID say.
 */
export async function loadRootfs(
  layers: readonly Layer[],
  options: LoadRootfsOptions = {},
): Promise<Rootfs> {
  const { tables = "none", maxEntries = MAX_TREE_ENTRIES, layerIndexes, signal } = options;
  const kept = new DecodedIndexes();
  if (tables === "none") {
    const tree = await mergeLayers(layers, options);
    return new MergedRootfs(tree, layers, layers.map((layer) => layerReader(layer, kept)), false);
  }
  const tree = new FileTree<FileMeta>(maxEntries);
  const readers: FileReader[] = [];
  let hasTables = false;
  for (const [number, layer] of layers.entries()) {
    // An index was made of the archive itself, and asks nobody; one of zstd has no places to begin at.
    const index = layerIndexes && await kept.of(layer, layerIndexes);
    const table = index?.checkpoints === undefined
      ? await usableTable(layer, tables, { signal })
      : undefined;
    if (table === undefined) {
      await mergeLayer([tree], layer, number, options);
      readers.push(layerReader(layer, kept));
      continue;
    }
    tree.nextLayer();
    applyTable(tree, table, number);
    readers.push(tableReader(layer, table));
    hasTables = true;
  }
  return new MergedRootfs(tree, layers, readers, hasTables);
}

/** Opens the content of a file of one layer. */
type FileReader = (meta: FileMeta, options: OpenFileOptions) => ByteStream | Promise<ByteStream>;

function layerReader(layer: Layer, kept: DecodedIndexes): FileReader {
  return async (meta, { layerIndexes, signal }) => {
    const index = layerIndexes && await kept.of(layer, layerIndexes);
    const part = index && openByIndex(layer, index.checkpoints, meta, { signal });
    if (part !== undefined) return part;
    const entries = index === undefined && layerIndexes !== undefined
      ? recordedEntries(layer, layerIndexes, { signal })
      : entryFeed(layer, { signal });
    return await openEntry(layer, entries, meta.ordinal, { signal });
  };
}

function tableReader(layer: Layer, { entries }: LayerTable): FileReader {
  return ({ ordinal }, options) => {
    const entry = entries[ordinal];
    return entry === undefined ? streamOf(new Uint8Array()) : openTableEntry(layer, entry, options);
  };
}

/** Applies the layers one after another to an empty tree. */
export async function mergeLayers(
  layers: readonly Layer[],
  { maxEntries = MAX_TREE_ENTRIES, layerIndexes, threads, signal }: RootfsOptions,
): Promise<FileTree<FileMeta>> {
  const tree = new FileTree<FileMeta>(maxEntries);
  let number = 0;
  for await (const entries of entriesOfEach(layers, { layerIndexes, threads, signal })) {
    await applyEntries([tree], entries, number++);
  }
  return tree;
}

/** Reads one layer, and applies it to trees that have the layers below it. */
export async function mergeLayer(
  trees: readonly FileTree<FileMeta>[],
  layer: Layer,
  number: number,
  { layerIndexes, threads, signal }: RootfsOptions,
): Promise<void> {
  await applyEntries(trees, treeEntries(layer, { layerIndexes, threads, signal }), number);
}

async function applyEntries(
  trees: readonly FileTree<FileMeta>[],
  entries: EntryFeed<TreeEntry>,
  number: number,
): Promise<void> {
  for (const tree of trees) tree.nextLayer();
  let ordinal = 0;
  await eachEntry(entries, (entry) => {
    for (const tree of trees) applyEntry(tree, entry, number, ordinal);
    ordinal++;
  });
}

/** A merged tree, and the layers that have its contents. */
export interface TreeParts {
  readonly tree: FileTree<FileMeta>;
  readonly layers: readonly Layer[];
}

/**
 * Gives what a merged tree is made of.
 *
 * @throws {TypeError} when it was not made by {@linkcode loadRootfs}.
 */
export function treeOf(rootfs: Rootfs): TreeParts {
  const parts = MergedRootfs.partsOf(rootfs);
  if (parts === undefined) {
    throw new TypeError("Cannot take the file tree apart: loadRootfs() has not made it");
  }
  if (!parts.hasTables) return parts;
  throw new TypeError(
    "Cannot take the file tree apart: it was made with tables of contents; load it without them",
  );
}

class MergedRootfs implements Rootfs {
  static partsOf(rootfs: object): TreeParts & { readonly hasTables: boolean } | undefined {
    if (!(#tree in rootfs)) return undefined;
    return { tree: rootfs.#tree, layers: rootfs.#layers, hasTables: rootfs.#hasTables };
  }

  readonly #tree: FileTree<FileMeta>;
  readonly #layers: readonly Layer[];
  readonly #readers: readonly FileReader[];
  readonly #hasTables: boolean;

  constructor(
    tree: FileTree<FileMeta>,
    layers: readonly Layer[],
    readers: readonly FileReader[],
    hasTables: boolean,
  ) {
    this.#tree = tree;
    this.#layers = layers;
    this.#readers = readers;
    this.#hasTables = hasTables;
  }

  *entries(): Generator<RootfsEntry, void, undefined> {
    for (const { path, node } of this.#tree.entries()) yield entryOf(path, node);
  }

  stat(path: string, { follow = true }: StatOptions = {}): RootfsEntry {
    const node = this.#tree.lookup(path, follow);
    if (node === undefined) throw noSuchFile(path);
    return entryOf(path.split("/").filter((name) => name !== "" && name !== ".").join("/"), node);
  }

  async openFile(path: string, options: OpenFileOptions = {}): Promise<ByteStream> {
    options.signal?.throwIfAborted();
    const node = this.#tree.lookup(path, true);
    if (node === undefined) throw noSuchFile(path);
    const { meta } = node;
    if (node.kind === "directory" || meta?.type !== "file") {
      const type = meta?.type ?? "directory";
      throw new LadingError(
        "NOT_A_FILE",
        `Cannot read ${JSON.stringify(path)}: it is a ${type}, not a file`,
      );
    }
    const open = this.#readers[meta.layer];
    if (meta.size === 0 || open === undefined) return streamOf(new Uint8Array());
    return await open(meta, options);
  }

  async readFile(path: string, options: ReadFileOptions = {}): Promise<Bytes> {
    const { maxBytes = MAX_FILE_BYTES, layerIndexes, signal } = options;
    const stream = await this.openFile(path, { layerIndexes, signal });
    return await readAll(stream, { maxBytes, what: JSON.stringify(path), signal });
  }
}
