import { withSignal } from "../bytes/signal.ts";
import type { ByteStream } from "../model/bytes.ts";
import { type TarInput, writeTar } from "../tar/writer.ts";
import type { FileTree } from "./_file_tree.ts";
import type { Image } from "./image.ts";
import type { NamedNode } from "./_judged_tree.ts";
import type { FileMeta } from "./_layer_files.ts";
import { mergeLayers, type RootfsOptions } from "./rootfs.ts";
import { directoryInput, namedNodes, nodeInputs } from "./_tree_inputs.ts";

/**
 * Writes the merged file tree of an image as one tar archive, which `tar -x` unpacks to the tree
 * that the layers make: types, modes, owners, times, link targets, extended attributes and hard
 * links. Owners are numbers alone: the names in layers are those of the image, not of the host that
 * unpacks it. The same image gives the same bytes, on every runtime.
 *
 * Layers are read twice: first all of them, to know which files survive, then those with such
 * files. Links and devices come first, then the files in the order of the layers, each with its other
 * names behind it, then the directories, inner ones first, so that nothing changes their times any
 * more. The stream ends only when every layer it took content from is proved. Memory grows with the number of paths, never with contents.
 *
 * @param image The image.
 * @param options A signal, which also ends the stream, a limit, and threads.
 * @returns The archive. It errors with what {@linkcode loadRootfs} throws.
 *
 * @example The size of a flattened image
 * ```ts
 * import { memoryStore } from "@lading/lading/store";
 * import { randomImage } from "@lading/lading/testing";
 * import { exportRootfs, loadImage } from "@lading/lading/image";
 *
 * const store = memoryStore();
 * await (await randomImage("seed")).pushTo(store, "demo:1");
 * const image = await loadImage(store, await store.resolve("demo:1"));
 * const { size } = await new Response(exportRootfs(image)).blob();
 * console.log(size % 512); // 0
 * ```
 */
export function exportRootfs(image: Image, options: RootfsOptions = {}): ByteStream {
  return withSignal(writeTar(exportedEntries(image, options)), options.signal);
}

/** The entries, whose layers are let go of when they are asked to end, also while one is waited for. */
function exportedEntries(
  image: Image,
  { signal, ...options }: RootfsOptions,
): AsyncIterable<TarInput> {
  const given = new AbortController();
  const ended = AbortSignal.any(signal === undefined ? [given.signal] : [given.signal, signal]);
  const entries = exportEntries(image, { ...options, signal: ended });
  return {
    [Symbol.asyncIterator]: () => ({
      next: () => entries.next(),
      async return() {
        given.abort();
        // What was being read ends with the abort.
        await entries.return().catch(() => {});
        return { done: true, value: undefined };
      },
    }),
  };
}

async function* exportEntries(
  image: Image,
  options: RootfsOptions,
): AsyncGenerator<TarInput, void, undefined> {
  const { threads, signal } = options;
  const layers = await image.layers({ signal });
  const tree = await mergeLayers(layers, options);
  yield* nodeInputs(layers, namedNodes(tree), { threads, signal });
  yield* directoryInputs(tree);
}

/**
 * Directories come last, inner ones first: GNU tar sets the time of a directory when the next entry
 * lies outside of it, and whatever it made in there later would change it.
 */
function* directoryInputs(tree: FileTree<FileMeta>): Generator<TarInput, void, undefined> {
  const directories: NamedNode[] = [];
  for (const named of tree.entries()) if (named.node.kind === "directory") directories.push(named);
  for (const { path, node } of directories.reverse()) yield directoryInput(path, node);
  if (tree.root.meta !== undefined) yield directoryInput(".", tree.root);
}
