import { editImage } from "./_edit_image.ts";
import type { Image } from "./image.ts";
import { layerContent } from "./layer.ts";
import { squashLayers } from "./_squash_layers.ts";
import type { FlattenOptions } from "./squash_options.ts";

/**
 * Makes all layers of an image one, with whiteouts applied: the same file tree, without what upper
 * layers have replaced or deleted. The config stays, but for layers and history: that has one entry,
 * which keeps the old one as its comment, as in crane.
 *
 * Nothing is read before the view is used. Then the layers are read for their names, for the digest
 * of the new layer, and for each push; memory grows with the number of paths, never with contents.
 * The same image gives the same bytes, on every runtime.
 *
 * @param image The image.
 * @param options How the layer is stored, and a limit.
 * @returns The new image; the old one is unchanged, and nothing is stored before it is pushed. Its
 * methods reject with what {@linkcode loadRootfs} throws.
 *
 * @example One layer
 * ```ts
 * import { memoryStore } from "@lading/lading/store";
 * import { randomImage } from "@lading/lading/testing";
 * import { flatten, loadImage } from "@lading/lading/image";
 *
 * const store = memoryStore();
 * await (await randomImage("seed")).pushTo(store, "demo:1");
 * const image = flatten(await loadImage(store, await store.resolve("demo:1")));
 * console.log((await image.layers()).length); // 1
 * ```
 */
export function flatten(image: Image, options: FlattenOptions = {}): Image {
  return editImage(image, image.mediaType, async (signal) => {
    const [manifest, config] = [await image.manifest({ signal }), await image.config({ signal })];
    const layers = await image.layers({ signal });
    const layer = await squashLayers(layers, 0, image.mediaType, options, signal);
    const { digest } = layer.descriptor();
    const diffIDs = [await layer.diffID({ signal })];
    const created = config.created === undefined ? {} : { created: config.created };
    return {
      manifest: { ...manifest, layers: [layer.descriptor()] },
      config: {
        ...config,
        rootfs: { ...config.rootfs, diff_ids: diffIDs },
        history: [{
          ...created,
          created_by: `lading flatten ${await image.digest({ signal })}`,
          ...(config.history === undefined ? {} : { comment: JSON.stringify(config.history) }),
        }],
      },
      contents: new Map([[digest, layerContent(layer)]]),
    };
  });
}
