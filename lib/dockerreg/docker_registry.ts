import { SingleFlight } from "../bytes/single_flight.ts";
import type { CallOptions } from "../model/content.ts";
import { AuthenticationError, AuthorizationError } from "../model/errors.ts";
import type { Platform } from "../model/platform.ts";
import { Registry } from "../registry/registry.ts";
import { memoryFileSystem } from "../store/memory_file_system.ts";
import type { RegistryBackend } from "./_backend.ts";
import { DockerImage } from "./docker_image.ts";
import type {
  DeleteImageOptions,
  DockerRegistryOptions,
  ImageSelectOptions,
  OpenImageOptions,
  PullAndPushOptions,
  PullImageOptions,
  PushDestination,
  PushImageOptions,
  RepositoriesOptions,
} from "./docker_registry_options.ts";
import { DockerRepository, namespaceOf } from "./docker_repository.ts";
import { matchesFilter } from "./_filter.ts";
import { ImageCache } from "./_image_cache.ts";
import type { DeletedImage, ImageMetadata, MissingContent, ReferenceMetadata } from "./metadata.ts";
import { checkMoves, isComplete, openCached } from "./_move.ts";
import { findCached } from "./_through_cache.ts";
import { type PlatformSelection, selectPlatform } from "./platform_selection.ts";
import { connect } from "./_connect.ts";
import { copyList } from "./_copy_list.ts";

/**
 * A Docker registry of version 1 or 2, by the operations that people look after registries with:
 * each one does a whole piece of work, whatever kinds of manifests it comes across.
 *
 * @example Is everything there, and how large is it?
 * ```ts
 * import { memoryRegistry, randomImage } from "@lading/lading/testing";
 * import { DockerRegistry } from "@lading/lading/dockerreg";
 *
 * const { host, store, transport } = memoryRegistry();
 * await (await randomImage("seed")).pushTo(store, "acme/app:1");
 * const registry = new DockerRegistry(host, { transport });
 * console.log(await registry.checkImage("acme/app", "1")); // []
 * console.log(await registry.size("acme/app", "1"), await registry.created("acme/app", "1"));
 * await registry.tagImage("acme/app", "1", "stable");
 * console.log(await registry.repository("acme/app").tags()); // [ "1", "stable" ]
 * ```
 */
export class DockerRegistry {
  /** The name in references: `docker.io`, `localhost:5000`. */
  readonly name: string;
  readonly #registry: Registry;
  readonly #options: DockerRegistryOptions;
  readonly #connecting = new SingleFlight<string, RegistryBackend>();
  #backend: RegistryBackend | undefined;

  /**
   * Sets a registry up; nothing is sent yet.
   *
   * @param host The host with an optional port; every name of Docker Hub stands for `docker.io`.
   * @param options How to reach it, and the default platform.
   * @throws {InvalidReferenceError} when the text is no host.
   */
  constructor(host: string, options: DockerRegistryOptions = {}) {
    this.#registry = new Registry(host, options);
    this.#options = options;
    this.name = this.#registry.name;
  }

  /**
   * Tells whether the registry answers and takes the credentials.
   *
   * @param options A signal.
   * @returns `false` when it wants other credentials or more rights.
   * @throws {RegistryError} when it does not answer.
   * @throws {NotFoundError} when there is no registry.
   */
  async ping(options: CallOptions = {}): Promise<boolean> {
    try {
      await (await this.#connect(options)).authenticate(options);
      return true;
    } catch (error) {
      if (error instanceof AuthenticationError || error instanceof AuthorizationError) return false;
      throw error;
    }
  }

  /**
   * Opens a repository; nothing is sent yet.
   *
   * @param name The name: `acme/app`; on Docker Hub, `alpine` is `library/alpine`.
   * @returns The repository.
   * @throws {InvalidReferenceError} when the name is none.
   */
  repository(name: string): DockerRepository {
    const full = this.#registry.repository(name).name;
    return new DockerRepository(
      this,
      full,
      async (options) => (await this.#connect(options)).repository(full),
    );
  }

  /**
   * Lists the namespaces: what is before the first slash of the names of repositories. Those without
   * a slash are in the namespace with the empty name.
   *
   * @param filter Matches namespaces; default all.
   * @param options A signal.
   * @returns The namespaces, in the order of the registry.
   * @throws {NotFoundError} when the registry does not list its repositories.
   */
  async namespaces(filter?: RegExp, options: CallOptions = {}): Promise<string[]> {
    return [...(await this.repositories({ namespaceFilter: filter, ...options })).keys()];
  }

  /**
   * Lists the repositories by their namespaces.
   *
   * @param options Filters and a signal.
   * @returns For each namespace that has any the whole names of its repositories.
   * @throws {NotFoundError} when the registry does not list its repositories.
   */
  async repositories(options: RepositoriesOptions = {}): Promise<Map<string, string[]>> {
    const { filter, namespaceFilter, signal } = options;
    const found = new Map<string, string[]>();
    for await (const name of (await this.#connect({ signal })).names({ signal })) {
      const namespace = namespaceOf(name);
      if (!matchesFilter(namespace, namespaceFilter) || !matchesFilter(name, filter)) continue;
      const names = found.get(namespace) ?? [];
      names.push(name);
      found.set(namespace, names);
    }
    return found;
  }

  /**
   * Finds out what of an image is missing: the manifest of its platform, its config, its layers.
   * One request without a body for each; nothing is downloaded but manifests.
   *
   * @param repository The name of the repository.
   * @param tag The tag.
   * @param options Which image of a list, and a signal.
   * @returns What is not there; nothing when all is well.
   * @throws {NotFoundError} when there is no such tag.
   */
  async checkImage(
    repository: string,
    tag: string,
    options: ImageSelectOptions = {},
  ): Promise<MissingContent[]> {
    const { signal } = options;
    const platform = this.platformOf(options.platform);
    const backend = await this.repository(repository).backend({ signal });
    return await backend.missing(tag, { platform, signal });
  }

  /**
   * Deletes an image by its digest, and with `layers` all that it is made of. What another tag needs
   * stays: then only this tag goes. Manifests without a tag protect nothing but the empty content,
   * and what is pushed at the same time may lose what it relies on. Registries of version 1 delete no
   * images: the tag goes, and with `layers` the repository when that was its last tag.
   *
   * @param repository The name of the repository.
   * @param tag The tag.
   * @param options Whether layers go too, and whether other tags are ignored.
   * @returns What was deleted and what stays.
   * @throws {NotFoundError} when there is no such tag.
   * @throws {RegistryError} when the registry does not allow it.
   */
  async deleteImage(
    repository: string,
    tag: string,
    options: DeleteImageOptions = {},
  ): Promise<DeletedImage> {
    const { layers = false, force = false, platform, signal } = options;
    const backend = await this.repository(repository).backend({ signal });
    return await backend.delete(tag, {
      layers,
      force,
      platform: platform && this.platformOf(platform),
      signal,
    });
  }

  /**
   * Deletes a tag and keeps the image.
   *
   * @param repository The name of the repository.
   * @param tag The tag.
   * @param options A signal.
   * @throws {NotFoundError} when there is no such tag.
   * @throws {RegistryError} when the registry does not allow it; the tag stands as it was.
   */
  async deleteTag(repository: string, tag: string, options: CallOptions = {}): Promise<void> {
    const backend = await this.repository(repository).backend(options);
    await backend.untag(tag, options);
  }

  /**
   * Tells when an image was made: `DockerImage.created`.
   *
   * @param repository The name of the repository.
   * @param tag The tag.
   * @param options Which image of a list, a cache, and a signal.
   * @returns The time (RFC 3339); `undefined` when nothing says it.
   * @throws {NotFoundError} when there is no such image.
   */
  async created(
    repository: string,
    tag: string,
    options: OpenImageOptions = {},
  ): Promise<string | undefined> {
    return await (await this.#image(repository, tag, options)).created(options);
  }

  /**
   * Tells what is known of an image: `DockerImage.metadata`.
   *
   * @param repository The name of the repository.
   * @param tag The tag.
   * @param options Which image of a list, a cache, and a signal.
   * @returns The reference and the image.
   * @throws {NotFoundError} when there is no such image.
   */
  async metadata(
    repository: string,
    tag: string,
    options: OpenImageOptions = {},
  ): Promise<ImageMetadata> {
    return await (await this.#image(repository, tag, options)).metadata(options);
  }

  /**
   * Tells how many bytes the layers of an image have: `DockerImage.size`.
   *
   * @param repository The name of the repository.
   * @param tag The tag.
   * @param options Which image of a list, a cache, and a signal.
   * @returns The number of bytes.
   * @throws {NotFoundError} when there is no such image.
   */
  async size(
    repository: string,
    tag: string,
    options: OpenImageOptions = {},
  ): Promise<number> {
    return await (await this.#image(repository, tag, options)).size(options);
  }

  /**
   * Gives an image another tag. The manifest stays byte for byte; one of schema 1, whose tag is a
   * part of it, is signed anew.
   *
   * @param repository The name of the repository.
   * @param tag The tag it has.
   * @param newTag The tag it gets.
   * @param options Which image of a list; default the whole list. A signal.
   * @returns What the new tag is.
   * @throws {NotFoundError} when there is no such tag.
   * @throws {InvalidReferenceError} when the new tag is none.
   */
  async tagImage(
    repository: string,
    tag: string,
    newTag: string,
    options: ImageSelectOptions = {},
  ): Promise<ReferenceMetadata> {
    const { signal } = options;
    const platform = options.platform && this.platformOf(options.platform);
    const place = this.repository(repository);
    const backend = await place.backend({ signal });
    return place.described(newTag, await backend.tag(tag, newTag, { platform, signal }));
  }

  /**
   * Pulls an image: its manifest, its config and all layers, each proved. What a cache has of it is
   * proved again and not pulled; the manifest of the cache is taken as it is unless `refresh` is set,
   * or the reference is a digest that it does not have, or the platform of this call is another one.
   * Without a cache the whole image is in memory.
   *
   * @param repository The name of the repository.
   * @param reference The tag or the digest.
   * @param options The cache, which image of a list, and a signal.
   * @returns The image; its layers are read from the cache.
   * @throws {NotFoundError} when there is no such image.
   * @throws {TypeError} when a cache is named, but the registry was given no `files`.
   */
  async pullImage(
    repository: string,
    reference: string,
    options: PullImageOptions = {},
  ): Promise<DockerImage> {
    const { signal, refresh = false } = options;
    const place = this.repository(repository);
    const cache = this.cacheOf(options.cache);
    const platform = this.platformOf(options.platform);
    const isChosen = options.platform !== undefined;
    const known = await findCached(cache, reference, { platform, isChosen, refresh, signal });
    if (known === undefined) {
      const backend = await place.backend({ signal });
      const contents = await backend.image(reference, { platform, signal });
      await contents.pull(cache, { signal });
    } else if (!await isComplete(known, cache, { signal })) {
      const backend = await place.backend({ signal });
      const contents = await backend.adopt(known.manifest, reference, { signal });
      await contents.pull(cache, { signal });
    }
    const contents = await openCached(cache, place.name, { signal });
    return new DockerImage({ repository: place, reference, contents });
  }

  /**
   * Pushes an image out of a cache.
   *
   * @param repository The name of the repository it goes to.
   * @param tag The tag it gets.
   * @param options The cache and a signal.
   * @returns What the registry has now.
   * @throws {NotFoundError} when the cache has no image, or not all of it.
   * @throws {DigestMismatchError} when a file of the cache is damaged.
   */
  async pushImage(
    repository: string,
    tag: string,
    options: PushImageOptions,
  ): Promise<ReferenceMetadata> {
    const { signal, convert } = options;
    const place = this.repository(repository);
    const contents = await openCached(this.cacheOf(options.cache), options.cache, { signal });
    const how = { isConverted: convert, signal };
    const backend = await place.backend({ signal });
    return place.described(tag, await backend.push(contents, tag, how));
  }

  /**
   * Copies an image to another tag, repository or registry. What the destination leaves out is as in
   * the source: within a repository only the tag is new, within a registry blobs are mounted, and
   * nothing is held on the way to another one. The provider of credentials is asked for the
   * destination by its own name.
   *
   * @param repository The name of the repository.
   * @param reference The tag or the digest.
   * @param destination Where it goes; one field at least.
   * @param options Which image of a list, a cache on the way, and a signal.
   * @returns What the destination has now.
   * @throws {TypeError} when the destination has no field set, or is the source itself.
   * @throws {NotFoundError} when there is no such image.
   */
  async pullAndPush(
    repository: string,
    reference: string,
    destination: PushDestination,
    options: PullAndPushOptions = {},
  ): Promise<ReferenceMetadata> {
    const { registry, credentials, options: how, tag = reference } = destination;
    if (Object.values(destination).every((field) => field === undefined)) {
      throw new TypeError("Cannot push the image: give a registry, repository or tag");
    }
    const { platform, signal, cache, refresh, convert } = options;
    const from = this.repository(repository);
    const isHere = registry === undefined && credentials === undefined && how === undefined;
    const there = isHere ? this : this.#other(destination);
    const to = { repository: there.repository(destination.repository ?? from.name), tag };
    checkMoves(from, reference, to);
    if (platform === "all") return await copyList(from, reference, to, { signal });
    const image = cache === undefined
      ? await from.image(reference, { platform, signal })
      : await this.pullImage(repository, reference, { cache, refresh, platform, signal });
    return await image.copyTo(to, { convert, signal });
  }

  /**
   * Completes a selection by the default platform.
   *
   * @param selection What a call has asked for.
   * @returns The platform.
   * @ignore
   */
  platformOf(selection: PlatformSelection | undefined): Platform | undefined {
    return selectPlatform(selection, this.#options.platform);
  }

  /**
   * Opens a cache; without a name one in memory.
   *
   * @param base The beginning of the names of its files.
   * @returns The cache.
   * @ignore
   */
  cacheOf(base: string | undefined): ImageCache {
    if (base === undefined) return new ImageCache(memoryFileSystem(), "image");
    const { files } = this.#options;
    if (files !== undefined) return new ImageCache(files, base);
    throw new TypeError(`Cannot use the cache ${base}: give the registry the option files`);
  }

  async #image(
    repository: string,
    tag: string,
    options: OpenImageOptions,
  ): Promise<DockerImage> {
    return await this.repository(repository).image(tag, options);
  }

  /** The registry of a destination: what it leaves out is as here. */
  #other({ registry = this.name, credentials, options: how }: PushDestination): DockerRegistry {
    const own = this.#options;
    // Headers may be secrets of this registry, and whom it is trusted to lead to is its matter too.
    const isElsewhere = new Registry(registry).name !== this.name;
    const none = { headers: {}, allowedRealms: [], privateHosts: [], fixLocationScheme: false };
    return new DockerRegistry(registry, {
      ...own,
      ...(isElsewhere ? none : {}),
      ...how,
      ...(credentials === undefined ? {} : { credentials }),
    });
  }

  /** Finds out how to speak to the registry, once. */
  async #connect({ signal }: CallOptions): Promise<RegistryBackend> {
    signal?.throwIfAborted();
    return this.#backend ??= await this.#connecting.run(
      this.name,
      (signal) => connect(this.#registry, this.#options, { signal }),
      signal,
    );
  }
}
