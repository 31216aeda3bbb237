import type { Bytes } from "../model/bytes.ts";
import { LadingError, type LadingErrorOptions } from "../model/errors.ts";
import type { RandomAccess } from "./random_access.ts";

/** Why a file system refused. */
export type FileSystemReason =
  | "not-found"
  | "exists"
  | "not-empty"
  | "not-directory"
  | "is-directory"
  | "not-file"
  | "symlink"
  | "no-space"
  | "permission"
  | "read-only"
  | "too-many-open-files"
  | "unsupported"
  | "io";

/** Data of {@linkcode FileSystemError}. */
export interface FileSystemErrorOptions extends LadingErrorOptions {
  /** Why it failed. */
  readonly reason: FileSystemReason;
  /** The path that was worked on. */
  readonly path: string;
}

/**
 * Thrown by every method of a {@linkcode FileSystem}. `reason` is the same on every runtime;
 * `cause` is the error of the host.
 */
export class FileSystemError extends LadingError {
  /** Why it failed, in the same words on every runtime. */
  readonly reason: FileSystemReason;
  /** The path that was worked on. */
  readonly path: string;

  /**
   * Makes an error.
   *
   * @param message What was tried, and why it failed.
   * @param options The same for programs.
   */
  constructor(message: string, options: FileSystemErrorOptions) {
    super("FILE_SYSTEM_ERROR", message, options);
    this.reason = options.reason;
    this.path = options.path;
  }
}

/** What a name in a directory is. `other` is a device, a pipe or a socket. */
export type FileType = "file" | "directory" | "symlink" | "other";

/** What a file system knows about a name. */
export interface FileInfo {
  /** What the name is. */
  readonly type: FileType;
  /** The length in bytes; 0 for anything but files where the host says nothing else. */
  readonly size: number;
  /** When the content was last changed, in milliseconds since 1970. */
  readonly mtimeMs: number;
  /** The permission bits (`0o7777`); a fixed value where the host keeps none. */
  readonly mode: number;
  /** The number of the owner; 0 where the host keeps none. */
  readonly uid: number;
  /** The number of the group; 0 where the host keeps none. */
  readonly gid: number;
  /** Whether something of the type `other` is a named pipe. */
  readonly isPipe?: boolean | undefined;
  /** The same for all names of a file that has several (hard links); absent for others. */
  readonly identity?: string | undefined;
}

/** One name in a directory. */
export interface DirectoryEntry {
  /** The name, without the directory. */
  readonly name: string;
  /** What it is; links are not followed. */
  readonly type: FileType;
}

/** Metadata to be set on a name; what is absent stays as it is. */
export interface FileAttributes {
  /** The permission bits (`0o7777`). */
  readonly mode?: number | undefined;
  /** The number of the owner; needs `gid`. */
  readonly uid?: number | undefined;
  /** The number of the group; needs `uid`. */
  readonly gid?: number | undefined;
  /** The modification time in milliseconds since 1970. */
  readonly mtimeMs?: number | undefined;
}

/** A file that is being written, from its start to its end. */
export interface FileWriter {
  /** Appends all of the bytes; they are not kept after the promise settles. */
  write(chunk: Bytes): Promise<void>;
  /**
   * Appends zeros as a hole, which takes no place on the medium where the file system has holes. Absent
   * where the host has no such call: there zeros are written.
   *
   * @param bytes How many zeros.
   */
  skip?(bytes: number): Promise<void>;
  /** Waits until everything written is on the medium (`fsync`). */
  sync(): Promise<void>;
  /** Frees the file; once closed, closing again does nothing. It does not sync. */
  close(): Promise<void>;
  /**
   * Sets metadata on the open file: its name is not looked up again. Absent where the host has no
   * such call.
   *
   * @param attributes What to set.
   */
  setAttributes?(attributes: FileAttributes): Promise<void>;
}

/**
 * A file that has no name yet, as of `O_TMPFILE` (open(2)). What nobody gives a name to is gone when
 * nobody holds it any more.
 */
export interface UnnamedFile {
  /**
   * Appends a copy of the bytes.
   *
   * @param chunk The bytes.
   */
  write(chunk: Bytes): void;
  /**
   * Gives it its name.
   *
   * @param directory The path of the directory, which must be there.
   * @param name The name in it.
   * @throws {FileSystemError} with the reason `exists` for any existing name, `io` for what is no name
   * of one file, such as `..` or one with a slash, `not-found` or
   * `not-directory` where the directory is none.
   */
  place(directory: string, name: string): void;
}

/**
 * The file access that lading needs: OCI layouts, archives and extraction work on it, so they run
 * on disks (`nodeFileSystem()`), in memory (`memoryFileSystem()`) and in a browser's private file
 * system.
 *
 * Paths are separated by `/`. Every method rejects with {@linkcode FileSystemError} and nothing
 * else. Methods that a host cannot offer reject with the reason `unsupported`; layouts need no
 * links.
 */
export interface FileSystem {
  /**
   * Opens a regular file for reading at any position. Anything else (a directory, a pipe, a
   * device) is refused without waiting on it.
   *
   * @param path The file.
   * @param options `followLinks: false` refuses a symbolic link as the last part of the path with
   * the reason `symlink`.
   * @returns The open file; close it.
   */
  open(path: string, options?: { readonly followLinks?: boolean }): Promise<RandomAccess>;

  /**
   * Creates a file and opens it for writing. The creation is exclusive: any existing name, also a
   * link that leads nowhere, is refused with the reason `exists`.
   *
   * @param path The new file; its directory must be there.
   * @param options `mode` are the permission bits to ask for, before the process's mask, `0o666`
   * by default. `truncate: true` turns it around: a file that is there is emptied and written
   * anew, an absent one is refused with the reason `not-found`, and nothing is created.
   * @returns The open file; close it.
   */
  create(
    path: string,
    options?: { readonly mode?: number; readonly truncate?: boolean },
  ): Promise<FileWriter>;

  /**
   * Creates a file with all of its content: what `create()`, `write()`, `setAttributes()` and
   * `close()` do, in one call. Absent where that takes no less time.
   *
   * @param path The new file, as for `create()`.
   * @param content What it holds; not kept after the promise settles.
   * @param attributes What is set on it; it is open for nobody but its owner before.
   */
  createWhole?(path: string, content: Bytes, attributes: FileAttributes): Promise<void>;

  /**
   * Creates a file without a name. Absent where that, or naming it, takes time: in a file system in
   * memory nothing has to be waited for.
   *
   * @param attributes What is set on it; it is open for nobody but its owner by default.
   * @returns The file.
   */
  createUnnamed?(attributes: FileAttributes): UnnamedFile;

  /**
   * Moves a name, atomically. A file replaces a file. A directory replaces an *empty* directory;
   * one that is not empty is refused with the reason `not-empty` or `exists`: the lock of
   * layouts rests on this.
   *
   * @param from The name that goes away.
   * @param to The name that appears, on the same file system.
   */
  rename(from: string, to: string): Promise<void>;

  /**
   * Removes a file, a link (not what it points at) or an empty directory.
   *
   * @param path The name; an absent one is refused with the reason `not-found`.
   * @param options `recursive: true` removes a directory with everything in it, following no link.
   */
  remove(path: string, options?: { readonly recursive?: boolean }): Promise<void>;

  /**
   * Tells what a name is.
   *
   * @param path The name.
   * @param options `followLinks: false` tells about a link itself.
   * @returns The facts, or `undefined` when there is no such name.
   */
  stat(path: string, options?: { readonly followLinks?: boolean }): Promise<FileInfo | undefined>;

  /**
   * Creates a directory.
   *
   * @param path The directory; an existing name is refused with the reason `exists`.
   * @param options `recursive: true` creates what is missing above it too and accepts a directory
   * that is there; `mode` are the permission bits, before the process's mask, `0o777` by default.
   */
  makeDirectory(
    path: string,
    options?: { readonly recursive?: boolean; readonly mode?: number },
  ): Promise<void>;

  /**
   * Lists a directory, in no particular order, without `.` and `..`.
   *
   * @param path The directory.
   * @returns The names.
   */
  readDirectory(path: string): Promise<DirectoryEntry[]>;

  /**
   * Waits until the names in a directory are on the medium, so that a rename survives a power
   * loss. Does nothing where the host has no such call.
   *
   * @param path The directory.
   */
  syncDirectory(path: string): Promise<void>;

  /**
   * Reads the target of a symbolic link, as it was written.
   *
   * @param path The link.
   * @returns The target.
   */
  readLink(path: string): Promise<string>;

  /**
   * Creates a symbolic link.
   *
   * @param target What the link says; taken as it is.
   * @param path The new link; an existing name is refused with the reason `exists`.
   */
  symlink(target: string, path: string): Promise<void>;

  /**
   * Gives a file a second name (a hard link). A symbolic link is linked itself, not followed.
   *
   * @param existing The file.
   * @param path The new name; an existing one is refused with the reason `exists`.
   */
  link(existing: string, path: string): Promise<void>;

  /**
   * Sets metadata on a name without following a link. What the host does not keep (permission
   * bits of links, anything in a browser) is left out.
   *
   * @param path The name.
   * @param attributes What to set.
   */
  setAttributes(path: string, attributes: FileAttributes): Promise<void>;
}
