import type { Bytes } from "../model/bytes.ts";
import type { TarInput } from "../tar/writer.ts";
import type { FileNode, FileTree } from "./_file_tree.ts";
import type { NamedNode } from "./_judged_tree.ts";
import type { FileMeta } from "./_layer_files.ts";
import type { Layer, LayerReadOptions } from "./layer.ts";
import { encodeName, showName } from "./_lossless_name.ts";

/** The longest file that is read before its entry is written: a stream for each takes more time. */
const SHORT_BYTES = 64 * 1024;

/**
 * What is no directory, with the paths that lead to it, sorted by where it has content. There may be
 * millions: a node with one path takes one small object.
 */
export class NamedNodes {
  /** Links, devices and empty files, in their order. */
  readonly empty: NamedNode[] = [];
  /** Files with content, by the numbers of their layers. */
  readonly contents: NamedNode[][] = [];
  /** Paths behind the first one. */
  readonly #others = new Map<FileNode<FileMeta>, string[]>();

  /** Notes that a path leads to a node. */
  add(node: FileNode<FileMeta>, path: string): void {
    if (node.links > 1) {
      const others = this.#others.get(node);
      if (others !== undefined) return void others.push(path);
      this.#others.set(node, []);
    }
    if (node.meta === undefined) return;
    const { layer, size } = node.meta;
    if (size === 0) this.empty.push({ path, node });
    else (this.contents[layer] ??= []).push({ path, node });
  }

  /** Gives the paths behind the first one. */
  othersOf(node: FileNode<FileMeta>): readonly string[] {
    return this.#others.get(node) ?? NO_PATHS;
  }
}

const NO_PATHS: readonly string[] = [];

/** Lists the paths of everything but directories, in the order of the first ones. */
export function namedNodes(tree: FileTree<FileMeta>): NamedNodes {
  const nodes = new NamedNodes();
  for (const { path, node } of tree.entries()) if (node.kind !== "directory") nodes.add(node, path);
  return nodes;
}

/** Puts files of one layer where the numbers of their entries say. */
function byOrdinal(files: readonly NamedNode[]): readonly (NamedNode | undefined)[] {
  let count = 0;
  for (const { node } of files) count = Math.max(count, (node.meta?.ordinal ?? 0) + 1);
  const sorted = new Array<NamedNode | undefined>(count);
  for (const named of files) sorted[named.node.meta?.ordinal ?? 0] = named;
  return sorted;
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
  for (const named of nodes.empty) {
    const input = inputOf(named);
    yield input;
    yield* linkInputs(input, nodes.othersOf(named.node));
  }
  for (const [number, layer] of layers.entries()) {
    const files = nodes.contents[number];
    if (files === undefined) continue;
    const wanted = byOrdinal(files);
    let ordinal = 0;
    for await (const entry of layer.entries(options)) {
      const named = wanted[ordinal++];
      if (named === undefined) continue;
      const body = entry.size <= SHORT_BYTES ? await entry.bytes() : entry.body;
      const input = inputOf(named, body);
      yield input;
      const others = nodes.othersOf(named.node);
      if (others.length > 0) yield* linkInputs(input, others);
    }
  }
}

/** Makes the entry of a directory. */
export function directoryInput(path: string, node: FileNode<FileMeta>): TarInput {
  if (node.meta !== undefined) return inputOf({ path, node });
  return { ...nameOf(path), type: "directory", mode: 0o755 };
}

/** Makes another name for what an earlier entry, or a lower layer, has. */
export function linkInput(node: FileNode<FileMeta>, path: string, target: string): TarInput {
  const { size: _size, linkPath: _path, linkPathBytes: _bytes, ...rest } = inputOf({ path, node });
  return { ...rest, type: "hardlink", linkPathBytes: encodeName(target) };
}

/** Writes a name as bytes, and as text to be shown. */
export function nameOf(path: string): { readonly path: string; readonly pathBytes: Bytes } {
  return { path: showName(path), pathBytes: encodeName(path) };
}

/** Hard links to what came before, under other names. */
function* linkInputs(
  input: TarInput,
  others: readonly string[],
): Generator<TarInput, void, undefined> {
  const { size: _size, body: _body, linkPath: _path, linkPathBytes: _bytes, ...meta } = input;
  for (const other of others) {
    yield { ...meta, ...nameOf(other), type: "hardlink", linkPathBytes: input.pathBytes };
  }
}

function inputOf({ path, node }: NamedNode, body?: TarInput["body"]): TarInput {
  const { meta, target } = node;
  if (meta === undefined) return nameOf(path);
  const { type, size, mode, uid, gid, mtimeNs, deviceMajor, deviceMinor, xattrs, windows } = meta;
  return {
    path: showName(path),
    pathBytes: encodeName(path),
    type,
    size: type === "file" ? size : undefined,
    mode,
    uid,
    gid,
    mtimeNs,
    deviceMajor,
    deviceMinor,
    xattrs,
    pax: windows,
    linkPathBytes: target === undefined ? undefined : encodeName(target),
    body,
  };
}
