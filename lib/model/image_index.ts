import type { Bytes } from "./bytes.ts";
import type { Descriptor } from "./descriptor.ts";

/**
 * An OCI image index or a Docker manifest list (OCI image-spec, image-index.md). Fields that
 * lading does not know are there too.
 */
export interface ImageIndex {
  /** Always 2. */
  readonly schemaVersion: 2;
  /** The media type of the document itself. */
  readonly mediaType?: string;
  /** The type of the artifact, when the index is one. */
  readonly artifactType?: string;
  /** The manifests, in order of preference. */
  readonly manifests: readonly Descriptor[];
  /** The manifest that this one speaks about. */
  readonly subject?: Descriptor;
  /** Free key-value pairs. */
  readonly annotations?: Readonly<Record<string, string>>;
}

/** An index with the bytes it was read from. */
export interface ParsedImageIndex {
  /** What kind of document this is. */
  readonly kind: "index";
  /** The bytes as they were received. */
  readonly raw: Bytes;
  /** The media type: that of the document where it names one. */
  readonly mediaType: string;
  /** What the bytes say. */
  readonly value: ImageIndex;
}
