import { extract } from "../image/extract.ts";
import type { ExtractOptions, ExtractResult } from "../image/extract_options.ts";
import type { Image } from "../image/image.ts";
import type { Layer } from "../image/layer.ts";
import type { Rootfs } from "../image/rootfs.ts";
import { nodeFileSystem } from "./node_file_system.ts";

interface Host {
  readonly process?: { readonly platform?: string };
}

/**
 * Unpacks the merged file tree of an image, or one layer, into a directory of the disk, in Node, Deno
 * and Bun. Names are judged by the rules of this machine: on Windows those with a backslash or a
 * drive letter are refused, elsewhere they are names like any other. For everything else see
 * `extract()` of `./image`.
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
  const isWindows = (globalThis as Host).process?.platform === "win32";
  const system = options.system ?? (isWindows ? "any" : "posix");
  return await extract(source, nodeFileSystem(), directory, { ...options, system });
}
