import type { Bytes } from "../model/bytes.ts";
import type { Root } from "../model/content.ts";
import type { Descriptor } from "../model/descriptor.ts";
import type { NamedRoot } from "./_names.ts";
import { ANNOTATION_CONTAINERD_IMAGE_NAME, ANNOTATION_REF_NAME } from "../model/annotations.ts";
import { InvalidManifestError, isLadingError, LimitExceededError } from "../model/errors.ts";
import type { ImageIndex } from "../model/image_index.ts";
import { parseImageIndex } from "../model/parse_image_index.ts";
import { MAX_MANIFEST_BYTES } from "../model/manifest.ts";

/** `index.json` is an index as any other (image-spec, image-layout.md), so it has their limit. */
export const MAX_LAYOUT_INDEX_BYTES: number = MAX_MANIFEST_BYTES;

/** The version of image-layout.md that is written; all of its major version are read. */
const LAYOUT_VERSION = "1.0.0";

/** Makes the content of the file `oci-layout`. */
export function layoutHeader(): Bytes {
  return new TextEncoder().encode(JSON.stringify({ imageLayoutVersion: LAYOUT_VERSION }));
}

/** The `index.json` of a layout that holds nothing yet. */
export const EMPTY_INDEX: ImageIndex = { schemaVersion: 2, manifests: [] };

/** Reads an `index.json`; unknown fields stay in it. */
export function parseLayoutIndex(raw: Bytes, place: string): ImageIndex {
  try {
    return parseImageIndex(raw).value;
  } catch (cause) {
    if (!isLadingError(cause)) throw cause;
    throw new InvalidManifestError(`Cannot read index.json of ${place}: ${cause.message}`, {
      input: cause instanceof InvalidManifestError ? cause.input : "",
      cause,
    });
  }
}

/** Writes an `index.json`. */
export function formatLayoutIndex(index: ImageIndex, place: string): Bytes {
  const raw = new TextEncoder().encode(JSON.stringify(index));
  if (raw.byteLength <= MAX_LAYOUT_INDEX_BYTES) return raw;
  throw new LimitExceededError(
    `Cannot add to ${place}: its index.json would have ${raw.byteLength} bytes, more than the ` +
      `limit of ${MAX_LAYOUT_INDEX_BYTES}`,
    { limit: MAX_LAYOUT_INDEX_BYTES, unit: "bytes" },
  );
}

/**
 * The name of an entry. containerd and `docker save` write the whole reference beside the tag;
 * everybody else writes one name (image-spec, annotations.md).
 */
function nameOf({ annotations }: Descriptor): string | undefined {
  return annotations?.[ANNOTATION_CONTAINERD_IMAGE_NAME] ?? annotations?.[ANNOTATION_REF_NAME];
}

/** The entries that have a name. */
export function namedRoots(
  index: ImageIndex,
): (NamedRoot & { readonly descriptor: Descriptor })[] {
  return index.manifests.flatMap((descriptor) => {
    const name = nameOf(descriptor);
    const shortName = descriptor.annotations?.[ANNOTATION_REF_NAME];
    return name === undefined ? [] : [{ descriptor, digest: descriptor.digest, name, shortName }];
  });
}

/** All entries, with their names. */
export function rootsOf(index: ImageIndex): Root[] {
  return index.manifests.map((descriptor) => {
    const reference = nameOf(descriptor);
    return reference === undefined ? { descriptor } : { descriptor, reference };
  });
}

/** Gives a manifest a name; whatever had the name goes. */
export function withName(index: ImageIndex, target: Descriptor, name: string): ImageIndex {
  const entry = {
    ...bareEntry(target),
    annotations: { ...bareEntry(target).annotations, [ANNOTATION_REF_NAME]: name },
  };
  const others = index.manifests.filter((descriptor) => nameOf(descriptor) !== name);
  return { ...index, manifests: [...others, entry] };
}

/** Adds a manifest without a name, unless one with this digest is there. */
export function withDigest(index: ImageIndex, target: Descriptor): ImageIndex {
  const isThere = index.manifests.some((entry) =>
    entry.digest === target.digest && nameOf(entry) === undefined
  );
  return isThere ? index : { ...index, manifests: [...index.manifests, bareEntry(target)] };
}

/** Takes entries out; the very same index comes back when there are none. */
export function without(
  index: ImageIndex,
  isUnwanted: (entry: Descriptor, name: string | undefined) => boolean,
): ImageIndex {
  const kept = index.manifests.filter((entry) => !isUnwanted(entry, nameOf(entry)));
  return kept.length === index.manifests.length ? index : { ...index, manifests: kept };
}

/** The descriptor as an entry: without the names it had elsewhere, and without inlined content. */
export function bareEntry(target: Descriptor): Descriptor {
  const { annotations, data: _data, ...rest } = target;
  const kept = Object.entries(annotations ?? {}).filter(([key]) =>
    key !== ANNOTATION_REF_NAME && key !== ANNOTATION_CONTAINERD_IMAGE_NAME
  );
  return kept.length === 0 ? rest : { ...rest, annotations: Object.fromEntries(kept) };
}
