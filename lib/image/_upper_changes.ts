import { UnsafePathError } from "../model/errors.ts";
import type { FileNode, FileTree } from "./_file_tree.ts";
import type { FileMeta } from "./_layer_files.ts";
import { NamedNodes } from "./_tree_inputs.ts";

/** What upper layers have made of a lower tree, as one layer says it. */
export interface UpperChanges {
  /** What was there below, and is no more; nothing below such a path is listed. */
  readonly deleted: readonly string[];
  /** Directories that are new or have other metadata, parents first; `""` is the root. */
  readonly directories: readonly { readonly path: string; readonly node: FileNode<FileMeta> }[];
  /** New names of what is there below. */
  readonly links: readonly {
    readonly path: string;
    readonly node: FileNode<FileMeta>;
    readonly target: string;
  }[];
  /** Everything else that is new. */
  readonly nodes: NamedNodes;
}

type Node = FileNode<FileMeta>;

/** Whiteouts have this prefix: a name that has it itself cannot be deleted by one. */
const PREFIX = ".wh.";

/**
 * Compares a tree with the one of its lower layers. Both have been made from the same layers in the
 * same order, so that an entry is the same where layer and number are.
 */
export function upperChanges(lower: FileTree<FileMeta>, full: FileTree<FileMeta>): UpperChanges {
  const deleted: string[] = [];
  const directories: { path: string; node: Node }[] = [];
  const changed: { path: string; node: Node }[] = [];
  const kept = new Map<Node, string>();
  const stack: { path: string; below: Node | undefined; node: Node }[] = [
    { path: "", below: lower.root, node: full.root },
  ];
  for (let next = stack.pop(); next !== undefined; next = stack.pop()) {
    const { path, below, node } = next;
    const isSame = below?.kind === node.kind && isSameEntry(below, node);
    if (node.kind !== "directory") {
      if (!isSame) changed.push({ path, node });
      else if (!kept.has(node)) kept.set(node, path);
      continue;
    }
    if (!isSame && isWritten(path, node)) directories.push({ path, node });
    const before = below?.kind === "directory" ? below.children : undefined;
    for (const name of [...before?.keys() ?? []].sort()) {
      if (!node.children.has(name)) deleted.push(deletable(join(path, name), name));
    }
    for (const [name, child] of [...node.children].sort(descending)) {
      stack.push({
        path: join(path, name),
        below: before?.get(name)?.node,
        node: child.node,
      });
    }
  }
  const links: { path: string; node: Node; target: string }[] = [];
  const nodes = new NamedNodes();
  for (const { path, node } of changed) {
    const target = kept.get(node);
    if (target === undefined) nodes.add(node, path);
    else links.push({ path, node, target });
  }
  return { deleted, directories, links, nodes };
}

/** A directory that no layer mentions has no entry: it is the same wherever it is implied. */
function isSameEntry({ meta: below }: Node, { meta }: Node): boolean {
  return below?.layer === meta?.layer && below?.ordinal === meta?.ordinal;
}

/** The entry of the root is written only when a layer has one. */
function isWritten(path: string, { meta }: Node): boolean {
  if (path === "") return meta !== undefined;
  // It would be read as a whiteout; what is in it implies it.
  return !path.slice(path.lastIndexOf("/") + 1).startsWith(PREFIX);
}

function deletable(path: string, name: string): string {
  if (!name.startsWith(PREFIX)) return path;
  const reason = "no whiteout can delete a name that looks like one";
  throw new UnsafePathError(`Cannot squash ${JSON.stringify(path)}: ${reason}`, { path, reason });
}

function join(directory: string, name: string): string {
  return directory === "" ? name : `${directory}/${name}`;
}

function descending([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number {
  return a < b ? 1 : a > b ? -1 : 0;
}
