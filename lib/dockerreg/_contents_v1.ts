import { readAll } from "../bytes/read_all.ts";
import type { ByteStream } from "../model/bytes.ts";
import type { CallOptions } from "../model/content.ts";
import type { Descriptor } from "../model/descriptor.ts";
import { InvalidConfigError, NotFoundError } from "../model/errors.ts";
import { parseImageManifest } from "../model/parse_manifest.ts";
import { convertV1 } from "../registry/v1/convert.ts";
import { v1Layers } from "../registry/v1/open_v1_image.ts";
import type { RepositoryV1 } from "../registry/v1/repository_v1.ts";
import type { V1ImageInfo } from "../registry/v1/v1_image_info.ts";
import type { V1PushImage } from "../registry/v1/v1_push_image.ts";
import type { ImageContents, OpenImage } from "./_backend.ts";
import type { ImageCache } from "./_image_cache.ts";
import { ManifestV1 } from "./manifest_v1.ts";
import type { ManifestPlace } from "./manifest.ts";
import { type ImageFacts, totalSize } from "./metadata.ts";

/** An image of a registry of version 1: a chain of documents with a layer each. */
export class ContentsV1 implements ImageContents {
  readonly manifest: ManifestV1;
  readonly reference: Descriptor;
  readonly #repository: RepositoryV1;
  readonly #images: readonly V1ImageInfo[];

  constructor(repository: RepositoryV1, images: readonly V1ImageInfo[], place: ManifestPlace) {
    const top = images.at(-1);
    if (top === undefined) {
      throw new InvalidConfigError("Cannot open the image: it has no layer", { input: "" });
    }
    this.manifest = new ManifestV1(top.raw, place);
    this.reference = descriptorOf(top);
    this.#repository = repository;
    this.#images = images;
  }

  facts(_: CallOptions): Promise<ImageFacts> {
    const { id, version, architecture, os } = this.manifest;
    const layers = this.#images.map(({ value, size }) => ({
      digest: value.id,
      size: size ?? value.Size ?? 0,
    }));
    return Promise.resolve({
      id,
      version,
      architecture,
      os,
      variant: undefined,
      created: this.#images.findLast(({ value }) => value.created !== undefined)?.value.created,
      layers,
      size: totalSize(layers),
      configDigest: undefined,
    });
  }

  async openLayer(digest: string, options: CallOptions): Promise<ByteStream> {
    const image = this.#images.find(({ value }) => value.id === digest);
    if (image !== undefined) return await this.#repository.layer(digest, { ...options, image });
    throw new NotFoundError(`Cannot open the layer ${digest}: the image does not have it`);
  }

  async open({ signal }: CallOptions): Promise<OpenImage> {
    const source = await convertV1(v1Layers(this.#repository, this.#images), { signal });
    return { source, descriptor: source.descriptor };
  }

  /** What another registry of version 1 gets: the same images. */
  images(): V1PushImage[] {
    return this.#images.map((image) => ({
      id: image.value.id,
      raw: image.raw,
      open: (options) => this.#repository.layer(image.value.id, { ...options, image }),
    }));
  }

  /** Converts the image into a cache, so that it can be pushed from there to any registry. */
  async pull(cache: ImageCache, options: CallOptions): Promise<void> {
    const { signal } = options;
    const layers = v1Layers(this.#repository, this.#images);
    const source = await convertV1(layers, { store: cache, signal });
    const { descriptor } = source;
    const raw = await readAll(await source.fetch(descriptor), { maxBytes: descriptor.size });
    const { config } = parseImageManifest(raw).value;
    await cache.ensure(config, () => source.fetch(config), { signal });
    await cache.writeManifest(raw, { signal });
  }
}

/** What a reference of version 1 leads to; in place of a digest it has an ID. */
export function descriptorOf({ value, raw }: V1ImageInfo): Descriptor {
  return { mediaType: "application/json", digest: value.id, size: raw.byteLength };
}
