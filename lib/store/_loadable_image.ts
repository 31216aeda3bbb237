import { fetchProved } from "../bytes/fetch_proved.ts";
import type { Bytes } from "../model/bytes.ts";
import type { ContentSource } from "../model/content.ts";
import type { Descriptor } from "../model/descriptor.ts";
import {
  InvalidConfigError,
  InvalidManifestError,
  NotFoundError,
  PlatformNotFoundError,
  UnsupportedMediaTypeError,
} from "../model/errors.ts";
import { MAX_CONFIG_BYTES } from "../model/image_config.ts";
import { parseImageConfig } from "../model/parse_image_config.ts";
import { isConfigType, isIndexType } from "../model/media_types.ts";
import { formatPlatform, type Platform } from "../model/platform.ts";
import { choosePlatform, isAttestation } from "../model/platform_match.ts";
import type { ArchiveGraph, GraphOptions } from "./_archive_graph.ts";

/** An image as `manifest.json` can name it. */
export interface LoadableImage {
  readonly descriptor: Descriptor;
  readonly config: Descriptor;
  readonly layers: readonly Descriptor[];
}

/**
 * Finds the image behind a root that an engine can load: of an index the one for the platform.
 * What makes that impossible is given back, what fails is thrown.
 *
 * @returns The image, or {@linkcode PlatformNotFoundError}, `TypeError` when an index has several
 * images and no platform was given, {@linkcode UnsupportedMediaTypeError} when it is no image,
 * {@linkcode NotFoundError} when a part of it is absent, {@linkcode InvalidConfigError} or
 * {@linkcode InvalidManifestError} when config and manifest do not fit.
 */
export async function loadableImage(
  source: ContentSource,
  graph: ArchiveGraph,
  root: Descriptor,
  options: GraphOptions & { readonly platform: Platform | undefined },
): Promise<LoadableImage | Error> {
  const descriptor = chooseImage(graph, root, options.platform);
  if (descriptor instanceof Error) return descriptor;
  const { digest } = descriptor;
  const parsed = graph.manifests.get(digest);
  if (parsed === undefined) return absent(digest, digest);
  if (parsed.kind !== "image" || !isConfigType(parsed.value.config.mediaType)) {
    return new UnsupportedMediaTypeError(
      `Cannot write ${digest} into a docker archive: it is no image that can run; use an OCI archive`,
      { mediaType: parsed.mediaType },
    );
  }
  const { config, layers } = parsed.value;
  for (const part of [config, ...layers]) {
    if (!graph.contents.has(part.digest)) return absent(digest, part.digest);
  }
  const raw = await fetchProved(source, config, {
    maxBytes: MAX_CONFIG_BYTES,
    what: `the config ${config.digest}`,
    hasher: options.hasher,
    signal: options.signal,
  });
  return checkConfig(raw, digest, layers.length) ?? { descriptor, config, layers };
}

/** Looks through an index, and then through those in it; attestations are never chosen. */
function chooseImage(
  { manifests }: ArchiveGraph,
  root: Descriptor,
  platform: Platform | undefined,
): Descriptor | Error {
  const images: Descriptor[] = [];
  const seen = new Set<string>();
  let level = [root];
  while (level.length > 0) {
    const below: Descriptor[] = [];
    for (const descriptor of level) {
      const parsed = manifests.get(descriptor.digest);
      if (parsed?.kind !== "index") {
        if (descriptor === root) return root;
        continue;
      }
      if (seen.has(descriptor.digest)) continue;
      seen.add(descriptor.digest);
      const entries = parsed.value.manifests.filter((entry) => !isAttestation(entry));
      const here = entries.filter(({ mediaType }) => !isIndexType(mediaType));
      const chosen = platform === undefined ? undefined : choosePlatform(here, platform);
      if (chosen !== undefined) return chosen;
      images.push(...here);
      below.push(...entries.filter(({ mediaType }) => isIndexType(mediaType)));
    }
    level = below;
  }
  const [only, ...others] = images;
  const isFree = platform === undefined || only?.platform === undefined;
  if (only !== undefined && others.length === 0 && isFree) return only;
  return noneChosen(root, images, platform);
}

function noneChosen(
  { digest }: Descriptor,
  images: readonly Descriptor[],
  wanted: Platform | undefined,
): Error {
  const available = images.flatMap(({ platform }) => platform ?? []);
  const list = available.map((platform) => formatPlatform(platform)).join(", ") || "no image";
  if (wanted === undefined) {
    return images.length === 0
      ? new NotFoundError(`Cannot find an image in the index ${digest}: it has none`)
      : new TypeError(`Cannot choose from the index ${digest}: give a platform, one of ${list}`);
  }
  return new PlatformNotFoundError(
    `Cannot find ${formatPlatform(wanted)} in the index ${digest}: it has ${list}`,
    { wanted, available },
  );
}

function checkConfig(raw: Bytes, digest: string, layers: number): Error | undefined {
  try {
    const { rootfs } = parseImageConfig(raw).value;
    if (rootfs.diff_ids.length === layers) return undefined;
    return new InvalidManifestError(
      `Cannot write ${digest} into a docker archive: its config speaks of ` +
        `${rootfs.diff_ids.length} layers, its manifest of ${layers}`,
      { input: digest },
    );
  } catch (error) {
    if (error instanceof InvalidConfigError) return error;
    throw error;
  }
}

function absent(image: string, part: string): NotFoundError {
  return new NotFoundError(
    `Cannot write ${image} into a docker archive: ${part} of it is not there`,
  );
}
