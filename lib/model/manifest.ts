import type { Bytes } from "./bytes.ts";
import type { Descriptor } from "./descriptor.ts";
import type { ParsedImageIndex } from "./image_index.ts";
import type { ParsedSchema1 } from "./schema1.ts";

/**
 * The most bytes of a manifest or index. The distribution-spec asks registries for at least 4 MB;
 * this is what Docker, containerd, oras and the registry servers take.
 */
export const MAX_MANIFEST_BYTES: number = 4 * 1024 * 1024;

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
