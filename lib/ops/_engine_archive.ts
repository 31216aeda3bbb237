// The documents of an archive that an engine loads. They come last: what they tell is known then.
import { ANNOTATION_CONTAINERD_IMAGE_NAME } from "../model/annotations.ts";
import type { Root } from "../model/content.ts";
import type { Descriptor } from "../model/descriptor.ts";
import { parseDigest } from "../model/digest.ts";
import {
  NotFoundError,
  PlatformNotFoundError,
  UnsupportedMediaTypeError,
} from "../model/errors.ts";
import type { ParsedManifest } from "../model/manifest.ts";
import { isConfigType, MEDIA_TYPE_OCI_INDEX } from "../model/media_types.ts";
import { formatPlatform, type Platform } from "../model/platform.ts";
import { choosePlatform, isAttestation } from "../model/platform_match.ts";
import {
  formatReference,
  isDigestReference,
  parseReference,
  withDefaultTag,
} from "../model/reference.ts";
import type { TarInput } from "../tar/writer.ts";

/** An image as `manifest.json` names it. */
interface LoadedImage {
  readonly config: Descriptor;
  readonly layers: readonly Descriptor[];
}

/** Where content lies in the archive (image-layout.md §blobs). */
export function blobPath(digest: string): string {
  const { algorithm, encoded } = parseDigest(digest);
  return `blobs/${algorithm}/${encoded}`;
}

/**
 * Makes the documents for what was sent: `manifest.json` for engines that keep layers, and those of
 * an OCI layout for engines where containerd keeps images, so that digests stay there.
 *
 * @throws {PlatformNotFoundError} when an index has no image for the platform.
 * @throws {UnsupportedMediaTypeError} when a root is no image that can run.
 * @throws {NotFoundError} when a part of an image was not sent.
 */
export function archiveDocuments(
  roots: readonly Root[],
  manifests: ReadonlyMap<string, ParsedManifest>,
  sent: ReadonlyMap<string, Descriptor>,
  platform: Platform,
): TarInput[] {
  const images = roots.map(({ descriptor, reference }) => {
    const { config, layers } = imageOf(descriptor, manifests, platform);
    for (const { digest } of [config, ...layers]) {
      if (!sent.has(digest)) throw absent(descriptor, digest);
    }
    const name = nameOf(reference);
    return {
      Config: blobPath(config.digest),
      RepoTags: name === undefined ? null : [name],
      Layers: layers.map(({ digest }) => blobPath(digest)),
    };
  });
  const index = roots.map(({ descriptor: { mediaType, digest, size }, reference }) => {
    const name = nameOf(reference);
    const annotations = name === undefined
      ? {}
      : { annotations: { [ANNOTATION_CONTAINERD_IMAGE_NAME]: name } };
    return { mediaType, digest, size, ...annotations };
  });
  return [
    document("manifest.json", images),
    document("index.json", {
      schemaVersion: 2,
      mediaType: MEDIA_TYPE_OCI_INDEX,
      manifests: index,
    }),
    document("oci-layout", { imageLayoutVersion: "1.0.0" }),
  ];
}

function document(path: string, value: unknown): TarInput {
  return { path, body: new TextEncoder().encode(JSON.stringify(value)) };
}

/** The full name: engines add nothing to it. A digest is no name. */
function nameOf(reference: string | undefined): string | undefined {
  if (reference === undefined || reference === "" || isDigestReference(reference)) return undefined;
  const { registry, repository, tag } = withDefaultTag(parseReference(reference));
  return tag === undefined ? undefined : formatReference({ registry, repository, tag });
}

function imageOf(
  root: Descriptor,
  manifests: ReadonlyMap<string, ParsedManifest>,
  platform: Platform,
): LoadedImage {
  const parsed = manifests.get(root.digest);
  if (parsed === undefined) throw absent(root, root.digest);
  if (parsed.kind === "index") {
    return imageOf(chosenFrom(root, parsed.value.manifests, platform), manifests, platform);
  }
  if (parsed.kind !== "image" || !isConfigType(parsed.value.config.mediaType)) {
    throw new UnsupportedMediaTypeError(
      `Cannot load ${root.digest} into an engine: it is no image that can run`,
      { mediaType: parsed.mediaType },
    );
  }
  return parsed.value;
}

function chosenFrom(
  { digest }: Descriptor,
  manifests: readonly Descriptor[],
  wanted: Platform,
): Descriptor {
  const images = manifests.filter((entry) => !isAttestation(entry));
  const [only, ...others] = images;
  const chosen = choosePlatform(images, wanted);
  if (chosen !== undefined) return chosen;
  if (only !== undefined && others.length === 0 && only.platform === undefined) return only;
  const available = images.flatMap(({ platform }) => platform ?? []);
  const list = available.map((platform) => formatPlatform(platform)).join(", ") || "no image";
  throw new PlatformNotFoundError(
    `Cannot find ${formatPlatform(wanted)} in the index ${digest}: it has ${list}`,
    { wanted, available },
  );
}

function absent({ digest }: Descriptor, part: string): NotFoundError {
  return new NotFoundError(`Cannot load ${digest} into an engine: ${part} of it was not pushed`);
}
