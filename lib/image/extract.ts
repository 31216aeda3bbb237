import type { FileSystem } from "../store/file_system.ts";
import { ExtractDirectory } from "./_extract_directory.ts";
import type { ExtractOptions, ExtractResult } from "./extract_options.ts";
import type { Image } from "./image.ts";
import { judgeTree } from "./_judged_tree.ts";
import type { Layer } from "./layer.ts";
import { Placement } from "./_placement.ts";
import { type Rootfs, treeOf } from "./rootfs.ts";
import { stageLayers, stageTree } from "./_stage_contents.ts";
import { StagedFiles } from "./_staged_files.ts";
import type { Staging } from "./_staging.ts";
import { UnnamedFiles } from "./_unnamed_files.ts";

/**
 * Unpacks the merged file tree of an image, or one layer, into a directory. Each layer is read once:
 * contents go to files without a name of their own (on a disk to a directory inside that nobody else
 * may open, `.lading-` and 32 hexadecimal digits), while the tree is merged in memory, where whiteouts are
 * applied and links are followed inside of the root alone. Once all layers are proved and every
 * name was judged, each path is made, in a directory that was made for it. Nothing is written
 * through a link, and nothing outside of the directory, whatever the archives say:
 *
 * - directories come first, open for their owner alone until all is written; then links, by creations
 *   that refuse any existing name, and files, on a disk by renames, after which every name has to be
 *   there;
 * - permissions, owners and times are set without following links, those of directories last;
 * - a hard link leads to a path of the tree, never to what a name means outside;
 * - devices and pipes are not made, and extended attributes are not written: the result tells.
 *
 * A content that is replaced or deleted is removed at once: there is never more than on a disk where
 * the layers are unpacked one over the other. When it fails, what it has written is removed; with
 * `existing: "replace"` nothing has changed then before the first name was given, and what has been
 * replaced since stays. Memory grows with the number of paths, never with contents. Of a single
 * layer, whiteouts delete nothing. Somebody else who changes the directory at the same time is not
 * guarded against: use one of your own. To a disk, `extractToDisk()` of `./node`, `./deno` and
 * `./bun` does the same in a fraction of the time where files are small and many.
 *
 * @param source The image, its merged tree, or a layer.
 * @param fileSystem Where to write: `nodeFileSystem()`, or `memoryFileSystem()`.
 * @param directory The directory; it is made when it is not there.
 * @param options Owners, what may be there already, a limit and a signal.
 * @returns What was written.
 * @throws {UnsafePathError} when a name leads out of the root, cannot be one on the file system, or
 * when a link is in the way.
 * @throws {FileSystemError} when the directory is not empty, the file system takes two names for one
 * (reason `exists`), or refuses.
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
  const { owners = false, signal } = options;
  signal?.throwIfAborted();
  const { tree: given, layers } = "stat" in source
    ? treeOf(source)
    : { tree: undefined, layers: await layersOf(source, options) };
  const merged = given === undefined ? undefined : judgeTree(given, options);
  const target = await ExtractDirectory.open(fileSystem, directory, options);
  let staging: Staging | undefined;
  try {
    staging = UnnamedFiles.on(fileSystem, target, owners) ??
      await StagedFiles.make(fileSystem, target, owners);
    if (merged !== undefined) await stageTree(merged, layers, staging, options);
    const tree = merged ?? judgeTree(await stageLayers(layers, staging, options), options);
    return await new Placement(tree, staging, fileSystem, target, options).run();
  } catch (error) {
    await staging?.remove().catch(() => {});
    await target.undo().catch(() => {});
    throw error;
  }
}

async function layersOf(
  source: Image | Layer,
  { signal }: ExtractOptions,
): Promise<readonly Layer[]> {
  return "rawManifest" in source ? await source.layers({ signal }) : [source];
}
