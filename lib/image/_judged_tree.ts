import { UnsafePathError } from "../model/errors.ts";
import { MAX_PATH_DEPTH, sanitizePath, type SanitizePathOptions } from "../tar/path.ts";
import type { FileNode, FileTree, TreePath } from "./_file_tree.ts";
import type { FileMeta } from "./_layer_files.ts";

/** A path of a tree, and what it leads to. */
export interface NamedNode {
  readonly path: string;
  readonly node: FileNode<FileMeta>;
}

/** A further name of something that has one. */
export interface LinkedNode extends NamedNode {
  /** Its first name. */
  readonly target: string;
}

/** A tree with names that a file system can have. */
export interface JudgedTree {
  readonly root: FileNode<FileMeta>;
  /** Directories, outer ones first. */
  readonly directories: readonly NamedNode[];
  /** Everything else, under its first name. */
  readonly others: readonly TreePath<FileMeta>[];
  /** Further names. */
  readonly links: readonly LinkedNode[];
  /** How many names have extended attributes. */
  readonly withXattrs: number;
}

/**
 * Judges every name of a tree.
 *
 * @param tree The tree.
 * @param options Whose rules count.
 * @throws {UnsafePathError} when a name leads out of the root, or cannot be one on a file system.
 */
export function judgeTree(tree: FileTree<FileMeta>, options: SanitizePathOptions): JudgedTree {
  const directories: NamedNode[] = [];
  const others: TreePath<FileMeta>[] = [];
  const links: LinkedNode[] = [];
  const firstNames = new Map<FileNode<FileMeta>, string>();
  let withXattrs = 0;
  for (const named of tree.entries()) {
    const { name, node } = named;
    checkText(named, name);
    if (!isPlain(named)) sanitizePath(named.path, options);
    if (node.target !== undefined) checkText(named, node.target);
    if (node.meta !== undefined && node.meta.xattrs.size > 0) withXattrs++;
    if (node.kind === "directory") {
      directories.push({ path: named.path, node });
      continue;
    }
    const target = node.links > 1 ? firstNames.get(node) : undefined;
    if (target !== undefined) {
      links.push({ path: named.path, node, target });
      continue;
    }
    if (node.links > 1) firstNames.set(node, named.path);
    others.push(named);
  }
  return { root: tree.root, directories, others, links, withXattrs };
}

/** Makes the error for a path that must not be written. */
export function refusal(path: string, reason: string): UnsafePathError {
  return new UnsafePathError(`Cannot extract ${JSON.stringify(path)}: ${reason}`, { path, reason });
}

/** A name that no rule has anything against, wherever it stands: without what leads elsewhere. */
const PLAIN_REGEXP = /^(?!\.{1,2}$)[^\0/:\\]+$/;

/** Tells whether a path is as good as that of its directory, which was judged before it. */
function isPlain({ directory, name }: TreePath<FileMeta>): boolean {
  return directory.length + name.length < MAX_PATH_DEPTH && PLAIN_REGEXP.test(name);
}

/** File systems take names as text: bytes that are none would become other ones. */
function checkText(named: NamedNode, text: string): void {
  if (text.isWellFormed()) return;
  throw refusal(named.path, "a name of bytes that are no UTF-8 cannot be written here");
}
