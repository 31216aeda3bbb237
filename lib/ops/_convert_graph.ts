import { digestBytes } from "../hash/digest_bytes.ts";
import { ANNOTATION_DOCKER_REFERENCE_DIGEST } from "../model/annotations.ts";
import type { Descriptor } from "../model/descriptor.ts";
import { digestAlgorithm } from "../model/digest.ts";
import { UnsupportedMediaTypeError } from "../model/errors.ts";
import { type ImageFormat, typeIn } from "../model/image_format.ts";
import { childDescriptors, type ParsedImageManifest } from "../model/manifest.ts";
import { parseManifest } from "../model/parse_manifest.ts";
import { isConfigType, isForeignLayerType, isLayerType } from "../model/media_types.ts";
import type { CopyGraph } from "./_copy_graph.ts";
import type { WalkedManifest } from "./walk.ts";

/** A graph whose manifests are those of a format. */
export interface ConvertedGraph {
  /** What was asked for, as it is now. */
  readonly root: Descriptor;
  /** Manifests in the order they are stored. */
  readonly manifests: readonly WalkedManifest[];
}

/** What Docker's manifests have no place for. */
const OCI_FIELDS = ["artifactType", "subject", "annotations"];

/**
 * Writes the manifests of a graph anew in a format, if there is one to have. Configs and layers keep
 * their bytes, but for the layers that are stored in another way; unknown fields stay. What is no
 * image (artifacts, attestations) stays as it is, but that an attestation in an index names the image
 * it speaks about by its new digest. In Docker's format there are no annotations, subjects and
 * artifact types of manifests: they are left out.
 *
 * @throws {UnsupportedMediaTypeError} when the root is no image, or has referrers that would lose it.
 */
export function convertGraph(
  { manifests, referrers }: CopyGraph,
  root: Descriptor,
  format: ImageFormat | undefined,
  layers: ReadonlyMap<string, Descriptor>,
): ConvertedGraph {
  if (format === undefined) return { root, manifests };
  const renamed = new Map<string, Descriptor>();
  const converted = manifests.map((walked) => {
    const changed = convert(walked, format, renamed, layers);
    if (changed !== walked) renamed.set(walked.descriptor.digest, changed.descriptor);
    return changed;
  });
  const found = converted.find((_, index) => manifests[index]?.descriptor.digest === root.digest);
  if (found === undefined || !isIn(found.parsed.mediaType, format)) {
    throw refusal(root, format, "it is no image and no index of images");
  }
  if (referrers.length > 0 && renamed.size > 0) {
    throw refusal(root, format, "its referrers name it by the digest that it loses");
  }
  return { root: renamed.get(root.digest) ?? root, manifests: converted };
}

function convert(
  walked: WalkedManifest,
  format: ImageFormat,
  renamed: ReadonlyMap<string, Descriptor>,
  stored: ReadonlyMap<string, Descriptor>,
): WalkedManifest {
  const { parsed } = walked;
  const mediaType = typeIn(format, parsed.mediaType);
  if (parsed.kind === "index") {
    const manifests = parsed.value.manifests.map((child) => childNow(child, renamed));
    const isSame = mediaType === parsed.mediaType &&
      manifests.every((child, index) => child === parsed.value.manifests[index]);
    if (isSame) return walked;
    return rewritten(walked, mediaType, { ...parsed.value, mediaType, manifests }, format);
  }
  if (parsed.kind !== "image" || !isConverted(parsed, format)) return walked;
  const { config, layers } = parsed.value;
  const value = {
    ...parsed.value,
    mediaType,
    config: { ...config, mediaType: typeIn(format, config.mediaType) },
    layers: layers.map((layer) => layerNow(layer, format, stored)),
  };
  return rewritten(walked, mediaType, value, format);
}

/** The blobs that are named by the manifests of a graph as they are now. */
export function namedBlobs(
  { blobs }: CopyGraph,
  manifests: readonly WalkedManifest[],
  layers: ReadonlyMap<string, Descriptor>,
): readonly Descriptor[] {
  if (layers.size === 0) return blobs;
  const named = manifests.flatMap(({ parsed }) => childDescriptors(parsed));
  const digests = new Set(named.map(({ digest }) => digest));
  return [...blobs, ...layers.values()].filter(({ digest }) => digests.has(digest));
}

/** Whether a manifest is written anew in a format: that of an image that is in the other one. */
export function isConverted(
  { mediaType, value: { config, layers } }: ParsedImageManifest,
  format: ImageFormat,
): boolean {
  return !isIn(mediaType, format) && isConfigType(config.mediaType) && layers.every(isConvertible);
}

/** A layer as it is in a format. */
function layerNow(
  layer: Descriptor,
  format: ImageFormat,
  stored: ReadonlyMap<string, Descriptor>,
): Descriptor {
  const now = stored.get(layer.digest);
  if (now === undefined) return { ...layer, mediaType: typeIn(format, layer.mediaType) };
  // They are about the bytes as they were.
  const { annotations: _annotations, data: _data, urls: _urls, ...rest } = layer;
  return { ...rest, ...now, mediaType: typeIn(format, now.mediaType) };
}

function isConvertible({ mediaType }: Descriptor): boolean {
  return isLayerType(mediaType) || isForeignLayerType(mediaType);
}

/** A child of an index, as it is now. */
function childNow(child: Descriptor, renamed: ReadonlyMap<string, Descriptor>): Descriptor {
  const now = renamed.get(child.digest);
  const about = child.annotations?.[ANNOTATION_DOCKER_REFERENCE_DIGEST];
  const subject = about === undefined ? undefined : renamed.get(about);
  if (now === undefined && subject === undefined) return child;
  const { data, ...rest } = child;
  return {
    ...rest,
    // What was embedded is the manifest as it was.
    ...(now !== undefined || data === undefined ? {} : { data }),
    ...(now === undefined ? {} : { mediaType: now.mediaType, digest: now.digest, size: now.size }),
    ...(subject === undefined ? {} : {
      annotations: { ...child.annotations, [ANNOTATION_DOCKER_REFERENCE_DIGEST]: subject.digest },
    }),
  };
}

function rewritten(
  walked: WalkedManifest,
  mediaType: string,
  value: object,
  format: ImageFormat,
): WalkedManifest {
  const left = format === "docker" ? new Set(OCI_FIELDS) : new Set<string>();
  const kept = Object.fromEntries(Object.entries(value).filter(([name]) => !left.has(name)));
  const raw = new TextEncoder().encode(JSON.stringify(kept));
  const { digest, size: _, data: __, ...rest } = walked.descriptor;
  const descriptor: Descriptor = {
    ...rest,
    mediaType,
    digest: digestBytes(digestAlgorithm(digest), raw),
    size: raw.byteLength,
  };
  return { ...walked, descriptor, parsed: parseManifest(raw, mediaType) };
}

function isIn(mediaType: string, format: ImageFormat): boolean {
  return typeIn(format, mediaType) === mediaType;
}

function refusal(root: Descriptor, format: ImageFormat, reason: string): UnsupportedMediaTypeError {
  const { mediaType, digest } = root;
  return new UnsupportedMediaTypeError(
    `Cannot convert ${digest} to the ${format === "oci" ? "OCI" : "Docker"} format: ${reason}`,
    { mediaType },
  );
}
