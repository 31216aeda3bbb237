import type { CallOptions } from "../model/content.ts";
import type { Descriptor } from "../model/descriptor.ts";
import { NotFoundError } from "../model/errors.ts";
import { isForeignLayerType } from "../model/media_types.ts";
import type { Manifest } from "../registry/manifests.ts";
import type { Repository } from "../registry/repository.ts";
import { mapConcurrent } from "../bytes/map_concurrent.ts";
import { PULL_JOBS } from "./_contents_v22.ts";
import type { MissingContent } from "./metadata.ts";

/** Asks for every part of an image whether it is there; foreign layers may be elsewhere. */
export async function missingContent(
  repository: Repository,
  image: Descriptor,
  options: CallOptions,
): Promise<MissingContent[]> {
  let manifest: Manifest;
  try {
    manifest = await repository.manifest(image.digest, options);
  } catch (error) {
    if (!(error instanceof NotFoundError)) throw error;
    return [{ kind: "manifest", digest: image.digest, descriptor: image }];
  }
  const parts = partsOf(manifest);
  const found = await mapConcurrent(
    parts,
    PULL_JOBS,
    ({ digest, descriptor = unsized(digest) }, _, signal) =>
      repository.exists(descriptor, { signal }),
    options,
  );
  return parts.filter((_, index) => found[index] !== true);
}

function partsOf({ parsed }: Manifest): MissingContent[] {
  if (parsed.kind === "schema1") {
    const digests = new Set(parsed.value.fsLayers.map(({ blobSum }) => blobSum));
    return [...digests].map((digest) => ({ kind: "layer", digest, descriptor: undefined }));
  }
  if (parsed.kind !== "image") return [];
  const { config, layers } = parsed.value;
  const own = layers.filter(({ mediaType }) => !isForeignLayerType(mediaType));
  const parts = [config, ...own].map((descriptor, index): [string, MissingContent] => [
    descriptor.digest,
    { kind: index === 0 ? "config" : "layer", digest: descriptor.digest, descriptor },
  ]);
  return [...new Map(parts).values()];
}

function unsized(digest: string): Descriptor {
  return { mediaType: "application/octet-stream", digest, size: 1 };
}
