import { ANNOTATION_BASE_DIGEST, ANNOTATION_BASE_NAME } from "../model/annotations.ts";
import type { HistoryEntry, ImageConfig } from "../model/image_config.ts";
import { baseLayers } from "./_base_layers.ts";
import { editImage } from "./_edit_image.ts";
import { editPairs } from "./_edit_pairs.ts";
import { formatOf, typeIn } from "../model/image_format.ts";
import { historyBelow, isPaired } from "./_history.ts";
import type { Image } from "./image.ts";
import { platformOf } from "./platform_of.ts";

/** Options of {@linkcode rebase}. */
export interface RebaseOptions {
  /** The image that the lower layers are of. */
  readonly oldBase: Image;
  /** The image whose layers take their place. */
  readonly newBase: Image;
  /** The reference of the new base, for the annotation that says so. */
  readonly newBaseName?: string | undefined;
  /** The digest for the annotation, of an index for instance; default that of the new base. */
  readonly newBaseDigest?: string | undefined;
}

/**
 * Puts the upper layers of an image on another base. Nothing of a layer is read. The config stays
 * that of the image, but platform and lower history are those of the new base, as in crane; media
 * types follow the new base. Annotations name it (`org.opencontainers.image.base.digest`, `.name`).
 *
 * Whether the upper layers still make sense on the new base is not checked: they say what is changed
 * in a file tree, and the tree is another one now.
 *
 * @param image The image.
 * @param options The old base and the new one.
 * @returns The new image; the old one is unchanged, and nothing is stored before it is pushed. Its
 * methods reject with {@linkcode LadingError} of the code `NOT_BASED_ON` when the layers of the
 * old base are not the lowest ones of the image, by their diffIDs.
 */
export function rebase(image: Image, options: RebaseOptions): Image {
  const { oldBase, newBase, newBaseName } = options;
  const { mediaType } = newBase;
  const format = formatOf(mediaType);
  return editImage(image, mediaType, async (signal) => {
    const { count, config, base } = await baseLayers(image, oldBase, "rebase", signal);
    const [manifest, below] = [
      await image.manifest({ signal }),
      await newBase.manifest({ signal }),
    ];
    const content = await newBase.content({ signal });
    const digest = options.newBaseDigest ?? await newBase.digest({ signal });
    const upper = manifest.layers.slice(count).map((layer) => ({
      ...layer,
      mediaType: typeIn(format, layer.mediaType),
    }));
    const annotations = editPairs(manifest.annotations, {
      [ANNOTATION_BASE_DIGEST]: digest,
      // The name of the old base would be a wrong one.
      [ANNOTATION_BASE_NAME]: newBaseName ?? null,
    });
    return {
      manifest: {
        ...manifest,
        ...(manifest.mediaType === undefined && format === "oci" ? {} : { mediaType }),
        config: { ...manifest.config, mediaType: typeIn(format, manifest.config.mediaType) },
        layers: [...below.layers, ...upper],
        ...(annotations === undefined ? {} : { annotations }),
      },
      config: rebased(config, count, base, await newBase.config({ signal })),
      contents: new Map(below.layers.map((layer) => [layer.digest, content])),
    };
  });
}

function rebased(
  config: ImageConfig,
  count: number,
  oldBase: ImageConfig,
  newBase: ImageConfig,
): ImageConfig {
  const { variant: _variant, "os.version": _version, "os.features": _features, ...rest } = config;
  const { history: _history, ...document } = {
    ...rest,
    ...platformOf(newBase),
    rootfs: {
      ...config.rootfs,
      diff_ids: [...newBase.rootfs.diff_ids, ...config.rootfs.diff_ids.slice(count)],
    },
  };
  const history = rebasedHistory(config, count, oldBase, newBase);
  return history === undefined ? document : { ...document, history };
}

/** Where one side tells nothing of its layers, entries of the other would speak of wrong ones. */
function rebasedHistory(
  config: ImageConfig,
  count: number,
  oldBase: ImageConfig,
  newBase: ImageConfig,
): readonly HistoryEntry[] | undefined {
  const { history = [] } = config;
  if (!isPaired(config) || !isPaired(newBase)) return undefined;
  const below = historyBelow(history, count, oldBase.history?.length ?? 0);
  return [...newBase.history ?? [], ...history.slice(below)];
}
