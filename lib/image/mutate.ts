import { ANNOTATION_BASE_DIGEST, ANNOTATION_BASE_NAME } from "../model/annotations.ts";
import { UnsupportedMediaTypeError } from "../model/errors.ts";
import type { ImageConfig } from "../model/image_config.ts";
import type { ImageManifest } from "../model/manifest.ts";
import { isConfigType } from "../model/media_types.ts";
import { editConfig, editsConfig } from "./_edit_config.ts";
import { editImage, type ImageEdit } from "./_edit_image.ts";
import { editPairs } from "./_edit_pairs.ts";
import { type ImageFormat, typeIn } from "../model/image_format.ts";
import type { Image } from "./image.ts";
import type { MutateOptions, PairsEdit } from "./mutate_options.ts";
import { rewrittenLayers } from "./_rewritten_layers.ts";
import { formatTime, retime } from "./_time.ts";

/**
 * Changes what an image says of itself. What is not named stays: unknown fields, the order of
 * fields, and the bytes of a document that nothing changes; with nothing to change the digest stays
 * too. Layers keep their bytes, unless their times are set.
 *
 * The config of an artifact that is no image is never touched: annotations and media types can be
 * changed, anything else is refused.
 *
 * @param image The image.
 * @param options What to change.
 * @returns The new image; the old one is unchanged. Its methods reject with
 * {@linkcode UnsupportedMediaTypeError} when the config that is to be changed is none of an image,
 * and with {@linkcode InvalidConfigError} when the new config would be none.
 * @throws {RangeError} when a time is none, or the name of a variable is none.
 *
 * @example Another command
 * ```ts
 * import { emptyImage, mutate } from "@lading/lading/image";
 *
 * const image = emptyImage({ os: "linux", architecture: "amd64" });
 * const edited = mutate(image, { config: { Cmd: ["/bin/app"] }, env: { PORT: "80" } });
 * console.log((await edited.config()).config?.Env); // [ "PORT=80" ]
 * ```
 */
export function mutate(image: Image, options: MutateOptions): Image {
  const { mediaTypes } = options;
  checkTimes(options);
  const mediaType = mediaTypes === undefined
    ? image.mediaType
    : typeIn(mediaTypes, image.mediaType);
  return editImage(image, mediaType, async (signal) => {
    const before = await image.manifest({ signal });
    const { timestamps } = options;
    const { manifest, config, contents }: ImageEdit = timestamps?.layers === true
      ? await rewrittenLayers(image, { from: 0, editor: () => retime(timestamps) }, signal)
      : {};
    const edited = editManifest(manifest ?? before, mediaType, options);
    return {
      manifest: manifest === undefined && isSame(before, edited) ? undefined : edited,
      config: await newConfig(image, before, config, options, signal),
      contents,
    };
  });
}

function editManifest(
  manifest: ImageManifest,
  mediaType: string,
  { annotations, base = {}, mediaTypes }: MutateOptions,
): ImageManifest {
  const { annotations: old, ...rest } = manifest;
  const { name, digest } = base;
  const edit: PairsEdit = {
    ...(name === undefined ? {} : { [ANNOTATION_BASE_NAME]: name }),
    ...(digest === undefined ? {} : { [ANNOTATION_BASE_DIGEST]: digest }),
    ...annotations,
  };
  const pairs = editPairs(old, edit);
  const edited = pairs === undefined ? rest : { ...manifest, annotations: pairs };
  return mediaTypes === undefined ? edited : retype(edited, mediaType, mediaTypes);
}

function retype(manifest: ImageManifest, mediaType: string, format: ImageFormat): ImageManifest {
  const { config, layers } = manifest;
  return {
    ...manifest,
    // Where OCI lets it be absent, it stays so.
    ...(manifest.mediaType === undefined && format === "oci" ? {} : { mediaType }),
    config: { ...config, mediaType: typeIn(format, config.mediaType) },
    layers: layers.map((layer) => ({ ...layer, mediaType: typeIn(format, layer.mediaType) })),
  };
}

async function newConfig(
  image: Image,
  { config: { mediaType, digest } }: ImageManifest,
  retimed: ImageConfig | undefined,
  options: MutateOptions,
  signal: AbortSignal,
): Promise<ImageConfig | undefined> {
  if (!editsConfig(options)) return undefined;
  if (!isConfigType(mediaType)) {
    throw new UnsupportedMediaTypeError(
      `Cannot change the config ${digest}: ${mediaType} is not the config of an image`,
      { mediaType },
    );
  }
  const before = await image.config({ signal });
  const edited = editConfig(retimed ?? before, options);
  return isSame(before, edited) ? undefined : edited;
}

/** Documents that would be written alike are the same: then the bytes that are there stay. */
function isSame(before: object, after: object): boolean {
  return JSON.stringify(before) === JSON.stringify(after);
}

function checkTimes({ created, timestamps }: MutateOptions): void {
  if (created !== undefined && created !== null) formatTime(created);
  if (timestamps !== undefined) formatTime(timestamps.time);
}
