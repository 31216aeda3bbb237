import type { Bytes } from "../model/bytes.ts";

/** What a build needs to know of a file. */
export interface BuildFileInfo {
  /** What it is; `other` is a pipe, a socket or a device. */
  readonly type: "file" | "directory" | "symlink" | "other";
  /** The length in bytes. */
  readonly size: number;
  /** When its content was last changed, in milliseconds since 1970. */
  readonly mtimeMs: number;
  /** The permission bits. */
  readonly mode: number;
  /** The number of the owner. */
  readonly uid: number;
  /** The number of the group. */
  readonly gid: number;
  /** Whether what is `other` is a named pipe; builds leave sockets and devices out. */
  readonly isPipe?: boolean | undefined;
  /**
   * What a file with several names (hard links) has in common with no other file; without it each
   * name is sent as a file of its own.
   */
  readonly identity?: string | undefined;
}

/** A file that is open for reading. */
export interface BuildFile {
  /** The length in bytes. */
  readonly size: number;
  /** Reads up to `length` bytes from `position` on; fewer only at the end. */
  read(position: number, length: number): Promise<Bytes>;
  /** Frees the file. */
  close(): Promise<void>;
}

/** The files that builds read; a `FileSystem` of `./store` is one. Paths have slashes. */
export interface BuildFiles {
  /** Opens a file; `followLinks: false` refuses a link. */
  open(path: string, options?: { readonly followLinks?: boolean }): Promise<BuildFile>;
  /** Tells what a name is, by default of what a link leads to; `undefined` when it is not there. */
  stat(
    path: string,
    options?: { readonly followLinks?: boolean },
  ): Promise<BuildFileInfo | undefined>;
  /** Lists a directory. */
  readDirectory(path: string): Promise<readonly { readonly name: string }[]>;
  /** Reads where a link leads to. */
  readLink(path: string): Promise<string>;
}
