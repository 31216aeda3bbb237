import type { FileNode } from "./_file_tree.ts";
import type { FileMeta } from "./_layer_files.ts";
import type { FileAspect } from "./file_aspect.ts";
import { entryOf } from "./_rootfs_entry_of.ts";

/** What counts when nodes are compared. */
export interface CompareOptions {
  /** Whether both are files with the same content. */
  readonly isContentSame: boolean;
  /** Whether times count. */
  readonly timestamps: boolean;
}

/** Tells what is different in two nodes. */
export function compareNodes(
  from: FileNode<FileMeta>,
  to: FileNode<FileMeta>,
  { isContentSame, timestamps }: CompareOptions,
): FileAspect[] {
  const [a, b] = [entryOf("", from), entryOf("", to)];
  const isSame: Readonly<Record<FileAspect, boolean>> = {
    type: a.type === b.type,
    content: a.type !== "file" || b.type !== "file" || isContentSame,
    link: a.type !== "symlink" || b.type !== "symlink" || from.target === to.target,
    device: a.type !== b.type ||
      a.deviceMajor === b.deviceMajor && a.deviceMinor === b.deviceMinor,
    // Nothing looks at the permissions of a link.
    mode: a.type === "symlink" && b.type === "symlink" || a.mode === b.mode,
    owner: a.uid === b.uid && a.gid === b.gid,
    xattrs: areSame(a.xattrs, b.xattrs),
    mtime: !timestamps || (from.meta?.mtimeNs ?? 0n) === (to.meta?.mtimeNs ?? 0n),
  };
  return (Object.keys(isSame) as FileAspect[]).filter((aspect) => !isSame[aspect]);
}

function areSame(
  a: ReadonlyMap<string, Uint8Array>,
  b: ReadonlyMap<string, Uint8Array>,
): boolean {
  return a.size === b.size && [...a].every(([key, value]) => {
    const other = b.get(key);
    return other?.length === value.length && value.every((byte, i) => byte === other[i]);
  });
}
