import type { Bytes } from "../model/bytes.ts";
import type { FileNode } from "./_file_tree.ts";
import type { FileMeta } from "./_layer_files.ts";
import { showName } from "./_lossless_name.ts";
import type { RootfsEntry } from "./rootfs_entry.ts";

const NO_XATTRS: ReadonlyMap<string, Bytes> = new Map();

/** Shows what is known about a node. */
export function entryOf(path: string, node: FileNode<FileMeta>): RootfsEntry {
  const { meta, target, links } = node;
  return {
    path: showName(path),
    type: meta?.type ?? "directory",
    size: meta?.size ?? 0,
    mode: meta?.mode ?? 0o755,
    uid: meta?.uid ?? 0,
    gid: meta?.gid ?? 0,
    userName: meta?.userName ?? "",
    groupName: meta?.groupName ?? "",
    mtime: meta?.mtime ?? 0,
    ...(target === undefined ? {} : { linkPath: showName(target) }),
    deviceMajor: meta?.deviceMajor ?? 0,
    deviceMinor: meta?.deviceMinor ?? 0,
    xattrs: meta?.xattrs ?? NO_XATTRS,
    links,
    layer: meta?.layer ?? -1,
  };
}
