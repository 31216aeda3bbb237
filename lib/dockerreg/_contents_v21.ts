import { mapConcurrent } from "../bytes/map_concurrent.ts";
import type { ByteStream } from "../model/bytes.ts";
import type { CallOptions, ContentSource } from "../model/content.ts";
import type { Descriptor } from "../model/descriptor.ts";
import { NotFoundError } from "../model/errors.ts";
import { convertV1 } from "../registry/v1/convert.ts";
import type { ImageContents, OpenImage } from "./_backend.ts";
import { PULL_JOBS } from "./_contents_v22.ts";
import type { ImageCache } from "./_image_cache.ts";
import type { ManifestV21 } from "./manifest_v21.ts";
import { type ImageFacts, totalSize } from "./metadata.ts";
import type { BlobSource } from "./_blob_source.ts";

/** An image with a manifest of schema 1. */
export class ContentsV21 implements ImageContents {
  readonly manifest: ManifestV21;
  readonly reference: Descriptor;
  readonly #source: BlobSource;

  constructor(source: BlobSource, manifest: ManifestV21) {
    const { digest, mediaType, raw } = manifest;
    this.manifest = manifest;
    this.reference = { digest, mediaType, size: raw.byteLength };
    this.#source = source;
  }

  /** Finds out how large the blobs are, each once: the empty layer comes again and again. */
  async blobs(options: CallOptions): Promise<Descriptor[]> {
    const digests = new Set(this.manifest.layers.map(({ blobSum }) => blobSum));
    return await mapConcurrent(
      digests,
      PULL_JOBS,
      (digest, _, signal) => this.#source.resolveBlob(digest, { signal }),
      options,
    );
  }

  async facts(options: CallOptions): Promise<ImageFacts> {
    const { id, version, architecture, history, layers } = this.manifest;
    const sizes = new Map((await this.blobs(options)).map(({ digest, size }) => [digest, size]));
    const facts = layers.map(({ blobSum }) => ({ digest: blobSum, size: sizes.get(blobSum) ?? 0 }));
    return {
      id,
      version,
      architecture,
      os: history.findLast(({ os }) => os !== undefined)?.os,
      variant: undefined,
      created: history.findLast(({ created }) => created !== undefined)?.created,
      layers: facts,
      size: totalSize(facts),
      configDigest: undefined,
    };
  }

  async openLayer(digest: string, options: CallOptions): Promise<ByteStream> {
    if (this.manifest.layers.some(({ blobSum }) => blobSum === digest)) {
      return await this.openBlob(await this.#source.resolveBlob(digest, options), options);
    }
    throw new NotFoundError(`Cannot open the layer ${digest}: the image does not have it`);
  }

  /** Opens a blob, proved. */
  async openBlob(blob: Descriptor, options: CallOptions): Promise<ByteStream> {
    return await this.#source.fetch(blob, options);
  }

  /** Where the blobs are. */
  get source(): ContentSource {
    return this.#source;
  }

  async open(options: CallOptions): Promise<OpenImage> {
    const { history, architecture } = this.manifest;
    const layers = history.map(({ value, blobSum, isThrowaway }) => ({
      key: blobSum,
      image: { architecture, ...value },
      isThrowaway,
      open: (options: CallOptions) => this.openLayer(blobSum, options),
    }));
    const source = await convertV1(layers, options);
    return { source, descriptor: source.descriptor };
  }

  async pull(cache: ImageCache, options: CallOptions): Promise<void> {
    const blobs = await this.blobs(options);
    const pull = async (blob: Descriptor, _: number, signal: AbortSignal): Promise<void> => {
      await cache.ensure(blob, () => this.openBlob(blob, { signal }), { signal });
    };
    await mapConcurrent(blobs, PULL_JOBS, pull, options);
    await cache.writeManifest(this.manifest.raw, options);
  }
}
