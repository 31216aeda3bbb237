import type { Operation } from "../bytes/operation.ts";
import type { ByteStream } from "../model/bytes.ts";
import type { ArchiveBody } from "./archive_input.ts";
import {
  type AttestationsOptions,
  type ImageAttestation,
  imageAttestations,
} from "./attestations.ts";
import { buildImage } from "./build.ts";
import type { BuildContext } from "./build_context.ts";
import type { BuildEvent } from "./build_events.ts";
import type { BuildOptions } from "./build_options.ts";
import { type DistributionOptions, type RegistryData, registryData } from "./distribution.ts";
import type { EngineClient } from "./engine_client.ts";
import type { EngineEvent } from "./events.ts";
import { type HistoryOptions, imageHistory, type ImageHistoryEntry } from "./history.ts";
import { type EngineImage, getImage } from "./image.ts";
import { importImage, type ImportOptions, type ImportSource } from "./import.ts";
import type { InspectOptions } from "./inspect.ts";
import { type ImageSummary, listImages, type ListOptions } from "./list.ts";
import { loadImages, type LoadOptions, type LoadResult } from "./load.ts";
import {
  pruneBuilds,
  type PruneBuildsOptions,
  type PruneBuildsResult,
  pruneImages,
  type PruneOptions,
  type PruneResult,
} from "./prune.ts";
import { pullAllTags, pullImage, type PullOptions } from "./pull.ts";
import { pushImage, type PushOptions, type PushResult } from "./push.ts";
import { removeImage, type RemoveOptions, type RemoveResult } from "./remove.ts";
import { saveImages, type SaveOptions } from "./save.ts";
import { searchImages, type SearchOptions, type SearchResult } from "./search.ts";
import { tagImage, type TagOptions } from "./tag.ts";

let make: (client: EngineClient) => EngineImages;

/**
 * The images of an engine. Names are checked before anything is sent: what is no name of an image is
 * an {@linkcode InvalidReferenceError}. What an engine is too old for is an
 * {@linkcode ApiVersionError}; engines would ignore it.
 */
export class EngineImages {
  readonly #client: EngineClient;

  static {
    make = (client) => new EngineImages(client);
  }

  private constructor(client: EngineClient) {
    this.#client = client;
  }

  /**
   * Lists the images, in one request.
   *
   * @param options Conditions on the images.
   * @returns What the engine says of each; {@linkcode EngineImages.get} tells more.
   */
  list(options: ListOptions = {}): Promise<ImageSummary[]> {
    return listImages(this.#client, options);
  }

  /**
   * Finds an image.
   *
   * @param name A name, a digest, an ID or the begin of one.
   * @param options The platform, or whether to list the manifests.
   * @returns The image.
   * @throws {ImageNotFoundError} when the engine does not have it.
   */
  async get(name: string, options: InspectOptions = {}): Promise<EngineImage> {
    return await getImage(this.#client, name, options);
  }

  /**
   * Asks how an image came to be.
   *
   * @param name The image.
   * @param options The platform.
   * @returns The steps, the last one first.
   * @throws {ImageNotFoundError} when the engine does not have it.
   */
  async history(name: string, options: HistoryOptions = {}): Promise<ImageHistoryEntry[]> {
    return await imageHistory(this.#client, name, options);
  }

  /**
   * Lists what is attested about an image: its provenance, what is in it (API 1.55, Docker 29.6).
   *
   * @param name The image.
   * @param options The platform, the types, and whether to give the statements along.
   * @returns The attestations; none for an image without any.
   * @throws {ImageNotFoundError} when the engine does not have it.
   * @throws {EngineError} when the engine keeps no attestations, as with its own image store.
   */
  async attestations(
    name: string,
    options: AttestationsOptions = {},
  ): Promise<ImageAttestation[]> {
    return await imageAttestations(this.#client, name, options);
  }

  /**
   * Pulls an image from its registry. The operation is done when the engine has the image; it
   * rejects with a {@linkcode PullError} also when the engine fails after a good begin. Aborting it
   * ends the engine's download.
   *
   * @param name The name, such as `busybox:1` or `ghcr.io/acme/site@sha256:…`; `latest` where it has
   * neither tag nor digest.
   * @param options The platform and the credentials.
   * @returns The operation.
   * @throws {InvalidReferenceError} when it is no name.
   */
  pull(name: string, options: PullOptions = {}): Operation<EngineImage, EngineEvent> {
    return pullImage(this.#client, name, options);
  }

  /**
   * Pulls every tag of a repository.
   *
   * @param repository The name, without tag and digest.
   * @param options The platform and the credentials.
   * @returns The operation; its result is every image that the engine has of the repository.
   * @throws {InvalidReferenceError} when it is no name.
   */
  pullAll(
    repository: string,
    options: Omit<PullOptions, "tag"> = {},
  ): Operation<readonly EngineImage[], EngineEvent> {
    return pullAllTags(this.#client, repository, options);
  }

  /**
   * Pushes an image to the registry that its name is of. The operation is done when the engine has
   * told the digest; it rejects with a {@linkcode PushError} otherwise.
   *
   * @param name The name; `latest` where it has no tag.
   * @param options The credentials, and whether to push all tags.
   * @returns The operation; its result has the digest.
   * @throws {InvalidReferenceError} when it is no name.
   */
  push(name: string, options: PushOptions = {}): Operation<PushResult, EngineEvent> {
    return pushImage(this.#client, name, options);
  }

  /**
   * Gives an image one more name.
   *
   * @param image The image.
   * @param name The new name; `latest` where it has no tag.
   * @param options The tag, where it is not in the name.
   * @returns The new name as Docker shows it.
   * @throws {ImageNotFoundError} when the engine does not have the image.
   */
  async tag(image: string, name: string, options: TagOptions = {}): Promise<string> {
    return await tagImage(this.#client, image, name, options);
  }

  /**
   * Removes an image, or one of its names when it has several.
   *
   * @param name The image.
   * @param options Whether to remove it in any case.
   * @returns The names and images that are gone.
   * @throws {ImageNotFoundError} when the engine does not have it.
   * @throws {ConflictError} when something uses it.
   */
  async remove(name: string, options: RemoveOptions = {}): Promise<RemoveResult> {
    return await removeImage(this.#client, name, options);
  }

  /**
   * Removes the images that nothing uses: by default those without a name.
   *
   * @param options Conditions.
   * @returns What is gone.
   */
  prune(options: PruneOptions = {}): Promise<PruneResult> {
    return pruneImages(this.#client, options);
  }

  /**
   * Empties the cache of builds.
   *
   * @param options What to keep.
   * @returns What is gone.
   */
  pruneBuilds(options: PruneBuildsOptions = {}): Promise<PruneBuildsResult> {
    return pruneBuilds(this.#client, options);
  }

  /**
   * Searches Docker Hub, or the registry that the term begins with.
   *
   * @param term What to search for.
   * @param options How many results, and conditions.
   * @returns The repositories.
   * @throws {InvalidReferenceError} when there is nothing to search for.
   */
  async search(term: string, options: SearchOptions = {}): Promise<SearchResult[]> {
    return await searchImages(this.#client, term, options);
  }

  /**
   * Saves images as one archive, as `docker save` does. The engine is asked when the stream is read;
   * cancelling it ends its work. The end of the archive is checked.
   *
   * @param names An image, or several; a repository without a tag stands for all its tags.
   * @param options The platform and the size of chunks.
   * @returns The archive. It errors with an {@linkcode EngineError} when it is not whole.
   * @throws {InvalidReferenceError} when one is no name of an image.
   * @throws {TypeError} when there is none.
   */
  save(names: string | readonly string[], options: SaveOptions = {}): ByteStream {
    return saveImages(this.#client, typeof names === "string" ? [names] : names, options);
  }

  /**
   * Loads the images of an archive that `docker save` or this library wrote. The operation is done
   * when the engine has named what it loaded; it rejects with a {@linkcode LoadError} otherwise.
   *
   * @param archive The archive; it may be compressed.
   * @param options The platform.
   * @returns The operation; its result has the names and the images.
   *
   * @example Save an image and load it again
   * ```ts
   * import { Engine } from "@lading/lading/engine";
   * import { fakeEngine } from "@lading/lading/testing";
   * import { writeTar } from "@lading/lading/tar";
   *
   * const engine = new Engine({ transport: fakeEngine().transport });
   * const files = writeTar([{ path: "hello", body: new TextEncoder().encode("hello") }]);
   * const image = await engine.images.import(files, { name: "site:1" });
   * const archive = await new Response(image.save({ named: true })).bytes();
   * await image.remove();
   * console.log((await engine.images.load(archive)).names); // ["site:1"]
   * ```
   */
  load(archive: ArchiveBody, options: LoadOptions = {}): Operation<LoadResult, EngineEvent> {
    return loadImages(this.#client, archive, options);
  }

  /**
   * Builds an image, as `docker build` does. The operation is done when the engine has the image; it
   * rejects with a {@linkcode BuildError}, which has the output, also when the engine fails after a
   * good begin. The context is packed while it is sent, and memory is a chunk of it; a file that
   * changes meanwhile is an error.
   *
   * @param context A directory, or a URL or repository that the engine fetches; or entries, an
   * archive, a Dockerfile alone.
   * @param options Names, arguments, how the context is packed.
   * @returns The operation; its result is the image.
   * @throws {InvalidReferenceError} when a tag is none.
   * @throws {TypeError} when options contradict each other.
   * @throws {BuildSessionError} when BuildKit would need a session for them.
   */
  build(context: BuildContext, options: BuildOptions = {}): Operation<EngineImage, BuildEvent> {
    return buildImage(this.#client, context, options);
  }

  /**
   * Imports the archive of a file tree as an image of one layer, or pulls an image and names it.
   *
   * @param source The archive: bytes, a stream, a `Blob`, `{ file }`, `{ url }`; or `{ image }`.
   * @param options The name, and changes of the config.
   * @returns The operation; its result is the image. It rejects with a {@linkcode LoadError}.
   * @throws {InvalidReferenceError} when the name is none.
   */
  import(source: ImportSource, options: ImportOptions = {}): Operation<EngineImage, EngineEvent> {
    return importImage(this.#client, source, options);
  }

  /**
   * Asks a registry about an image by way of the engine, without pulling it.
   *
   * @param name The name.
   * @param options The credentials.
   * @returns Its digest and its platforms.
   * @throws {ImageNotFoundError} when the registry does not have it.
   */
  async distribution(name: string, options: DistributionOptions = {}): Promise<RegistryData> {
    return await registryData(this.#client, name, options);
  }
}

/** Makes the images of an engine. */
export function engineImages(client: EngineClient): EngineImages {
  return make(client);
}
