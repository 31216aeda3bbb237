import type { Bytes } from "../model/bytes.ts";
import type { CallOptions, ContentSource } from "../model/content.ts";
import type { Descriptor } from "../model/descriptor.ts";
import { UnsupportedMediaTypeError } from "../model/errors.ts";
import type { ImageIndex, ParsedImageIndex } from "../model/image_index.ts";
import { MEDIA_TYPE_DOCKER_MANIFEST, MEDIA_TYPE_OCI_MANIFEST } from "../model/media_types.ts";
import { formatPlatform, type Platform } from "../model/platform.ts";
import { isAttestation } from "../model/platform_match.ts";
import { fetchManifest } from "./fetch_manifest.ts";
import { type Image, loadImage, type LoadImageOptions } from "./image.ts";
import { walkIndexes } from "./walk_indexes.ts";

/** A view of an index: immutable, with the images in it. */
export interface IndexView {
  /** The descriptor of the index. */
  readonly descriptor: Descriptor;
  /** The media type of the index. */
  readonly mediaType: string;
  /**
   * Gives the digest of the index.
   *
   * @returns The digest.
   */
  digest(): Promise<string>;
  /**
   * Gives the index as it is stored.
   *
   * @returns A copy of the bytes.
   */
  rawManifest(): Promise<Bytes>;
  /**
   * Gives what the index says.
   *
   * @returns The index, unknown fields included.
   */
  manifest(): Promise<ImageIndex>;
  /**
   * Lists the platforms that there are images for, also in indexes in the index. Attestations
   * are none.
   *
   * @param options A signal.
   * @returns The platforms, each once, in the order of the index.
   */
  platforms(options?: CallOptions): Promise<Platform[]>;
  /**
   * Opens the image for a platform.
   *
   * @param options The platform and a signal.
   * @returns The image.
   * @throws {PlatformNotFoundError} when there is none for the platform.
   */
  image(options?: LoadImageOptions): Promise<Image>;
  /**
   * Opens every image, also those in indexes in the index, one after another. Attestations and
   * children that are no manifests of images are left out.
   *
   * @param options A signal.
   * @returns The images.
   */
  images(options?: CallOptions): AsyncGenerator<Image, void, undefined>;
}

/**
 * Loads the view of an index: reads the index itself.
 *
 * @param source Where the index is.
 * @param descriptor The index, as `resolve` gave it.
 * @param options A signal.
 * @returns The view.
 * @throws {UnsupportedMediaTypeError} when it is no index.
 * @throws {NotFoundError} when it is not there.
 * @throws {DigestMismatchError} when it is not what its descriptor says.
 */
export async function loadIndex(
  source: ContentSource,
  descriptor: Descriptor,
  options: CallOptions = {},
): Promise<IndexView> {
  const parsed = await fetchManifest(source, descriptor, options);
  if (parsed.kind === "index") return new SourceIndex(source, descriptor, parsed);
  const { mediaType } = parsed;
  throw new UnsupportedMediaTypeError(
    `Cannot open ${descriptor.digest} as an index: it is ${mediaType}`,
    { mediaType },
  );
}

class SourceIndex implements IndexView {
  readonly descriptor: Descriptor;
  readonly mediaType: string;
  readonly #source: ContentSource;
  readonly #parsed: ParsedImageIndex;

  constructor(source: ContentSource, descriptor: Descriptor, parsed: ParsedImageIndex) {
    this.#source = source;
    this.#parsed = parsed;
    this.descriptor = descriptor;
    this.mediaType = parsed.mediaType;
  }

  digest(): Promise<string> {
    return Promise.resolve(this.descriptor.digest);
  }

  rawManifest(): Promise<Bytes> {
    return Promise.resolve(this.#parsed.raw.slice());
  }

  manifest(): Promise<ImageIndex> {
    return Promise.resolve(this.#parsed.value);
  }

  async platforms(options: CallOptions = {}): Promise<Platform[]> {
    const platforms = new Map<string, Platform>();
    for await (const child of this.#children(options)) {
      const { platform } = child;
      if (platform === undefined) continue;
      const name = formatPlatform(platform);
      if (!platforms.has(name)) platforms.set(name, platform);
    }
    return [...platforms.values()];
  }

  async image(options: LoadImageOptions = {}): Promise<Image> {
    return await loadImage(this.#source, this.descriptor, options);
  }

  async *images(options: CallOptions = {}): AsyncGenerator<Image, void, undefined> {
    for await (const child of this.#children(options)) {
      const { mediaType } = child;
      if (mediaType !== MEDIA_TYPE_OCI_MANIFEST && mediaType !== MEDIA_TYPE_DOCKER_MANIFEST) {
        continue;
      }
      yield await loadImage(this.#source, child, options);
    }
  }

  async *#children(options: CallOptions): AsyncGenerator<Descriptor, void, undefined> {
    const root = { parsed: this.#parsed, descriptor: this.descriptor };
    for await (const { parsed } of walkIndexes(this.#source, root, options)) {
      for (const child of parsed.value.manifests) if (!isAttestation(child)) yield child;
    }
  }
}
