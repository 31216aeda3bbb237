import type { Source } from "../model/content.ts";
import type { Descriptor } from "../model/descriptor.ts";
import { NotFoundError } from "../model/errors.ts";
import { parseReference } from "../model/reference.ts";
import type { ConvertedV1Image } from "../registry/v1/converted_v1_image.ts";
import { openV1Image } from "../registry/v1/open_v1_image.ts";
import { RegistryV1 } from "../registry/v1/registry_v1.ts";
import type { RepositoryV1 } from "../registry/v1/repository_v1.ts";
import { type HostRegistryOptions, registryOptions } from "./host_registry_options.ts";

/** A repository of a registry of version 1, and what was named in it. */
export interface NamedV1 {
  /** The repository. */
  readonly repository: RepositoryV1;
  /** The tag; `latest` where none was named. */
  readonly reference: string;
}

/**
 * Opens a repository of a registry of version 1, with this runtime's transport and credentials.
 *
 * @param name The name: `localhost:5000/acme/app:1`.
 * @param options The transport and credentials.
 * @returns The repository and the tag; nothing is sent yet.
 * @throws {InvalidReferenceError} when it is no name.
 */
export function openV1Repository(name: string, options: HostRegistryOptions = {}): NamedV1 {
  const { registry, repository, tag = "latest" } = parseReference(name);
  const client = new RegistryV1(registry, registryOptions(options));
  return { repository: client.repository(repository), reference: tag };
}

/** Makes a source of a repository of version 1: an image is converted when it is resolved. */
export function v1Images(repository: RepositoryV1): Source {
  const opened = new Map<string, ConvertedV1Image>();
  const find = async (target: Descriptor): Promise<ConvertedV1Image | undefined> => {
    for (const image of opened.values()) if (await image.exists(target)) return image;
    return undefined;
  };
  return {
    async resolve(reference, options) {
      const image = opened.get(reference) ?? await openV1Image(repository, reference, options);
      opened.set(reference, image);
      return await image.resolve(reference, options);
    },
    async exists(target) {
      return await find(target) !== undefined;
    },
    async fetch(target, options) {
      const image = await find(target);
      if (image !== undefined) return await image.fetch(target, options);
      const { digest } = target;
      throw new NotFoundError(`Cannot find ${digest}: no image that was asked for has it`);
    },
  };
}
