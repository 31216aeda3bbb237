import type * as NodeFileSystemModule from "node:fs/promises";
import type { Stats } from "node:fs";
import type { FileHandle } from "node:fs/promises";
import type { Bytes } from "../model/bytes.ts";
import {
  type DirectoryEntry,
  type FileAttributes,
  type FileInfo,
  type FileSystem,
  FileSystemError,
  type FileType,
  type FileWriter,
} from "../store/file_system.ts";
import type { RandomAccess } from "../store/random_access.ts";
import { codeOf, diskError, refused } from "./_disk_error.ts";
import { diskTime } from "./_disk_time.ts";
import { makeDirectories } from "./_make_directories.ts";

type NodeFS = typeof NodeFileSystemModule;

/** The disk by `node:fs/promises`; apart from the function that gives it, whose types need no Node. */
export class NodeFileSystem implements FileSystem {
  readonly #fs: NodeFS;

  constructor(fs: NodeFS) {
    this.#fs = fs;
  }

  open(path: string, options: { readonly followLinks?: boolean } = {}): Promise<RandomAccess> {
    const follow = options.followLinks ?? true;
    const { O_RDONLY, O_NOFOLLOW = 0, O_NONBLOCK = 0 } = this.#fs.constants;
    return attempt("read", path, async () => {
      // Windows has no O_NOFOLLOW; elsewhere it decides, without a gap between look and leap.
      const isLink = !follow && (await this.#fs.lstat(path)).isSymbolicLink();
      if (isLink) throw refused("read", path, "symlink", "it is a symbolic link");
      // O_NONBLOCK keeps the open of a pipe that nobody writes to from waiting for ever.
      const flags = O_RDONLY | O_NONBLOCK | (follow ? 0 : O_NOFOLLOW);
      const handle = await this.#fs.open(path, flags);
      const stats = await handle.stat().catch((error) => closeAndThrow(handle, error));
      if (stats.isFile()) return new OpenFile(path, handle, stats.size);
      const reason = stats.isDirectory() ? "is-directory" : "not-file";
      return closeAndThrow(handle, refused("read", path, reason, "it is no regular file"));
    });
  }

  create(
    path: string,
    options: { readonly mode?: number; readonly truncate?: boolean } = {},
  ): Promise<FileWriter> {
    const { mode = 0o666, truncate = false } = options;
    const { O_WRONLY, O_TRUNC, O_CREAT, O_EXCL, O_NOFOLLOW = 0 } = this.#fs.constants;
    const flags = O_WRONLY | O_NOFOLLOW | (truncate ? O_TRUNC : O_CREAT | O_EXCL);
    return attempt(truncate ? "write" : "create", path, async () => {
      return new NewFile(path, await this.#fs.open(path, flags, mode));
    });
  }

  rename(from: string, to: string): Promise<void> {
    return attempt(`move "${from}" to`, to, () => this.#fs.rename(from, to));
  }

  remove(path: string, options: { readonly recursive?: boolean } = {}): Promise<void> {
    return attempt("remove", path, async () => {
      const stats = await this.#fs.lstat(path);
      if (!stats.isDirectory()) await this.#fs.unlink(path);
      else if (options.recursive === true) await this.#fs.rm(path, { recursive: true });
      else await this.#fs.rmdir(path);
    });
  }

  async stat(
    path: string,
    options: { readonly followLinks?: boolean } = {},
  ): Promise<FileInfo | undefined> {
    const look = options.followLinks ?? true ? this.#fs.stat : this.#fs.lstat;
    try {
      return infoOf(await attempt("look at", path, () => look(path)));
    } catch (error) {
      if (error instanceof FileSystemError && error.reason === "not-found") return undefined;
      throw error;
    }
  }

  makeDirectory(
    path: string,
    options: { readonly recursive?: boolean; readonly mode?: number } = {},
  ): Promise<void> {
    const { recursive = false, mode = 0o777 } = options;
    return attempt("create", path, async () => {
      if (recursive) await makeDirectories(this.#fs, path, mode);
      else await this.#fs.mkdir(path, { mode });
    });
  }

  readDirectory(path: string): Promise<DirectoryEntry[]> {
    return attempt("list", path, async () => {
      const entries = await this.#fs.readdir(path, { withFileTypes: true });
      return entries.map((entry) => ({ name: entry.name, type: typeOf(entry) }));
    });
  }

  syncDirectory(path: string): Promise<void> {
    return attempt("sync", path, async () => {
      let handle: FileHandle;
      try {
        handle = await this.#fs.open(path, "r");
      } catch (error) {
        // Windows opens no directories, and writes names through by itself.
        if (codeOf(error) === "EISDIR" || codeOf(error) === "EPERM") return;
        throw error;
      }
      try {
        await handle.sync();
      } catch (error) {
        // Some network and user-space file systems have no fsync for directories.
        if (codeOf(error) !== "EINVAL" && codeOf(error) !== "ENOTSUP") throw error;
      } finally {
        await handle.close();
      }
    });
  }

  readLink(path: string): Promise<string> {
    return attempt("read the link", path, () => this.#fs.readlink(path));
  }

  symlink(target: string, path: string): Promise<void> {
    return attempt("create", path, () => this.#fs.symlink(target, path));
  }

  link(existing: string, path: string): Promise<void> {
    return attempt(`link "${existing}" as`, path, () => this.#fs.link(existing, path));
  }

  setAttributes(path: string, attributes: FileAttributes): Promise<void> {
    const { mode, uid, gid, mtimeMs } = attributes;
    return attempt("change", path, async () => {
      // The owner first: changing it takes the set-user-ID bit away.
      if (uid !== undefined && gid !== undefined) await this.#fs.lchown(path, uid, gid);
      if (mode !== undefined) await this.#setMode(path, mode);
      if (mtimeMs === undefined) return;
      await this.#fs.lutimes(path, diskTime(mtimeMs), diskTime(mtimeMs));
    });
  }

  /** Sets permissions on the open file: there is no call that does not follow links. */
  async #setMode(path: string, mode: number): Promise<void> {
    if ((await this.#fs.lstat(path)).isSymbolicLink()) return;
    const { O_RDONLY, O_NOFOLLOW = 0, O_NONBLOCK = 0 } = this.#fs.constants;
    const handle = await this.#fs.open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
    try {
      await handle.chmod(mode);
    } finally {
      await handle.close();
    }
  }
}

class OpenFile implements RandomAccess {
  readonly isGivenAway = true;
  readonly size: number;
  readonly #path: string;
  readonly #handle: FileHandle;

  constructor(path: string, handle: FileHandle, size: number) {
    this.#path = path;
    this.#handle = handle;
    this.size = size;
  }

  read(position: number, length: number): Promise<Bytes> {
    return attempt("read", this.#path, async () => {
      const wanted = Math.max(0, Math.min(length, this.size - position));
      const bytes = new Uint8Array(wanted);
      let filled = 0;
      while (filled < wanted) {
        const { bytesRead } = await this.#handle.read(
          bytes,
          filled,
          wanted - filled,
          position + filled,
        );
        if (bytesRead === 0) break;
        filled += bytesRead;
      }
      return filled === wanted ? bytes : bytes.slice(0, filled);
    });
  }

  close(): Promise<void> {
    return attempt("close", this.#path, () => this.#handle.close());
  }
}

class NewFile implements FileWriter {
  readonly #path: string;
  readonly #handle: FileHandle;
  #size = 0;
  /** Whether the end of the file is behind what was written last: then the place has to be told. */
  #hasHoles = false;

  constructor(path: string, handle: FileHandle) {
    this.#path = path;
    this.#handle = handle;
  }

  write(chunk: Bytes): Promise<void> {
    return attempt("write", this.#path, async () => {
      let written = 0;
      while (written < chunk.byteLength) {
        const rest = chunk.byteLength - written;
        const at = this.#hasHoles ? this.#size : null;
        const { bytesWritten } = await this.#handle.write(chunk, written, rest, at);
        written += bytesWritten;
        this.#size += bytesWritten;
      }
    });
  }

  skip(bytes: number): Promise<void> {
    return attempt("write", this.#path, async () => {
      await this.#handle.truncate(this.#size + bytes);
      this.#hasHoles = true;
      this.#size += bytes;
    });
  }

  sync(): Promise<void> {
    return attempt("sync", this.#path, () => this.#handle.sync());
  }

  setAttributes({ mode, uid, gid, mtimeMs }: FileAttributes): Promise<void> {
    return attempt("change", this.#path, async () => {
      // The owner first: changing it takes the set-user-ID bit away.
      if (uid !== undefined && gid !== undefined) await this.#handle.chown(uid, gid);
      if (mode !== undefined) await this.#handle.chmod(mode);
      if (mtimeMs !== undefined) await this.#handle.utimes(diskTime(mtimeMs), diskTime(mtimeMs));
    });
  }

  close(): Promise<void> {
    return attempt("close", this.#path, () => this.#handle.close());
  }
}

function infoOf(stats: Stats): FileInfo {
  const { size, mtimeMs, mode, uid, gid, nlink, dev, ino } = stats;
  // Numbers beyond 2^53, as Windows has them, may be those of other files.
  const isShared = stats.isFile() && nlink > 1 && Number.isSafeInteger(ino);
  return {
    type: typeOf(stats),
    size,
    mtimeMs,
    mode: mode & 0o7777,
    uid,
    gid,
    ...(stats.isFIFO() ? { isPipe: true } : {}),
    ...(isShared ? { identity: `${dev}:${ino}` } : {}),
  };
}

function typeOf(entry: {
  isFile(): boolean;
  isDirectory(): boolean;
  isSymbolicLink(): boolean;
}): FileType {
  if (entry.isSymbolicLink()) return "symlink";
  if (entry.isDirectory()) return "directory";
  return entry.isFile() ? "file" : "other";
}

async function closeAndThrow(handle: FileHandle, error: unknown): Promise<never> {
  await handle.close().catch(() => {});
  throw error;
}

async function attempt<Result>(
  verb: string,
  path: string,
  act: () => Promise<Result>,
): Promise<Result> {
  try {
    return await act();
  } catch (error) {
    throw diskError(verb, path, error);
  }
}
