import type { ByteStream } from "../model/bytes.ts";
import type { CallOptions, Source } from "../model/content.ts";
import type { ImageContents } from "./_backend.ts";
import { sourceOf } from "./_located.ts";
import { moveImage } from "./_move.ts";
import type { DockerRepository } from "./docker_repository.ts";
import type { CopyImageOptions } from "./docker_registry_options.ts";
import type { ManifestV1 } from "./manifest_v1.ts";
import type { ManifestV21 } from "./manifest_v21.ts";
import type { ManifestV22 } from "./manifest_v22.ts";
import type { ImageFacts, ImageMetadata, ReferenceMetadata } from "./metadata.ts";
import type { DockerImageContext } from "./_docker_image_context.ts";

/** Where a copy of an image goes. */
export interface CopyImageTarget {
  /** The repository, of this registry by its name, or of any other; default the same. */
  readonly repository?: DockerRepository | string | undefined;
  /** The tag; default the same. */
  readonly tag?: string | undefined;
}

/**
 * One image of a Docker registry, of whichever kind its manifest is. Made by
 * `DockerRepository.image` and `DockerRegistry.pullImage`.
 */
export class DockerImage {
  /** The repository it is in. */
  readonly repository: DockerRepository;
  /** The tag or digest it was found by. */
  readonly tag: string;
  readonly #contents: ImageContents;
  #facts: ImageFacts | undefined;

  /**
   * Takes over what was found.
   *
   * @param context The image and where it was found.
   * @ignore
   */
  constructor(context: DockerImageContext) {
    this.repository = context.repository;
    this.tag = context.reference;
    this.#contents = context.contents;
  }

  /** Its manifest. */
  get manifest(): ManifestV1 | ManifestV21 | ManifestV22 {
    return this.#contents.manifest;
  }

  /** Its ID: the digest of the config; of older kinds that of the newest layer. */
  get id(): string {
    const { manifest } = this;
    return manifest.version === "v2.2" ? manifest.configDigest : manifest.id;
  }

  /**
   * Tells what is known without reading layers. Of manifests of schema 1 the sizes are asked for
   * once, one request for each layer.
   *
   * @param options A signal.
   * @returns The facts.
   */
  async facts(options: CallOptions = {}): Promise<ImageFacts> {
    return this.#facts ??= await this.#contents.facts(options);
  }

  /**
   * Gives the bytes of all layers as they are stored, each once.
   *
   * @param options A signal.
   * @returns The number of bytes.
   */
  async size(options: CallOptions = {}): Promise<number> {
    return (await this.facts(options)).size;
  }

  /**
   * Gives the time of the newest layer: that of the config, else of the newest step of the history
   * that has one, else that of the annotations.
   *
   * @param options A signal.
   * @returns The time (RFC 3339); `undefined` when nothing says it.
   */
  async created(options: CallOptions = {}): Promise<string | undefined> {
    return (await this.facts(options)).created;
  }

  /**
   * Gives the reference and the facts of the image.
   *
   * @param options A signal.
   * @returns Both.
   */
  async metadata(options: CallOptions = {}): Promise<ImageMetadata> {
    const reference = this.repository.described(this.tag, this.#contents.reference);
    return { reference, image: await this.facts(options) };
  }

  /**
   * Opens a layer as it is stored.
   *
   * @param digest The digest, as the facts name it.
   * @param options A signal.
   * @returns The bytes; the stream errors instead of closing when they are not the layer.
   * @throws {NotFoundError} when the image does not have it.
   */
  async openLayer(digest: string, options: CallOptions = {}): Promise<ByteStream> {
    return await this.#contents.openLayer(digest, options);
  }

  /**
   * Makes a source of the image that `copy`, `pull` and the views of images take. Images of schema 1
   * and version 1 are converted to the OCI's, for which their layers are read once.
   *
   * @param options A signal.
   * @returns The source; it has this one image, whatever reference it is asked for.
   */
  async source(options: CallOptions = {}): Promise<Source> {
    return sourceOf(await this.#contents.open(options));
  }

  /**
   * Copies the image to another tag, another repository, or another registry. Within a registry
   * blobs are mounted, within a repository only the name is new.
   *
   * @param target Where to; the repository, the tag, or both.
   * @param options Whether it goes through a cache, and a signal.
   * @returns What the copy is.
   * @throws {TypeError} when neither is given, or both are those that the image has.
   */
  async copyTo(
    target: CopyImageTarget,
    options: CopyImageOptions = {},
  ): Promise<ReferenceMetadata> {
    const { registry } = this.repository;
    const { tag = this.tag } = target;
    if (target.repository === undefined && target.tag === undefined) {
      throw new TypeError("Cannot copy the image: give a repository, a tag, or both");
    }
    const repository = typeof target.repository === "string"
      ? registry.repository(target.repository)
      : target.repository ?? this.repository;
    const { cache, convert, signal } = options;
    return await moveImage(
      { repository: this.repository, reference: this.tag, contents: this.#contents },
      { repository, tag },
      {
        cache: cache === undefined ? undefined : registry.cacheOf(cache),
        isConverted: convert,
        signal,
      },
    );
  }
}
