import type * as NodeFileSystemModule from "node:fs";
import { extract } from "../image/extract.ts";
import type { ExtractOptions, ExtractResult } from "../image/extract_options.ts";
import type { Image } from "../image/image.ts";
import type { Layer } from "../image/layer.ts";
import type { Rootfs } from "../image/rootfs.ts";
import { ImmediateDisk } from "./_immediate_disk.ts";
import { nodeFileSystem } from "./node_file_system.ts";

interface Host {
  readonly process?: {
    readonly platform?: string;
    getBuiltinModule?(name: "node:fs"): typeof NodeFileSystemModule | undefined;
  };
}

/**
 * Unpacks the merged file tree of an image, or one layer, into a directory of the disk, in Node, Deno
 * and Bun. Names are judged by the rules of this machine: on Windows those with a backslash or a
 * drive letter are refused, elsewhere they are names like any other. Files are written by calls that
 * return when they are done: of many small files that takes a fraction of the time, and the rest of
 * the process has its turn in between. For everything else see `extract()` of `./image`.
 *
 * @param source The image, its merged tree, or a layer.
 * @param directory The directory; it is made when it is not there, and has to be empty otherwise.
 * @param options Owners, what may be there already, a limit and a signal.
 * @returns What was written.
 * @throws {UnsafePathError} when a name leads out of the root, or a link is in the way.
 * @throws {FileSystemError} when the directory is not empty, the disk refuses, or there is none.
 * @throws {DigestMismatchError} when a layer is not what its descriptor says.
 */
export async function extractToDisk(
  source: Image | Rootfs | Layer,
  directory: string,
  options: ExtractOptions = {},
): Promise<ExtractResult> {
  const { process } = globalThis as Host;
  const system = options.system ?? (process?.platform === "win32" ? "any" : "posix");
  const fs = process?.getBuiltinModule?.("node:fs");
  // Where there is no disk, the other one says so.
  const disk = fs === undefined ? nodeFileSystem() : new ImmediateDisk(fs);
  return await extract(source, disk, directory, { ...options, system });
}
