import type { Bytes } from "../model/bytes.ts";

/** What an entry of a merged file tree can be. A hard link shows as the file it is a name of. */
export type RootfsEntryType =
  | "file"
  | "directory"
  | "symlink"
  | "character-device"
  | "block-device"
  | "fifo";

/** One path of a merged file tree. */
export interface RootfsEntry {
  /** The path from the root, without a slash at its begin or end. */
  readonly path: string;
  /** What it is. */
  readonly type: RootfsEntryType;
  /** The bytes of a file; 0 for anything else. */
  readonly size: number;
  /** The permission bits, with setuid, setgid and sticky. */
  readonly mode: number;
  /** The user ID of the owner. */
  readonly uid: number;
  /** The group ID. */
  readonly gid: number;
  /** The name of the owner, where the layer has one. */
  readonly userName: string;
  /** The name of the group, where the layer has one. */
  readonly groupName: string;
  /** The time of the last change, in seconds since 1970. */
  readonly mtime: number;
  /** Where a symbolic link points to, as it is written. */
  readonly linkPath?: string | undefined;
  /** The major number of a device. */
  readonly deviceMajor: number;
  /** The minor number of a device. */
  readonly deviceMinor: number;
  /** The extended attributes. */
  readonly xattrs: ReadonlyMap<string, Bytes>;
  /** How many paths of the tree lead to it. */
  readonly links: number;
  /** The layer that it is from, the base is 0; -1 for a directory that no layer mentions. */
  readonly layer: number;
}
