import { type TarInput, writeTar } from "../tar/writer.ts";
import { checkZstd } from "./_check_zstd.ts";
import { FileTree } from "./_file_tree.ts";
import { formatOf, typeIn } from "../model/image_format.ts";
import type { FileMeta } from "./_layer_files.ts";
import { type Layer, layerContent, openLayer } from "./layer.ts";
import { Memo } from "./_memo.ts";
import { newLayer } from "./_new_layer.ts";
import { mergeLayer } from "./rootfs.ts";
import type { FlattenOptions } from "./squash_options.ts";
import { directoryInput, linkInput, nameOf, nodeInputs } from "./_tree_inputs.ts";
import { type UpperChanges, upperChanges } from "./_upper_changes.ts";

/**
 * Makes one layer of the upper layers of an image: on the lower ones it makes the same tree. It has
 * whiteouts only for what they have. Entries have one order: whiteouts, directories, links to what
 * lies below, then what is new, files in the order of the layers.
 */
export async function squashLayers(
  layers: readonly Layer[],
  lower: number,
  mediaType: string,
  options: FlattenOptions,
  signal: AbortSignal,
): Promise<Layer> {
  const { compression = "gzip", level, spool, maxEntries } = options;
  if (compression === "zstd") checkZstd(mediaType);
  const changes = new Memo<UpperChanges>();
  const compare = async (signal: AbortSignal): Promise<UpperChanges> => {
    const below = new FileTree<FileMeta>(maxEntries);
    const full = new FileTree<FileMeta>(maxEntries);
    for (const [number, layer] of layers.entries()) {
      await mergeLayer(number < lower ? [below, full] : [full], layer, number, { signal });
    }
    return upperChanges(below, full);
  };
  const made = await newLayer({
    storing: compression,
    compression,
    level,
    open: async (signal) =>
      writeTar(squashedInputs(layers, await changes.get(compare, signal), signal)),
  }, { spool, signal });
  const { mediaType: type, ...rest } = made.descriptor();
  const descriptor = { mediaType: typeIn(formatOf(mediaType), type), ...rest };
  return openLayer(layerContent(made), descriptor, await made.diffID());
}

async function* squashedInputs(
  layers: readonly Layer[],
  { deleted, directories, links, nodes }: UpperChanges,
  signal: AbortSignal | undefined,
): AsyncGenerator<TarInput, void, undefined> {
  for (const path of deleted) {
    const slash = path.lastIndexOf("/") + 1;
    yield { ...nameOf(`${path.slice(0, slash)}.wh.${path.slice(slash)}`) };
  }
  for (const { path, node } of directories) yield directoryInput(path === "" ? "." : path, node);
  for (const { path, node, target } of links) yield linkInput(node, path, target);
  yield* nodeInputs(layers, nodes, { signal });
}
