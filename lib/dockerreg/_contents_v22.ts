import { mapConcurrent } from "../bytes/map_concurrent.ts";
import { fetchConfig } from "../image/fetch_config.ts";
import { ANNOTATION_CREATED } from "../model/annotations.ts";
import type { ByteStream } from "../model/bytes.ts";
import type { CallOptions, ContentSource } from "../model/content.ts";
import type { Descriptor } from "../model/descriptor.ts";
import { NotFoundError } from "../model/errors.ts";
import type { ParsedImageManifest } from "../model/manifest.ts";
import { isConfigType, isForeignLayerType } from "../model/media_types.ts";
import type { ImageContents, OpenImage } from "./_backend.ts";
import type { ImageCache } from "./_image_cache.ts";
import type { ManifestPlace } from "./manifest.ts";
import { ManifestV22, type ManifestV22Options } from "./manifest_v22.ts";
import { type ImageFacts, totalSize } from "./metadata.ts";

/** How many blobs are pulled at the same time: what Docker's engine does. */
export const PULL_JOBS = 3;

/** An image with a manifest of schema 2 or of the OCI. */
export class ContentsV22 implements ImageContents {
  readonly manifest: ManifestV22;
  readonly reference: Descriptor;
  readonly #source: ContentSource;
  readonly #descriptor: Descriptor;

  constructor(
    source: ContentSource,
    descriptor: Descriptor,
    manifest: ManifestV22,
    reference: Descriptor = descriptor,
  ) {
    this.#source = source;
    this.#descriptor = descriptor;
    this.manifest = manifest;
    this.reference = reference;
  }

  facts(_: CallOptions): Promise<ImageFacts> {
    const { version, architecture, os, variant, configDigest, layers } = this.manifest;
    return Promise.resolve({
      id: configDigest,
      version,
      architecture,
      os,
      variant,
      created: createdOf(this.manifest),
      layers: layers.map(({ digest, size }) => ({ digest, size })),
      size: totalSize(layers),
      configDigest,
    });
  }

  async openLayer(digest: string, options: CallOptions): Promise<ByteStream> {
    const layer = this.manifest.layers.find((layer) => layer.digest === digest);
    if (layer !== undefined) return await this.#source.fetch(layer, options);
    throw new NotFoundError(`Cannot open the layer ${digest}: the image does not have it`);
  }

  open(_: CallOptions): Promise<OpenImage> {
    const { raw } = this.manifest;
    return Promise.resolve({ source: this.#source, descriptor: this.#descriptor, raw });
  }

  async pull(cache: ImageCache, options: CallOptions): Promise<void> {
    const { config, layers } = this.manifest.value;
    const blobs = [...new Map([config, ...layers].map((blob) => [blob.digest, blob])).values()];
    const pull = async (blob: Descriptor, _: number, signal: AbortSignal): Promise<void> => {
      if (await this.#isElsewhere(blob, signal)) return;
      await cache.ensure(blob, () => this.#source.fetch(blob, { signal }), { signal });
    };
    await mapConcurrent(blobs, PULL_JOBS, pull, options);
    await cache.writeManifest(this.manifest.raw, options);
  }

  /** Foreign layers may be elsewhere (OCI image-spec, layer.md §non-distributable layers). */
  async #isElsewhere(blob: Descriptor, signal: AbortSignal): Promise<boolean> {
    return isForeignLayerType(blob.mediaType) && !await this.#source.exists(blob, { signal });
  }
}

/** When an image was made: by its config, its history, or its annotations. */
function createdOf({ created, config, value }: ManifestV22): string | undefined {
  const newest = config?.history?.findLast((step) => step.created !== undefined)?.created;
  return created ?? newest ?? value.annotations?.[ANNOTATION_CREATED];
}

/** Makes the class of a manifest, with its config where it is that of an image. */
export async function openManifestV22(
  source: ContentSource,
  { raw, mediaType, value }: ParsedImageManifest,
  place: ManifestPlace & Pick<ManifestV22Options, "list" | "entry">,
  options: CallOptions,
): Promise<ManifestV22> {
  const config = isConfigType(value.config.mediaType)
    ? await fetchConfig(source, value.config, options)
    : undefined;
  return new ManifestV22(raw, { ...place, mediaType, config });
}
