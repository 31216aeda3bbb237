import type { Bytes } from "../model/bytes.ts";
import type { TarInput } from "../tar/writer.ts";
import type { FileNode, FileTree } from "./_file_tree.ts";
import type { FileMeta } from "./_layer_files.ts";
import type { Layer, LayerReadOptions } from "./layer.ts";
import { encodeName, showName } from "./_lossless_name.ts";

/** What is no directory, with the paths that lead to it. */
export type NamedNodes = Map<FileNode<FileMeta>, string[]>;

/** Lists the paths of everything but directories, in the order of the first ones. */
export function namedNodes(tree: FileTree<FileMeta>): NamedNodes {
  const nodes: NamedNodes = new Map();
  for (const { path, node } of tree.entries()) {
    if (node.kind !== "directory") addName(nodes, node, path);
  }
  return nodes;
}

/** Notes that a path leads to a node. */
export function addName(nodes: NamedNodes, node: FileNode<FileMeta>, path: string): void {
  const known = nodes.get(node);
  if (known === undefined) nodes.set(node, [path]);
  else known.push(path);
}

/** Which nodes have content, and where it is. */
interface NodePlan {
  /** Links, devices and empty files. */
  readonly empty: readonly FileNode<FileMeta>[];
  /** Files by the numbers of their entries, for each layer. */
  readonly contents: readonly ReadonlyMap<number, FileNode<FileMeta>>[];
}

/** Tells nodes whose content has to be read from others. */
function planNodes(layers: readonly Layer[], nodes: NamedNodes): NodePlan {
  const empty: FileNode<FileMeta>[] = [];
  const contents = layers.map(() => new Map<number, FileNode<FileMeta>>());
  for (const node of nodes.keys()) {
    const { meta } = node;
    if (meta === undefined) continue;
    if (meta.size > 0) contents[meta.layer]?.set(meta.ordinal, node);
    else empty.push(node);
  }
  return { empty, contents };
}

/**
 * Makes the entries of nodes: links, devices and empty files first, then files in the order of the
 * layers, each with its other names behind it. Only layers with such files are read.
 */
export async function* nodeInputs(
  layers: readonly Layer[],
  nodes: NamedNodes,
  options: LayerReadOptions,
): AsyncGenerator<TarInput, void, undefined> {
  const { empty, contents } = planNodes(layers, nodes);
  for (const node of empty) {
    const names = nodes.get(node) ?? [];
    if (node.meta !== undefined) yield* withLinks(inputOf(node, node.meta, names[0] ?? ""), names);
  }
  for (const [number, wanted] of contents.entries()) {
    const layer = layers[number];
    if (layer !== undefined && wanted.size > 0) yield* layerInputs(layer, wanted, nodes, options);
  }
}

/** Makes the entry of a directory. */
export function directoryInput(path: string, node: FileNode<FileMeta>): TarInput {
  if (node.meta !== undefined) return inputOf(node, node.meta, path);
  return { ...nameOf(path), type: "directory", mode: 0o755 };
}

/** Makes another name for what an earlier entry, or a lower layer, has. */
export function linkInput(node: FileNode<FileMeta>, path: string, target: string): TarInput {
  const { meta } = node;
  const own: TarInput = meta === undefined ? nameOf(path) : inputOf(node, meta, path);
  const { size: _size, linkPath: _path, linkPathBytes: _bytes, ...rest } = own;
  return { ...rest, type: "hardlink", linkPathBytes: encodeName(target) };
}

/** Writes a name as bytes, and as text to be shown. */
export function nameOf(path: string): { readonly path: string; readonly pathBytes: Bytes } {
  return { path: showName(path), pathBytes: encodeName(path) };
}

async function* layerInputs(
  layer: Layer,
  wanted: ReadonlyMap<number, FileNode<FileMeta>>,
  nodes: NamedNodes,
  options: LayerReadOptions,
): AsyncGenerator<TarInput, void, undefined> {
  let ordinal = 0;
  for await (const { body } of layer.entries(options)) {
    const node = wanted.get(ordinal++);
    if (node?.meta === undefined) continue;
    const names = nodes.get(node) ?? [];
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

function inputOf(node: FileNode<FileMeta>, meta: FileMeta, path: string): TarInput {
  const { type, size, mode, uid, gid, mtimeNs, deviceMajor, deviceMinor, xattrs, windows } = meta;
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
    pax: windows,
    ...(node.target === undefined ? {} : { linkPathBytes: encodeName(node.target) }),
  };
}
