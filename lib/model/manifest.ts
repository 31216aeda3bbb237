import type { Bytes } from "./bytes.ts";
import type { Descriptor } from "./descriptor.ts";
import { parseJSON } from "./_json.ts";
import { isJSONObject } from "./json_object.ts";
import type { ParsedImageIndex } from "./image_index.ts";
import { guessManifestType as guessType } from "./_manifest_type.ts";
import { manifestFail, MAX_MANIFEST_BYTES, readManifest } from "./_read_manifest.ts";
import type { ParsedSchema1 } from "./schema1.ts";

export { MAX_MANIFEST_BYTES };

/**
 * The manifest of an image or artifact: OCI (image-spec, manifest.md) or Docker (version 2,
 * schema 2). Fields that lading does not know are there too; maps with free keys have no
 * prototype.
 */
export interface ImageManifest {
  /** Always 2. */
  readonly schemaVersion: 2;
  /** The media type of the document itself. */
  readonly mediaType?: string;
  /** The type of the artifact, when this is no image that can run. */
  readonly artifactType?: string;
  /** The config. */
  readonly config: Descriptor;
  /** The layers, base first. */
  readonly layers: readonly Descriptor[];
  /** The manifest that this one speaks about. */
  readonly subject?: Descriptor;
  /** Free key-value pairs. */
  readonly annotations?: Readonly<Record<string, string>>;
}

/** The artifact manifest of the release candidates of image-spec 1.1, withdrawn since. */
export interface ArtifactManifest {
  /** The media type of the document itself. */
  readonly mediaType: string;
  /** The type of the artifact. */
  readonly artifactType?: string;
  /** What the artifact is made of. */
  readonly blobs: readonly Descriptor[];
  /** The manifest that this one speaks about. */
  readonly subject?: Descriptor;
  /** Free key-value pairs. */
  readonly annotations?: Readonly<Record<string, string>>;
}

/** A manifest with the bytes it was read from. */
export interface ParsedImageManifest {
  /** What kind of document this is. */
  readonly kind: "image";
  /** The bytes as they were received. */
  readonly raw: Bytes;
  /** The media type: that of the document where it names one. */
  readonly mediaType: string;
  /** What the bytes say. */
  readonly value: ImageManifest;
}

/** An artifact manifest with the bytes it was read from. */
export interface ParsedArtifactManifest {
  /** What kind of document this is. */
  readonly kind: "artifact";
  /** The bytes as they were received. */
  readonly raw: Bytes;
  /** The media type. */
  readonly mediaType: string;
  /** What the bytes say. */
  readonly value: ArtifactManifest;
}

/** A document that is stored as a manifest; `kind` tells which one. */
export type ParsedManifest =
  | ParsedImageManifest
  | ParsedImageIndex
  | ParsedArtifactManifest
  | ParsedSchema1;

/**
 * Parses a manifest, an index or a Docker manifest of schema 1. The digest has to be proved before,
 * over the same bytes.
 *
 * A document that two readers could understand differently is refused: one with fields of two
 * kinds, or of another kind than it was announced as (CVE-2021-41190), one with a key twice or
 * with a key that differs from a known one by case alone. Unknown fields and unknown media types
 * pass; `null`, as Go writes it, reads as absent.
 *
 * @param raw At most {@linkcode MAX_MANIFEST_BYTES}.
 * @param mediaType The type it was announced with: that of its descriptor, or a `Content-Type`.
 * Types that say nothing (`application/json`) count as none.
 * @returns The value, the bytes and the media type.
 * @throws {InvalidManifestError} when the bytes are no manifest.
 */
export function parseManifest(raw: Uint8Array, mediaType?: string): ParsedManifest {
  return readManifest(raw, mediaType);
}

/**
 * Parses the manifest of one image or artifact, with the checks of {@linkcode parseManifest}.
 *
 * @param raw At most {@linkcode MAX_MANIFEST_BYTES}.
 * @param mediaType The type it was announced with.
 * @returns The value, the bytes and the media type.
 * @throws {InvalidManifestError} when the bytes are no manifest of one image.
 */
export function parseImageManifest(raw: Uint8Array, mediaType?: string): ParsedImageManifest {
  const parsed = readManifest(raw, mediaType);
  return parsed.kind === "image" ? parsed : manifestFail(raw)("not the manifest of one image");
}

/**
 * Guesses the media type of a manifest from its bytes alone, without judging the rest of it.
 *
 * @param raw The bytes.
 * @returns The media type, or `undefined` when they look like no manifest.
 */
export function guessManifestType(raw: Uint8Array): string | undefined {
  try {
    const document = parseJSON(raw, MAX_MANIFEST_BYTES, manifestFail(raw));
    return isJSONObject(document) ? guessType(document) : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Lists what a manifest is made of: the manifests of an index, in its order, or the config and
 * the layers of an image. The `subject` is no child. Schema 1 names its blobs without their sizes,
 * so that it has no descriptors: see `schema1Layers`.
 *
 * @param parsed A manifest of any kind.
 * @returns The descriptors, duplicates included.
 */
export function childDescriptors(parsed: ParsedManifest): Descriptor[] {
  switch (parsed.kind) {
    case "index":
      return [...parsed.value.manifests];
    case "image":
      return [parsed.value.config, ...parsed.value.layers];
    case "artifact":
      return [...parsed.value.blobs];
    case "schema1":
      return [];
  }
}
