import type { CallOptions } from "../model/content.ts";
import type { DockerRepository } from "./docker_repository.ts";
import type { ReferenceMetadata } from "./metadata.ts";
import { mountableFrom, type NamedPlace } from "./_move.ts";
import { V2Repository } from "./_v2_repository.ts";

/** Copies all images of a list, and the list. */
export async function copyList(
  from: DockerRepository,
  reference: string,
  to: NamedPlace,
  options: CallOptions,
): Promise<ReferenceMetadata> {
  const [source, target] = await Promise.all([
    from.backend(options),
    to.repository.backend(options),
  ]);
  if (!(source instanceof V2Repository) || !(target instanceof V2Repository)) {
    throw new TypeError("Cannot push all platforms: registries of version 1 have no lists");
  }
  const how = { ...options, mountFrom: mountableFrom(from, to.repository) };
  const descriptor = await target.copyFrom(source.repository, reference, to.tag, how);
  return to.repository.described(to.tag, descriptor);
}
