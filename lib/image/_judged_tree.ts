import { UnsafePathError } from "../model/errors.ts";
import { sanitizePath, type SanitizePathOptions } from "../tar/path.ts";
import type { FileNode, FileTree } from "./_file_tree.ts";
import type { FileMeta } from "./_layer_files.ts";

/** A path of a tree, and what it leads to. */
export interface NamedNode {
  readonly path: string;
  readonly node: FileNode<FileMeta>;
}

/** A tree with names that a file system can have. */
export interface JudgedTree {
  readonly root: FileNode<FileMeta>;
  /** Directories, outer ones first. */
  readonly directories: readonly NamedNode[];
  /** Everything else, under every name that it has. */
  readonly others: readonly NamedNode[];
}

/**
 * Judges every name of a tree.
 *
 * @param tree The tree.
 * @param options Whose rules count.
 * @throws {UnsafePathError} when a name leads out of the root, or cannot be one on a file system.
 */
export function judgeTree(
  tree: FileTree<FileMeta>,
  { system }: SanitizePathOptions,
): JudgedTree {
  const directories: NamedNode[] = [];
  const others: NamedNode[] = [];
  for (const named of tree.entries()) {
    const { path, node } = named;
    checkText(path, path);
    sanitizePath(path, { system });
    if (node.target !== undefined) checkText(path, node.target);
    (node.kind === "directory" ? directories : others).push(named);
  }
  return { root: tree.root, directories, others };
}

/** Makes the error for a path that must not be written. */
export function refusal(path: string, reason: string): UnsafePathError {
  return new UnsafePathError(`Cannot extract ${JSON.stringify(path)}: ${reason}`, { path, reason });
}

/** File systems take names as text: bytes that are none would become other ones. */
function checkText(path: string, text: string): void {
  if (text.isWellFormed()) return;
  throw refusal(path, "a name of bytes that are no UTF-8 cannot be written here");
}
