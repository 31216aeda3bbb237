import { withSignal } from "../bytes/signal.ts";
import type { Bytes, ByteStream } from "../model/bytes.ts";
import type { CallOptions } from "../model/content.ts";
import { type TarInput, writeTar } from "../tar/writer.ts";
import type { FileNode, FileTree } from "./_file_tree.ts";
import type { Image } from "./image.ts";
import type { FileMeta } from "./_layer_files.ts";
import type { Layer } from "./layer.ts";
import { encodeName, showName } from "./_lossless_name.ts";
import { mergeLayers, type RootfsOptions } from "./rootfs.ts";

/**
 * Writes the merged file tree of an image as one tar archive, which `tar -x` unpacks to the tree
 * that the layers make: types, modes, owners, times, link targets, extended attributes and hard
 * links. Owners are numbers alone: the names in layers are those of the image, not of the host that
 * unpacks it. The same image gives the same bytes, on every runtime.
 *
 * Layers are read twice: first all of them, to know which files survive, then those with such
 * files. Links and devices come first, then the files in the order of the layers, each with its other
 * names behind it, then the directories, inner ones first, so that nothing changes their times any
 * more. The stream ends only when every layer it took content from is proved. Memory grows with the number of paths, never with contents.
 *
 * @param image The image.
 * @param options A signal, which also ends the stream, and a limit.
 * @returns The archive. It errors with what {@linkcode loadRootfs} throws.
 *
 * @example The size of a flattened image
 * ```ts
 * import { iterate } from "../bytes/mod.ts";
 * import { memoryStore } from "@lading/lading/store";
 * import { randomImage } from "@lading/lading/testing";
 * import { exportRootfs, loadImage } from "@lading/lading/image";
 *
 * const store = memoryStore();
 * await (await randomImage("seed")).pushTo(store, "demo:1");
 * const image = await loadImage(store, await store.resolve("demo:1"));
 * let size = 0;
 * for await (const chunk of iterate(exportRootfs(image))) size += chunk.byteLength;
 * console.log(size % 512); // 0
 * ```
 */
export function exportRootfs(image: Image, options: RootfsOptions = {}): ByteStream {
  return withSignal(writeTar(exportEntries(image, options)), options.signal);
}

async function* exportEntries(
  image: Image,
  options: RootfsOptions,
): AsyncGenerator<TarInput, void, undefined> {
  const { signal } = options;
  const layers = await image.layers({ signal });
  const tree = await mergeLayers(layers, options);
  const paths = pathsOf(tree);
  const contents: Map<number, FileNode<FileMeta>>[] = layers.map(() => new Map());
  for (const [node, names] of paths) {
    const { meta } = node;
    if (meta === undefined) continue;
    if (meta.size > 0) contents[meta.layer]?.set(meta.ordinal, node);
    else yield* withLinks(inputOf(node, meta, names[0] ?? ""), names);
  }
  for (const [number, wanted] of contents.entries()) {
    const layer = layers[number];
    if (layer !== undefined && wanted.size > 0) {
      yield* layerInputs(layer, wanted, paths, { signal });
    }
  }
  yield* directoryInputs(tree);
}

/**
 * Directories come last, inner ones first: GNU tar sets the time of a directory when the next entry
 * lies outside of it, and whatever it made in there later would change it.
 */
function* directoryInputs(tree: FileTree<FileMeta>): Generator<TarInput, void, undefined> {
  const directories = [...tree.entries()].filter(({ node }) => node.kind === "directory");
  for (const { path, node } of directories.reverse()) yield directoryInput(path, node);
  if (tree.root.meta !== undefined) yield directoryInput(".", tree.root);
}

/** Lists the paths of everything but directories, in the order of the first ones. */
function pathsOf(tree: FileTree<FileMeta>): Map<FileNode<FileMeta>, string[]> {
  const paths = new Map<FileNode<FileMeta>, string[]>();
  for (const { path, node } of tree.entries()) {
    if (node.kind === "directory") continue;
    const known = paths.get(node);
    if (known === undefined) paths.set(node, [path]);
    else known.push(path);
  }
  return paths;
}

async function* layerInputs(
  layer: Layer,
  wanted: ReadonlyMap<number, FileNode<FileMeta>>,
  paths: ReadonlyMap<FileNode<FileMeta>, readonly string[]>,
  options: CallOptions,
): AsyncGenerator<TarInput, void, undefined> {
  let ordinal = 0;
  for await (const { body } of layer.entries(options)) {
    const node = wanted.get(ordinal++);
    if (node?.meta === undefined) continue;
    const names = paths.get(node) ?? [];
    yield* withLinks({ ...inputOf(node, node.meta, names[0] ?? ""), body }, names);
  }
}

/** The node under its first name, and hard links for the others: they point to what came before. */
function* withLinks(
  input: TarInput,
  [first = "", ...others]: readonly string[],
): Generator<TarInput, void, undefined> {
  yield input;
  const { size: _size, body: _body, linkPath: _path, linkPathBytes: _bytes, ...meta } = input;
  const linkPathBytes = encodeName(first);
  for (const other of others) {
    yield { ...meta, ...nameOf(other), type: "hardlink", linkPathBytes };
  }
}

function nameOf(path: string): { readonly path: string; readonly pathBytes: Bytes } {
  return { path: showName(path), pathBytes: encodeName(path) };
}

function inputOf(node: FileNode<FileMeta>, meta: FileMeta, path: string): TarInput {
  const { type, size, mode, uid, gid, mtimeNs, deviceMajor, deviceMinor, xattrs } = meta;
  return {
    ...nameOf(path),
    type,
    ...(type === "file" ? { size } : {}),
    mode,
    uid,
    gid,
    mtimeNs,
    deviceMajor,
    deviceMinor,
    xattrs,
    ...(node.target === undefined ? {} : { linkPathBytes: encodeName(node.target) }),
  };
}

function directoryInput(path: string, node: FileNode<FileMeta>): TarInput {
  if (node.meta !== undefined) return inputOf(node, node.meta, path);
  return { ...nameOf(path), type: "directory", mode: 0o755 };
}
