import type { FileSystem } from "../store/file_system.ts";
import { Extraction } from "./_extraction.ts";
import type { ExtractOptions, ExtractResult } from "./extract_options.ts";
import type { Image } from "./image.ts";
import type { Layer } from "./layer.ts";
import { loadRootfs, type Rootfs, treeOf } from "./rootfs.ts";

/**
 * Unpacks the merged file tree of an image, or one layer, into a directory. Whiteouts are applied
 * before anything is written: the tree is merged in memory, where links are followed inside of the
 * root alone, and every path of it is made once, in a directory that was made for it. Nothing is
 * written through a link, and nothing outside of the directory, whatever the archives say:
 *
 * - directories come first, open for their owner alone until all is written; then links and files, each
 *   of them by a creation that refuses any existing name;
 * - permissions, owners and times are set without following links, those of directories last;
 * - a hard link leads to a path of the tree, never to what a name means outside;
 * - devices and pipes are not made, and extended attributes are not written: the result tells.
 *
 * Layers are read twice: for their names, and for contents. When it fails, what it has written is
 * removed, but not with `existing: "replace"`. Memory grows with the number of paths, never with
 * contents. Of a single layer, whiteouts delete nothing. Somebody else who changes the directory at
 * the same time is not guarded against: use one of your own.
 *
 * @param source The image, its merged tree, or a layer.
 * @param fileSystem Where to write: `nodeFileSystem()`, or `memoryFileSystem()`.
 * @param directory The directory; it is made when it is not there.
 * @param options Owners, what may be there already, a limit and a signal.
 * @returns What was written.
 * @throws {UnsafePathError} when a name leads out of the root, cannot be one on the file system, or
 * when a link is in the way.
 * @throws {FileSystemError} when the directory is not empty, or the file system refuses.
 * @throws {DigestMismatchError} when a layer is not what its descriptor says.
 *
 * @example Unpack into memory
 * ```ts
 * import { memoryFileSystem, memoryStore } from "@lading/lading/store";
 * import { randomImage } from "@lading/lading/testing";
 * import { extract, loadImage } from "@lading/lading/image";
 *
 * const store = memoryStore();
 * await (await randomImage("seed")).pushTo(store, "demo:1");
 * const image = await loadImage(store, await store.resolve("demo:1"));
 * const { files } = await extract(image, memoryFileSystem(), "/rootfs");
 * console.log(files > 0); // true
 * ```
 */
export async function extract(
  source: Image | Rootfs | Layer,
  fileSystem: FileSystem,
  directory: string,
  options: ExtractOptions = {},
): Promise<ExtractResult> {
  const { signal } = options;
  signal?.throwIfAborted();
  const parts = treeOf(await rootfsOf(source, options));
  return await new Extraction(parts, fileSystem, directory, options).run();
}

async function rootfsOf(
  source: Image | Rootfs | Layer,
  { maxEntries, threads, signal }: ExtractOptions,
): Promise<Rootfs> {
  if ("stat" in source) return source;
  if ("rawManifest" in source) return await source.rootfs({ maxEntries, threads, signal });
  return await loadRootfs([source], { maxEntries, threads, signal });
}
