import type { CallOptions, ContentSource } from "../model/content.ts";
import type { Descriptor } from "../model/descriptor.ts";
import { NotFoundError, PlatformNotFoundError } from "../model/errors.ts";
import { isIndexType } from "../model/media_types.ts";
import { formatPlatform, type Platform } from "../model/platform.ts";
import { choosePlatform, isAttestation } from "../model/platform_match.ts";
import { type FoundIndex, walkIndexes } from "./walk_indexes.ts";

/**
 * Chooses the image for a platform from an index, as containerd does. Indexes in the index are
 * searched after it, up to 5 levels; attestations are never chosen.
 *
 * @param source Where the indexes are.
 * @param index The index.
 * @param platform The platform that is wanted; without one the index has to have one image only.
 * @param options A signal.
 * @returns The descriptor of the image.
 * @throws {PlatformNotFoundError} when there is no image for the platform; it lists those there are.
 * @throws {TypeError} when there are several images and no platform was given.
 */
export async function chooseFromIndex(
  source: ContentSource,
  index: FoundIndex,
  platform: Platform | undefined,
  options: CallOptions = {},
): Promise<Descriptor> {
  const images: Descriptor[] = [];
  for await (const { parsed } of walkIndexes(source, index, options)) {
    const here = parsed.value.manifests.filter((item) =>
      !isIndexType(item.mediaType) && !isAttestation(item)
    );
    images.push(...here);
    const chosen = platform === undefined ? undefined : choosePlatform(here, platform);
    if (chosen !== undefined) return chosen;
  }
  const [only] = images;
  if (platform === undefined && only !== undefined && images.length === 1) return only;
  throw noneChosen(index.descriptor, images, platform);
}

function noneChosen(
  index: Descriptor,
  images: readonly Descriptor[],
  wanted: Platform | undefined,
): Error {
  const available = images.flatMap((image) => image.platform ?? []);
  const list = available.map((item) => formatPlatform(item)).join(", ");
  const what = `the index ${index.digest}`;
  if (wanted === undefined && images.length > 0) {
    return new TypeError(`Cannot choose from ${what}: give a platform, one of ${list}`);
  }
  if (wanted === undefined) {
    return new NotFoundError(`Cannot find an image in ${what}: it has none`);
  }
  return new PlatformNotFoundError(
    `Cannot find ${formatPlatform(wanted)} in ${what}: it has ${list === "" ? "no image" : list}`,
    { wanted, available },
  );
}
