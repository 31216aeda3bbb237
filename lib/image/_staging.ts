import type { FedEntry } from "../tar/entry_feed.ts";
import type { TreePath } from "./_file_tree.ts";
import type { FileMeta } from "./_layer_files.ts";

/**
 * Contents that have no place yet: layers are read once, and what name a file has in the end, if
 * any, is known when the last one was read.
 */
export interface Staging {
  /** Whether giving a name takes it from what had it. */
  readonly replacesNames: boolean;
  /** Whether there is something to be swept. */
  readonly hasLost: boolean;
  /** Takes in the content of a file. */
  write(meta: FileMeta, entry: FedEntry): void | Promise<void>;
  /** Notes that a content is not wanted any more, if it is here. */
  lose(meta: FileMeta): void;
  /** Removes what is not wanted any more: a layer with many versions of a file fills no disk. */
  sweep(): Promise<void>;
  /** Tells whether the content of a file is here. */
  has(meta: FileMeta): boolean;
  /** Gives a content that is here its name. */
  place(meta: FileMeta, path: TreePath<FileMeta>): Promise<void> | void;
  /** Creates a file without content. */
  placeEmpty(meta: FileMeta, path: TreePath<FileMeta>): Promise<void> | void;
  /** Removes what has got no name. */
  remove(): Promise<void>;
}
