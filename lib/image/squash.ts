import type { HistoryEntry, ImageConfig } from "../model/image_config.ts";
import { baseLayers } from "./_base_layers.ts";
import { editImage } from "./_edit_image.ts";
import { historyBelow, isPaired } from "./_history.ts";
import type { Image } from "./image.ts";
import { layerContent } from "./layer.ts";
import { squashLayers } from "./_squash_layers.ts";
import type { SquashOptions } from "./squash_options.ts";

/**
 * Makes the upper layers of an image one. The lower layers keep their bytes, so that they are still
 * shared with other images; the new layer has whiteouts for what the upper ones deleted of them. The
 * file tree stays the same. In the history the entries of the layers that went into it stay, as
 * ones without a layer, followed by one for the new layer, as in Docker.
 *
 * Nothing is read before the view is used. Then the layers are read for their names, the lower ones
 * too, and the upper ones for the digest of the new layer and for each push; memory grows with the
 * number of paths, never with contents. The same image gives the same bytes, on every runtime.
 *
 * @param image The image.
 * @param options What stays, how the new layer is stored, and a limit.
 * @returns The new image; the old one is unchanged, and nothing is stored before it is pushed. With
 * less than two layers to squash it is the same. Its methods reject with what
 * {@linkcode loadRootfs} throws, and with {@linkcode LadingError} of the code `NOT_BASED_ON` when
 * it is not built on the base.
 * @throws {RangeError} when the number of layers that stay is none.
 */
export function squash(image: Image, options: SquashOptions = {}): Image {
  const { from = 0 } = options;
  if (typeof from === "number" && !(Number.isInteger(from) && from >= 0)) {
    throw new RangeError(`Cannot squash from layer ${from}: give a number of layers that stay`);
  }
  return editImage(image, image.mediaType, async (signal) => {
    const [manifest, config] = [await image.manifest({ signal }), await image.config({ signal })];
    const base = typeof from === "number"
      ? undefined
      : await baseLayers(image, from, "squash", signal);
    const lower = base?.count ?? Number(from);
    if (manifest.layers.length - lower < 2) return {};
    const layers = await image.layers({ signal });
    const layer = await squashLayers(layers, lower, image.mediaType, options, signal);
    const descriptor = layer.descriptor();
    const diffID = await layer.diffID({ signal });
    const below = historyBelow(config.history ?? [], lower, base?.base.history?.length);
    return {
      manifest: { ...manifest, layers: [...manifest.layers.slice(0, lower), descriptor] },
      config: squashed(config, lower, below, {
        diffID,
        created_by: `lading squash ${await image.digest({ signal })}`,
      }),
      contents: new Map([[descriptor.digest, layerContent(layer)]]),
    };
  });
}

function squashed(
  { history = [], ...config }: ImageConfig,
  lower: number,
  below: number,
  { diffID, created_by }: { readonly diffID: string; readonly created_by: string },
): ImageConfig {
  const { rootfs, created } = config;
  const document = {
    ...config,
    rootfs: { ...rootfs, diff_ids: [...rootfs.diff_ids.slice(0, lower), diffID] },
  };
  // A history that does not tell of each layer would speak of the wrong ones.
  if (!isPaired({ ...config, history })) return document;
  const entry: HistoryEntry = { ...(created === undefined ? {} : { created }), created_by };
  const upper = history.slice(below).map((old) => ({ ...old, empty_layer: true }));
  return { ...document, history: [...history.slice(0, below), ...upper, entry] };
}
