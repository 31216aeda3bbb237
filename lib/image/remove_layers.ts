import type { Descriptor } from "../model/descriptor.ts";
import type { HistoryEntry } from "../model/image_config.ts";
import { editImage } from "./_edit_image.ts";
import { isPaired } from "./_history.ts";
import type { Image } from "./image.ts";

/** What is known of a layer without reading it. */
export interface LayerFacts {
  /** Its number, the base is 0. */
  readonly index: number;
  /** The layer as it is stored. */
  readonly descriptor: Descriptor;
  /** The digest of the uncompressed layer. */
  readonly diffID: string;
  /** What the history says of it, where there is one entry for each layer. */
  readonly history?: HistoryEntry | undefined;
}

/**
 * Takes layers out of an image, and what the history says of them. Nothing of a layer is read, and
 * the others keep their bytes: what they do to files of the layer that is gone is up to the caller.
 *
 * @param image The image.
 * @param isRemoved Tells which layers go, such as `({ index }) => index === 2` or
 * `({ history }) => history?.created_by?.includes("apt-get")`.
 * @returns The new image; the old one is unchanged, and nothing is stored before it is pushed.
 */
export function removeLayers(
  image: Image,
  isRemoved: (layer: LayerFacts) => boolean | undefined,
): Image {
  return editImage(image, image.mediaType, async (signal) => {
    const [manifest, config] = [await image.manifest({ signal }), await image.config({ signal })];
    const { rootfs, history = [] } = config;
    const paired = isPaired(config);
    const told = paired ? history.filter((entry) => entry.empty_layer !== true) : [];
    const removed = new Set<number>();
    for (const [index, descriptor] of manifest.layers.entries()) {
      const diffID = rootfs.diff_ids[index] ?? "";
      if (isRemoved({ index, descriptor, diffID, history: told[index] })) removed.add(index);
    }
    if (removed.size === 0) return {};
    const gone = new Set([...removed].map((index) => told[index]));
    const isKept = (_: unknown, index: number): boolean => !removed.has(index);
    return {
      manifest: { ...manifest, layers: manifest.layers.filter(isKept) },
      config: {
        ...config,
        rootfs: { ...rootfs, diff_ids: rootfs.diff_ids.filter(isKept) },
        ...(paired ? { history: history.filter((entry) => !gone.has(entry)) } : {}),
      },
    };
  });
}
