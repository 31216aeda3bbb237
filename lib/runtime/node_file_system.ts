import type * as NodeFileSystemModule from "node:fs/promises";
import { type FileSystem, FileSystemError } from "../store/file_system.ts";
import { NodeFileSystem } from "./_node_disk.ts";

interface Host {
  readonly process?: {
    getBuiltinModule?(name: "node:fs/promises"): typeof NodeFileSystemModule | undefined;
  };
}

/**
 * Gives access to the disk, in Node, Deno and Bun, by `node:fs/promises`. Paths are those of the
 * process. Deno needs `--allow-read` and `--allow-write` for them.
 *
 * @returns The file system.
 * @throws {FileSystemError} when the runtime has no disk, as in workers and browsers.
 */
export function nodeFileSystem(): FileSystem {
  const fs = (globalThis as Host).process?.getBuiltinModule?.("node:fs/promises");
  if (fs !== undefined) return new NodeFileSystem(fs);
  throw new FileSystemError("Cannot use the disk: this runtime has none; use memoryFileSystem()", {
    reason: "unsupported",
    path: "/",
  });
}
