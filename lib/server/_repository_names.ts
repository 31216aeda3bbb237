import { isDigest } from "../model/digest.ts";
import { isRepositoryName, isTag } from "../model/reference.ts";

/** A tag of a repository. */
export interface RepositoryTag {
  readonly repository: string;
  readonly tag: string;
}

/**
 * Maps references of a target to repositories and tags: `library/alpine:3.20` is the tag `3.20` of
 * `library/alpine`, and a bare tag, as layouts of one image have it, belongs to the default
 * repository.
 */
export class RepositoryNames {
  readonly #defaultRepository: string | undefined;

  constructor(defaultRepository: string | undefined) {
    if (defaultRepository !== undefined && !isRepositoryName(defaultRepository)) {
      throw new TypeError(
        `Cannot serve bare tags under ${
          JSON.stringify(defaultRepository)
        }: it is no repository name`,
      );
    }
    this.#defaultRepository = defaultRepository;
  }

  /** The repository of what has no name. */
  get defaultRepository(): string | undefined {
    return this.#defaultRepository;
  }

  /** Reads a reference of the target; `undefined` when a registry cannot show it. */
  parse(reference: string): RepositoryTag | undefined {
    const colon = reference.lastIndexOf(":");
    const tag = reference.slice(colon + 1);
    const repository = colon < 0 ? this.#defaultRepository : reference.slice(0, colon);
    if (repository === undefined || !isRepositoryName(repository) || !isTag(tag)) return undefined;
    return { repository, tag };
  }

  /** Gives the references that a tag can have in the target; it is written under the first. */
  referencesOf({ repository, tag }: RepositoryTag): readonly string[] {
    const full = `${repository}:${tag}`;
    if (repository === this.#defaultRepository) return [tag, full];
    // In the repository `sha256`, a tag of 64 digits would be read as a digest.
    return /^sha\d+:/.test(full) && isDigest(full) ? [] : [full];
  }
}
