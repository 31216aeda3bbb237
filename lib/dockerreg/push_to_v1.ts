import { chooseFromIndex } from "../image/choose_image.ts";
import { fetchConfig } from "../image/fetch_config.ts";
import { fetchManifest } from "../image/fetch_manifest.ts";
import type { CallOptions, Source } from "../model/content.ts";
import { UnsupportedMediaTypeError } from "../model/errors.ts";
import type { Platform } from "../model/platform.ts";
import type { RepositoryV1 } from "../registry/v1/repository_v1.ts";
import { v1ImagesOf } from "../registry/v1/v1_images_of.ts";

/** Options of {@linkcode pushToV1}. */
export interface PushToV1Options extends CallOptions {
  /** The platform to choose from an index; needed when it has images for several. */
  readonly platform?: Platform | undefined;
}

/**
 * Pushes an image from any place to a registry of version 1, as one image for each step of its
 * history. Layers are streamed; images that the registry has are left out.
 *
 * @param source Where the image is.
 * @param reference Its name or digest there.
 * @param repository Where it goes.
 * @param tag The tag it gets.
 * @param options The platform, and a signal.
 * @returns The ID of the newest image.
 * @throws {NotFoundError} when there is no such image.
 * @throws {UnsupportedMediaTypeError} when it is no image of schema 2 or the OCI, or has layers
 * compressed with zstd.
 * @throws {InvalidConfigError} when its history does not go with its layers.
 * @throws {RegistryError} when the registry does not take it.
 */
export async function pushToV1(
  source: Source,
  reference: string,
  repository: RepositoryV1,
  tag: string,
  options: PushToV1Options = {},
): Promise<string> {
  const { platform, signal } = options;
  const root = await source.resolve(reference, { signal });
  const first = await fetchManifest(source, root, { signal });
  const parsed = first.kind === "index"
    ? await fetchManifest(
      source,
      await chooseFromIndex(source, { parsed: first, descriptor: root }, platform, { signal }),
      { signal },
    )
    : first;
  if (parsed.kind !== "image") {
    const { mediaType } = parsed;
    throw new UnsupportedMediaTypeError(
      `Cannot push ${root.digest} to a registry of version 1: ${mediaType} is not converted`,
      { mediaType },
    );
  }
  const { config, layers } = parsed.value;
  const images = v1ImagesOf(source, await fetchConfig(source, config, { signal }), layers);
  await repository.push(images, tag, { signal });
  return images.at(-1)?.id ?? "";
}
