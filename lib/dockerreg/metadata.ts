import type { Descriptor } from "../model/descriptor.ts";
import type { ManifestVersion } from "./manifest.ts";

/** What a registry says of a reference. */
export interface ReferenceMetadata {
  /** The registry: `ghcr.io`. */
  readonly registry: string;
  /** The name of the repository in it: `acme/app`. */
  readonly repository: string;
  /** The tag or digest that was asked for. */
  readonly reference: string;
  /** The digest of the manifest; in registries of version 1, which have none, the ID of the image. */
  readonly digest: string;
  /** The media type of the manifest. */
  readonly mediaType: string;
  /** The bytes of the manifest. */
  readonly size: number;
}

/** One layer of an image. */
export interface LayerFacts {
  /** The digest of the layer; in registries of version 1 the ID of its image. */
  readonly digest: string;
  /** Its bytes as they are stored. */
  readonly size: number;
}

/** What is known of an image without reading its layers. */
export interface ImageFacts {
  /** The ID: the digest of the config; of schema 1 and version 1 the ID that the newest layer has. */
  readonly id: string;
  /** Which kind of manifest it has. */
  readonly version: ManifestVersion;
  /** The processor architecture. */
  readonly architecture: string | undefined;
  /** The operating system. */
  readonly os: string | undefined;
  /** The variant of the architecture. */
  readonly variant: string | undefined;
  /** When it was made (RFC 3339). */
  readonly created: string | undefined;
  /** The layers, base first. */
  readonly layers: readonly LayerFacts[];
  /** The bytes of all layers as they are stored, each once. */
  readonly size: number;
  /** The digest of the config; absent where there is none. */
  readonly configDigest: string | undefined;
}

/** What is known of a reference and of the image that it leads to. */
export interface ImageMetadata {
  /** The reference, and the manifest or list that it points at. */
  readonly reference: ReferenceMetadata;
  /** The image, chosen from the list where it is one. */
  readonly image: ImageFacts;
}

/** A part of an image that the registry does not have. */
export interface MissingContent {
  /** What it is. */
  readonly kind: "manifest" | "config" | "layer";
  /** Its digest; in registries of version 1 the ID of its image. */
  readonly digest: string;
  /** Its descriptor, where the manifest has one: schema 1 and version 1 have none. */
  readonly descriptor: Descriptor | undefined;
}

/** What deleting an image came to. */
export interface DeletedImage {
  /** The digests of what was deleted: manifests, then blobs. */
  readonly deleted: readonly string[];
  /** The digests of what stays because other tags need it. */
  readonly kept: readonly string[];
}

/** The bytes of layers, each once. */
export function totalSize(layers: readonly LayerFacts[]): number {
  const sizes = new Map(layers.map(({ digest, size }) => [digest, size]));
  return [...sizes.values()].reduce((sum, size) => sum + size, 0);
}
