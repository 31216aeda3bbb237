import type { Bytes } from "../model/bytes.ts";
import type { ContentSource, Root } from "../model/content.ts";
import { ANNOTATION_CONTAINERD_IMAGE_NAME, ANNOTATION_REF_NAME } from "../model/annotations.ts";
import { parseDigest } from "../model/digest.ts";
import { InvalidReferenceError, isLadingError } from "../model/errors.ts";
import { MEDIA_TYPE_OCI_INDEX } from "../model/media_types.ts";
import type { Platform } from "../model/platform.ts";
import { formatReference, parseReference, withDefaultTag } from "../model/reference.ts";
import type { ArchiveGraph, GraphOptions } from "./_archive_graph.ts";
import { bareEntry, EMPTY_INDEX, formatLayoutIndex } from "./_layout_index.ts";
import { checkName } from "./_names.ts";
import { type LoadableImage, loadableImage } from "./_loadable_image.ts";

/** Which of its two sides an archive has to be good for; it has the other one where it can. */
export type ArchiveFormat = "oci" | "docker";

/** How the documents of an archive are made. */
export interface DocumentOptions extends GraphOptions {
  readonly format: ArchiveFormat;
  /** Whose image of an index `manifest.json` names. */
  readonly platform: Platform | undefined;
  /** The archive, for messages. */
  readonly place: string;
}

/** Where the content of a digest lies in an archive (image-layout.md §blobs). */
export function blobPath(digest: string): string {
  const { algorithm, encoded } = parseDigest(digest);
  return `blobs/${algorithm}/${encoded}`;
}

/**
 * The full name of an image, as `manifest.json` and containerd have it: with it, Docker and podman
 * load the same name, where podman takes a short one for `localhost/…`.
 *
 * @param isShort Whether a bare word is a name too, of the tag `latest`; it may be a tag.
 * @returns `undefined` when the reference is no name with a tag.
 */
export function imageName(reference: string, isShort: boolean): string | undefined {
  if (!isShort && !/[/:]/.test(reference)) return undefined;
  try {
    const { registry, repository, tag } = withDefaultTag(parseReference(reference));
    return tag === undefined ? undefined : formatReference({ registry, repository, tag });
  } catch (error) {
    if (isLadingError(error)) return undefined;
    throw error;
  }
}

/**
 * The name that an archive has for an image: in an OCI archive as it is given, in a docker archive
 * the full one.
 *
 * @throws {InvalidReferenceError} when it is no name that the archive can have.
 */
export function nameIn(format: ArchiveFormat, reference: string): string {
  if (format === "oci") {
    checkName(reference);
    return reference;
  }
  const name = imageName(reference, true);
  if (name !== undefined) return name;
  throw new InvalidReferenceError(
    `Cannot name an image of a docker archive ${JSON.stringify(reference.slice(0, 256))}: ` +
      "write it as NAME:TAG",
    { input: reference },
  );
}

/**
 * Makes `index.json`. podman and skopeo read the annotation of OCI, containerd its own; it has the
 * full name in any case.
 */
export function archiveIndex(roots: readonly Root[], place: string): Bytes {
  const manifests = roots.map(({ descriptor, reference }) => {
    const { mediaType, digest, size, annotations: others, ...rest } = bareEntry(descriptor);
    const name = reference === undefined ? undefined : imageName(reference, false);
    const annotations = {
      ...others,
      ...(name === undefined ? {} : { [ANNOTATION_CONTAINERD_IMAGE_NAME]: name }),
      ...(reference === undefined ? {} : { [ANNOTATION_REF_NAME]: reference }),
    };
    const hasAnnotations = Object.keys(annotations).length > 0;
    // In one order, whoever made the descriptor: the same images are the same bytes.
    return {
      mediaType,
      digest,
      size,
      ...inOrder(rest),
      ...(hasAnnotations ? { annotations: inOrder(annotations) } : {}),
    };
  });
  const { schemaVersion } = EMPTY_INDEX;
  return formatLayoutIndex({ schemaVersion, mediaType: MEDIA_TYPE_OCI_INDEX, manifests }, place);
}

/**
 * Makes `manifest.json`, which Docker reads. In an OCI archive it leaves out what Docker cannot
 * load, and is absent when nothing is left.
 *
 * @throws what {@linkcode loadableImage} does, for a docker archive.
 */
export async function archiveManifest(
  source: ContentSource,
  graph: ArchiveGraph,
  roots: readonly Root[],
  options: DocumentOptions,
): Promise<Bytes | undefined> {
  const images = new Map<string, { readonly image: LoadableImage; readonly names: Set<string> }>();
  for (const { descriptor, reference } of roots) {
    const image = await loadableImage(source, graph, descriptor, options);
    if (image instanceof Error) {
      if (options.format === "docker") throw image;
      continue;
    }
    const { digest } = image.descriptor;
    const entry = images.get(digest) ?? { image, names: new Set() };
    images.set(digest, entry);
    const name = reference === undefined ? undefined : imageName(reference, false);
    if (name !== undefined) entry.names.add(name);
  }
  if (images.size === 0) return undefined;
  const entries = [...images.values()].map(({ image: { config, layers }, names }) => ({
    Config: blobPath(config.digest),
    RepoTags: names.size === 0 ? null : [...names],
    Layers: layers.map(({ digest }) => blobPath(digest)),
  }));
  return new TextEncoder().encode(JSON.stringify(entries));
}

function inOrder<Value extends object>(value: Value): Value {
  const entries = Object.entries(value).sort(([a], [b]) => a < b ? -1 : a > b ? 1 : 0);
  return Object.fromEntries(entries) as Value;
}
