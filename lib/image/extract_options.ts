import type { LayerThreads } from "../compress/layer_threads.ts";
import type { CallOptions } from "../model/content.ts";
import type { RootfsEntry } from "./rootfs_entry.ts";

/** Options of `extract()`. */
export interface ExtractOptions extends CallOptions {
  /**
   * Whether files get the owners that the image says, as root can; then set-user-ID and set-group-ID
   * bits stay too. Default `false`: they belong to who runs this, and those bits are taken away.
   */
  readonly owners?: boolean | undefined;
  /**
   * Whose rules names have to be safe by. With `any`, the default, names with a backslash or a drive
   * letter are refused; `posix` takes them as Linux does, and must not be given on Windows.
   */
  readonly system?: "any" | "posix" | undefined;
  /**
   * What may be in the directory: with `refuse`, the default, nothing. With `replace` files and links
   * that are in the way are removed, and directories are shared; what else is there stays. A link is
   * never followed, and one in place of a directory is refused.
   */
  readonly existing?: "refuse" | "replace" | undefined;
  /** The most paths that the tree may have; default 2,000,000. */
  readonly maxEntries?: number | undefined;
  /** Threads to decompress and hash layers in; default none. The result is the same. */
  readonly threads?: LayerThreads | undefined;
}

/** What `extract()` has written. */
export interface ExtractResult {
  /** How many directories there are, without the one that they went to. */
  readonly directories: number;
  /** How many files, each counted once however many names it has. */
  readonly files: number;
  /** How many symbolic links, and names of files beyond their first ones. */
  readonly links: number;
  /** The bytes of the files. */
  readonly bytes: number;
  /** Devices and pipes: they are not made. */
  readonly leftOut: readonly RootfsEntry[];
  /** How many paths have extended attributes: they are not written. */
  readonly withXattrs: number;
}
