import type { CallOptions, ContentSource } from "../model/content.ts";
import type { Descriptor } from "../model/descriptor.ts";
import { UnsupportedMediaTypeError } from "../model/errors.ts";
import type { ParsedManifest } from "../model/manifest.ts";
import type { Platform } from "../model/platform.ts";
import { chooseFromIndex } from "./choose_image.ts";
import { fetchManifest } from "./fetch_manifest.ts";
import { ImageView } from "./_image_view.ts";
import type { Image } from "./image.ts";

/** Options of {@linkcode loadImage}. */
export interface LoadImageOptions extends CallOptions {
  /** The platform to choose from an index; needed when it has several images. */
  readonly platform?: Platform | undefined;
}

/**
 * Loads the view of an image: reads its manifest, and of an index the one for a platform. Config
 * and layers are read when they are asked for.
 *
 * @param source Where the image is.
 * @param descriptor The manifest or index, as `resolve` gave it.
 * @param options The platform and a signal.
 * @returns The view.
 * @throws {PlatformNotFoundError} when the index has no image for the platform.
 * @throws {TypeError} when the index has several images and no platform was given.
 * @throws {UnsupportedMediaTypeError} when it is neither an image nor an index.
 * @throws {NotFoundError} when a manifest is not there.
 * @throws {DigestMismatchError} when a manifest is not what its descriptor says.
 *
 * @example The config of an image
 * ```ts
 * import { memoryStore } from "@lading/lading/store";
 * import { randomImage } from "@lading/lading/testing";
 * import { loadImage } from "@lading/lading/image";
 *
 * const store = memoryStore();
 * await (await randomImage("seed")).pushTo(store, "demo:1");
 * const image = await loadImage(store, await store.resolve("demo:1"));
 * console.log((await image.config()).architecture); // amd64
 * ```
 */
export async function loadImage(
  source: ContentSource,
  descriptor: Descriptor,
  options: LoadImageOptions = {},
): Promise<Image> {
  const { platform, signal } = options;
  const parsed = await fetchManifest(source, descriptor, { signal });
  if (parsed.kind === "index") {
    const index = { parsed, descriptor };
    const chosen = await chooseFromIndex(source, index, platform, { signal });
    const manifest = await fetchManifest(source, chosen, { signal });
    return imageOf(source, chosen, manifest, platform ?? chosen.platform);
  }
  return imageOf(source, descriptor, parsed, platform ?? descriptor.platform);
}

function imageOf(
  source: ContentSource,
  descriptor: Descriptor,
  parsed: ParsedManifest,
  wanted: Platform | undefined,
): Image {
  const { mediaType } = parsed;
  if (parsed.kind === "image") {
    const parts = { descriptor, parsed, content: source };
    return new ImageView(mediaType, () => Promise.resolve(parts), wanted);
  }
  throw new UnsupportedMediaTypeError(
    `Cannot open ${descriptor.digest} as an image: lading opens no images of type ${mediaType}`,
    { mediaType },
  );
}
