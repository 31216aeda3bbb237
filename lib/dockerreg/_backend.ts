import type { Bytes, ByteStream } from "../model/bytes.ts";
import type { CallOptions, ContentSource } from "../model/content.ts";
import type { Descriptor } from "../model/descriptor.ts";
import type { Platform } from "../model/platform.ts";
import type { BlobSource } from "./_blob_source.ts";
import type { ImageCache } from "./_image_cache.ts";
import type { ManifestV1 } from "./manifest_v1.ts";
import type { ManifestV21 } from "./manifest_v21.ts";
import type { ManifestV22 } from "./manifest_v22.ts";
import type { DeletedImage, ImageFacts, MissingContent } from "./metadata.ts";

/** Options of calls that may choose from a list. */
export interface SelectOptions extends CallOptions {
  /** The platform to choose; without one a list has to have one image only. */
  readonly platform?: Platform | undefined;
}

/** An image that any store can take: schema 2 or OCI. */
export interface OpenImage {
  readonly source: ContentSource;
  readonly descriptor: Descriptor;
  /** The bytes of the manifest, where the source need not be asked for them. */
  readonly raw?: Bytes | undefined;
}

/** One image, wherever it is, as the façade sees it. */
export interface ImageContents {
  readonly manifest: ManifestV1 | ManifestV21 | ManifestV22;
  /** What led to it. */
  readonly reference: Descriptor;
  /** Tells what is known without reading layers. */
  facts(options: CallOptions): Promise<ImageFacts>;
  /** Opens a layer by the digest that the facts name, as it is stored. */
  openLayer(digest: string, options: CallOptions): Promise<ByteStream>;
  /** Makes it available as schema 2 or OCI; older images are converted, which reads their layers. */
  open(options: CallOptions): Promise<OpenImage>;
  /** Brings whatever is missing into a cache, the manifest last. */
  pull(cache: ImageCache, options: CallOptions): Promise<void>;
}

/** How an image is pushed. */
export interface PushContentsOptions extends CallOptions {
  /** The repository of the same registry that the image is in. */
  readonly mountFrom?: string | undefined;
  /** Whether older manifests are converted on the way. */
  readonly isConverted?: boolean | undefined;
}

/** How an image is deleted. */
export interface DeleteContentsOptions extends SelectOptions {
  readonly layers: boolean;
  readonly force: boolean;
}

/** One repository of a registry of either protocol. */
export interface RepositoryBackend {
  readonly name: string;
  /** Where blobs are found by their digests. */
  readonly blobs: BlobSource | undefined;
  tags(options: CallOptions): Promise<string[]>;
  reference(
    reference: string,
    options: CallOptions,
  ): Promise<Descriptor>;
  image(reference: string, options: SelectOptions): Promise<ImageContents>;
  /** Makes an image of this repository of a manifest that is known. */
  adopt(
    manifest: ImageContents["manifest"],
    reference: string,
    options: CallOptions,
  ): Promise<ImageContents>;
  missing(reference: string, options: SelectOptions): Promise<MissingContent[]>;
  delete(tag: string, options: DeleteContentsOptions): Promise<DeletedImage>;
  untag(tag: string, options: CallOptions): Promise<void>;
  tag(reference: string, newTag: string, options: SelectOptions): Promise<Descriptor>;
  push(image: ImageContents, tag: string, options: PushContentsOptions): Promise<Descriptor>;
}

/** A registry of either protocol. */
export interface RegistryBackend {
  readonly protocol: "v1" | "v2";
  /** Proves that the credentials are taken. */
  authenticate(options: CallOptions): Promise<void>;
  /** Lists the repositories. */
  names(options: CallOptions): AsyncIterable<string>;
  repository(name: string): RepositoryBackend;
}
