import type { CallOptions } from "../model/content.ts";
import { ContentError, NotFoundError } from "../model/errors.ts";
import { isTag } from "../model/reference.ts";
import type { ImageContents } from "./_backend.ts";
import { cachedContents } from "./_cached_contents.ts";
import type { DockerImageContext } from "./_docker_image_context.ts";
import type { DockerRepository } from "./docker_repository.ts";
import type { ImageCache } from "./_image_cache.ts";
import type { ReferenceMetadata } from "./metadata.ts";

/** A name for an image. */
export interface NamedPlace {
  readonly repository: DockerRepository;
  readonly tag: string;
}

/** How an image is moved. */
export interface MoveOptions extends CallOptions {
  /** The files it goes through. */
  readonly cache?: ImageCache | undefined;
  /** Whether older manifests are converted on the way. */
  readonly isConverted?: boolean | undefined;
}

/** Tells whether a cache has all of an image that it has the manifest of; damaged files go. */
export async function isComplete(
  image: ImageContents,
  cache: ImageCache,
  options: CallOptions,
): Promise<boolean> {
  try {
    await image.pull(cache, options);
    return true;
  } catch (error) {
    if (error instanceof ContentError) return false;
    throw error;
  }
}

/** Opens the image in a cache. */
export async function openCached(
  cache: ImageCache,
  name: string,
  options: CallOptions,
): Promise<ImageContents> {
  const contents = await cachedContents(cache, options);
  if (contents !== undefined) return contents;
  throw new NotFoundError(`Cannot open ${name}: there is no image in the cache`);
}

/** Copies an image to another name, through a cache where one is given. */
export async function moveImage(
  { repository, reference, contents }: DockerImageContext,
  to: NamedPlace,
  options: MoveOptions,
): Promise<ReferenceMetadata> {
  checkMoves(repository, reference, to);
  const { cache, isConverted, signal } = options;
  let image = contents;
  if (cache !== undefined) {
    await contents.pull(cache, { signal });
    image = await openCached(cache, repository.name, { signal });
  }
  const mountFrom = mountableFrom(repository, to.repository);
  const target = await to.repository.backend({ signal });
  const descriptor = await target.push(image, to.tag, { mountFrom, isConverted, signal });
  return to.repository.described(to.tag, descriptor);
}

/** The repository that blobs can be mounted from: another one of the same registry. */
export function mountableFrom(from: DockerRepository, to: DockerRepository): string | undefined {
  return from.registry.name === to.registry.name && from.name !== to.name ? from.name : undefined;
}

/**
 * Refuses to copy an image onto itself.
 *
 * @throws {TypeError} when source and destination are the same, or there is no tag to push to.
 */
export function checkMoves(
  from: DockerRepository,
  reference: string,
  { repository, tag }: NamedPlace,
): void {
  if (!isTag(tag)) {
    throw new TypeError(`Cannot push to ${repository.name}: give a tag, ${tag} is none`);
  }
  const isSame = from.registry.name === repository.registry.name &&
    from.name === repository.name && reference === tag;
  if (isSame) throw new TypeError(`Cannot copy ${from.name}:${tag}: it would be the same image`);
}
