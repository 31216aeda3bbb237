import type { CallOptions } from "../model/content.ts";
import type { Descriptor } from "../model/descriptor.ts";
import { isRepositoryName, isTag } from "../model/reference.ts";
import type { HeldAs, SharedRepositories } from "../model/shared_registry.ts";
import { descriptorObject, descriptorOf, digestPath, NAMES } from "./_bucket_keys.ts";
import type { BucketObjects } from "./_bucket_objects.ts";

/**
 * Which repository holds what: an object for each, so that no writer can undo what another one notes.
 * The digest stands before the repository: who holds some content is one list.
 */
export class BucketRepositories implements SharedRepositories {
  readonly #objects: BucketObjects;

  constructor(objects: BucketObjects) {
    this.#objects = objects;
  }

  async hold(
    repository: string,
    content: Descriptor,
    as: HeldAs,
    options: CallOptions = {},
  ): Promise<void> {
    const { value, options: kept } = descriptorObject(content);
    await this.#objects.put(keyOf(repository, content.digest, as), value, kept, options.signal);
  }

  async held(
    repository: string,
    digest: string,
    as: HeldAs,
    options: CallOptions = {},
  ): Promise<Descriptor | undefined> {
    const object = await this.#objects.head(keyOf(repository, digest, as), options.signal);
    return object && descriptorOf(object);
  }

  async release(
    repository: string,
    digest: string,
    as: HeldAs,
    options: CallOptions = {},
  ): Promise<void> {
    await this.#objects.delete([keyOf(repository, digest, as)], options.signal);
  }

  async *holders(
    digest: string,
    options: CallOptions = {},
  ): AsyncGenerator<string, void, undefined> {
    const prefix = `held/${digestPath(digest)}/`;
    const seen = new Set<string>();
    for await (const { key } of this.#objects.list(prefix, options.signal)) {
      const repository = key.slice(key.indexOf("/", prefix.length) + 1);
      if (!seen.has(repository)) yield repository;
      seen.add(repository);
    }
  }

  async named(reference: string, options: CallOptions = {}): Promise<Descriptor | undefined> {
    const object = await this.#objects.head(NAMES + reference, options.signal);
    return object && descriptorOf(object);
  }

  async retag(
    reference: string,
    from: string | undefined,
    to: Descriptor,
    options: CallOptions = {},
  ): Promise<boolean> {
    const key = NAMES + reference;
    const object = await this.#objects.head(key, options.signal);
    if ((object && descriptorOf(object))?.digest !== from) return false;
    const { value, options: kept } = descriptorObject(to);
    const onlyIf = object === undefined
      ? { etagDoesNotMatch: "*" } as const
      : { etagMatches: object.etag };
    return await this.#objects.put(key, value, { ...kept, onlyIf }, options.signal);
  }
}

function keyOf(repository: string, digest: string, as: HeldAs): string {
  return `held/${digestPath(digest)}/${as}/${repository}`;
}

/** The repository that a name is a tag of: `library/alpine` of `library/alpine:3.20`. */
export function repositoryOf(reference: string): string | undefined {
  const colon = reference.lastIndexOf(":");
  const repository = reference.slice(0, Math.max(colon, 0));
  const isTagged = isRepositoryName(repository) && isTag(reference.slice(colon + 1));
  return isTagged ? repository : undefined;
}
