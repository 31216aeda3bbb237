import {
  type FileSystem,
  FileSystemError,
  type FileSystemReason,
  type FileWriter,
} from "../../lib/store/mod.ts";

/** A file system whose nth operation fails. */
export interface FaultyFileSystem {
  readonly fs: FileSystem;
  /** How many operations there were. */
  operations(): number;
  /** The operation that failed, if one did. */
  failed(): string | undefined;
}

/**
 * Wraps a file system so that one operation fails.
 *
 * @param fs Does the work.
 * @param failAt The number of the operation, from 1.
 * @param reason Why it fails.
 * @param isPartial Whether a failing write writes half of its bytes first.
 */
export function faultyFileSystem(
  fs: FileSystem,
  failAt: number,
  reason: FileSystemReason,
): FaultyFileSystem {
  let count = 0;
  let failed: string | undefined;
  function step(operation: string, path: string): void {
    if (++count !== failAt) return;
    failed = `${operation} ${path}`;
    throw new FileSystemError(`Cannot ${failed}: ${reason}`, { reason, path });
  }
  async function run<Result>(
    operation: string,
    path: string,
    act: () => Promise<Result>,
  ): Promise<Result> {
    await null;
    step(operation, path);
    return await act();
  }
  function wrapWriter(path: string, writer: FileWriter): FileWriter {
    return {
      async write(chunk) {
        try {
          step("write", path);
        } catch (error) {
          await writer.write(chunk.slice(0, chunk.byteLength >> 1));
          throw error;
        }
        await writer.write(chunk);
      },
      sync: () => run("fsync", path, () => writer.sync()),
      close: () => run("close", path, () => writer.close()),
    };
  }
  return {
    operations: () => count,
    failed: () => failed,
    fs: {
      open: (path, options) => run("open", path, () => fs.open(path, options)),
      create: (path, options) =>
        run("create", path, async () => wrapWriter(path, await fs.create(path, options))),
      rename: (from, to) => run("rename", to, () => fs.rename(from, to)),
      remove: (path, options) => run("remove", path, () => fs.remove(path, options)),
      stat: (path, options) => run("stat", path, () => fs.stat(path, options)),
      makeDirectory: (path, options) => run("mkdir", path, () => fs.makeDirectory(path, options)),
      readDirectory: (path) => run("list", path, () => fs.readDirectory(path)),
      syncDirectory: (path) => run("fsync directory", path, () => fs.syncDirectory(path)),
      readLink: (path) => run("readlink", path, () => fs.readLink(path)),
      symlink: (target, path) => run("symlink", path, () => fs.symlink(target, path)),
      link: (existing, path) => run("link", path, () => fs.link(existing, path)),
      setAttributes: (path, attributes) =>
        run("chmod", path, () => fs.setAttributes(path, attributes)),
    },
  };
}
