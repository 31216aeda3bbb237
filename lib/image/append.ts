import type { ContentSource } from "../model/content.ts";
import type { Descriptor } from "../model/descriptor.ts";
import { InvalidConfigError, UnsupportedMediaTypeError } from "../model/errors.ts";
import type { HistoryEntry, ImageConfig } from "../model/image_config.ts";
import type { ImageManifest } from "../model/manifest.ts";
import { isConfigType, MEDIA_TYPE_OCI_LAYER_ZSTD } from "../model/media_types.ts";
import { checkZstd } from "./_check_zstd.ts";
import { editImage } from "./_edit_image.ts";
import { formatOf, typeIn } from "../model/image_format.ts";
import { isPaired } from "./_history.ts";
import type { Image } from "./image.ts";
import { type Layer, layerContent } from "./layer.ts";

/** A layer with what is said of it, or an entry of the history alone. */
export interface Addition {
  /** The layer; without one there is an entry of the history that made no layer. */
  readonly layer?: Layer | undefined;
  /** What the history says; default that lading appended it. */
  readonly history?: HistoryEntry | undefined;
  /** Annotations of the layer's descriptor. */
  readonly annotations?: Readonly<Record<string, string>> | undefined;
}

/** What the history says of layers that come without words of their own. */
const APPENDED: HistoryEntry = { created_by: "lading append" };

/**
 * Puts layers on an image. Manifest and config keep everything else, unknown fields too; the layers
 * below keep their bytes. New layers get the media types of the base: Docker's on an image of
 * Docker's format. The history gets an entry for each layer, where it has one for each of those
 * below. Layers for Windows have a form of their own, which `layerFrom()` gives them with the option
 * `os`.
 *
 * Nothing is read or stored here: the view works it out when it is asked, and a push stores it.
 *
 * @param image The image to build on.
 * @param additions The layers, lower ones first.
 * @returns The new image; the old one is unchanged. Its methods reject with
 * {@linkcode InvalidConfigError} when the base has another number of diffIDs than layers, and with
 * {@linkcode UnsupportedMediaTypeError} when it is an artifact, whose config is none of an image, or
 * when one of Docker's format is to have a zstd layer.
 *
 * @example An image of one file
 * ```ts
 * import { append, emptyImage, layerFrom } from "@lading/lading/image";
 *
 * const base = emptyImage({ os: "linux", architecture: "amd64" });
 * const image = append(base, await layerFrom([{ path: "hello.txt", body: "hello\n" }]));
 * console.log((await image.readFile("/hello.txt")).length); // 6
 * ```
 */
export function append(image: Image, ...additions: readonly (Layer | Addition)[]): Image {
  return editImage(image, image.mediaType, async (signal) => {
    if (additions.length === 0) return {};
    const manifest = await image.manifest({ signal });
    checkImage(manifest);
    const added = await Promise.all(additions.map(async (item): Promise<Added> => {
      const { layer, history = APPENDED, annotations } = isLayer(item) ? { layer: item } : item;
      if (layer === undefined) return { history: { ...history, empty_layer: true } };
      const { mediaType, ...rest } = layer.descriptor();
      if (mediaType === MEDIA_TYPE_OCI_LAYER_ZSTD) checkZstd(image.mediaType);
      const known = { mediaType: typeIn(formatOf(image.mediaType), mediaType), ...rest };
      const descriptor = annotations === undefined ? known : {
        ...known,
        annotations: { ...known.annotations, ...annotations },
      };
      const diffID = await layer.diffID({ signal });
      return { history, stored: { descriptor, diffID, content: layerContent(layer) } };
    }));
    const stored = added.flatMap((item) => item.stored ?? []);
    return {
      manifest: {
        ...manifest,
        layers: [...manifest.layers, ...stored.map(({ descriptor }) => descriptor)],
      },
      config: extend(await image.config({ signal }), manifest.layers.length, added),
      contents: new Map(stored.map(({ descriptor, content }) => [descriptor.digest, content])),
    };
  });
}

interface Added {
  readonly history: HistoryEntry;
  readonly stored?: {
    readonly descriptor: Descriptor;
    readonly diffID: string;
    readonly content: ContentSource;
  };
}

/** The layers of an artifact are files of any kind, and nothing says what a tree of them would be. */
function checkImage({ config, artifactType }: ImageManifest): void {
  if (isConfigType(config.mediaType)) return;
  const mediaType = artifactType ?? config.mediaType;
  throw new UnsupportedMediaTypeError(
    `Cannot append to the image: it is an artifact (${mediaType})`,
    { mediaType },
  );
}

function isLayer(item: Layer | Addition): item is Layer {
  return "descriptor" in item;
}

function extend(config: ImageConfig, layers: number, added: readonly Added[]): ImageConfig {
  const { rootfs, history = [] } = config;
  if (rootfs.diff_ids.length !== layers) {
    throw new InvalidConfigError(
      `Cannot append to the image: its manifest has ${layers} layers, its config ` +
        `${rootfs.diff_ids.length} diffIDs`,
      { input: "" },
    );
  }
  const diffIDs = added.flatMap(({ stored }) => stored?.diffID ?? []);
  const extended = { ...config, rootfs: { ...rootfs, diff_ids: [...rootfs.diff_ids, ...diffIDs] } };
  if (!isPaired(config)) return extended;
  return { ...extended, history: [...history, ...added.map((item) => item.history)] };
}
