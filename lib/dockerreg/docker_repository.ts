import { mapConcurrent } from "../bytes/map_concurrent.ts";
import type { CallOptions } from "../model/content.ts";
import type { Descriptor } from "../model/descriptor.ts";
import type { RepositoryBackend } from "./_backend.ts";
import { DockerImage } from "./docker_image.ts";
import type { DockerRegistry } from "./docker_registry.ts";
import type { OpenImageOptions, TagsOptions } from "./docker_registry_options.ts";
import type { ReferenceMetadata } from "./metadata.ts";
import { matchesFilter } from "./_filter.ts";
import { openThroughCache } from "./_through_cache.ts";

/** How many tags are asked for at the same time. */
const TAG_JOBS = 4;

/** One repository of a Docker registry. Made by `DockerRegistry.repository`. */
export class DockerRepository {
  /** The registry it is in. */
  readonly registry: DockerRegistry;
  /** Its name there: `acme/app`. */
  readonly name: string;
  readonly #open: (options: CallOptions) => Promise<RepositoryBackend>;

  /**
   * Takes over what the registry has prepared.
   *
   * @param registry The registry.
   * @param name The name.
   * @param open Finds out how to speak to it.
   * @ignore
   */
  constructor(
    registry: DockerRegistry,
    name: string,
    open: (options: CallOptions) => Promise<RepositoryBackend>,
  ) {
    this.registry = registry;
    this.name = name;
    this.#open = open;
  }

  /** The part of the name before the first slash; empty when there is none. */
  get namespace(): string {
    return namespaceOf(this.name);
  }

  /**
   * Lists the tags, in the order of the registry. No manifest is asked for.
   *
   * @param options A filter and a signal.
   * @returns The tags.
   * @throws {NotFoundError} when there is no such repository.
   */
  async tags(options: TagsOptions = {}): Promise<string[]> {
    const { filter, signal } = options;
    const tags = await (await this.#open({ signal })).tags({ signal });
    return tags.filter((tag) => matchesFilter(tag, filter));
  }

  /**
   * Lists the tags with what the registry says of each: one request, mostly without a body, per tag.
   *
   * @param options A filter and a signal.
   * @returns What the tags are, in the order of the registry.
   * @throws {NotFoundError} when there is no such repository.
   */
  async tagsWithMetadata(options: TagsOptions = {}): Promise<ReferenceMetadata[]> {
    const { signal } = options;
    return await mapConcurrent(
      await this.tags(options),
      TAG_JOBS,
      (tag, _, signal) => this.referenceMetadata(tag, { signal }),
      { signal },
    );
  }

  /**
   * Finds out what a tag or digest is, without reading the manifest where that is possible.
   *
   * @param reference A tag or a digest.
   * @param options A signal.
   * @returns What the registry says of it.
   * @throws {NotFoundError} when there is no such manifest.
   */
  async referenceMetadata(
    reference: string,
    options: CallOptions = {},
  ): Promise<ReferenceMetadata> {
    return this.described(
      reference,
      await (await this.#open(options)).reference(reference, options),
    );
  }

  /**
   * Opens an image: its manifest and its config are read, its layers are not. With a cache whatever
   * is read, then and later, is kept there; of registries of version 1 only pulled images are.
   *
   * @param reference A tag or a digest.
   * @param options Which image of a list, a cache, and a signal.
   * @returns The image.
   * @throws {NotFoundError} when there is no such image.
   * @throws {PlatformNotFoundError} when a list has no image for the platform.
   * @throws {TypeError} when a list has several images and there is no platform to choose by.
   */
  async image(reference: string, options: OpenImageOptions = {}): Promise<DockerImage> {
    const { cache, refresh = false, signal } = options;
    const platform = this.registry.platformOf(options.platform);
    if (cache === undefined) {
      const contents = await (await this.#open({ signal })).image(reference, { platform, signal });
      return new DockerImage({ repository: this, reference, contents });
    }
    const isChosen = options.platform !== undefined;
    const how = { platform, isChosen, refresh, signal };
    const files = this.registry.cacheOf(cache);
    const contents = await openThroughCache(files, this.#open, reference, how);
    return new DockerImage({ repository: this, reference, contents });
  }

  /**
   * Tells what a reference is.
   *
   * @param reference A tag or a digest.
   * @param descriptor What it leads to.
   * @returns Both together.
   * @ignore
   */
  described(reference: string, { digest, mediaType, size }: Descriptor): ReferenceMetadata {
    const { name: repository, registry } = this;
    return { registry: registry.name, repository, reference, digest, mediaType, size };
  }

  /**
   * Finds out how to speak to the repository.
   *
   * @param options A signal.
   * @returns What does.
   * @ignore
   */
  backend(options: CallOptions): Promise<RepositoryBackend> {
    return this.#open(options);
  }
}

/** The namespace of a repository: what is before the first slash of its name. */
export function namespaceOf(name: string): string {
  const slash = name.indexOf("/");
  return slash < 0 ? "" : name.slice(0, slash);
}
