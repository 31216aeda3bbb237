import { parsePlace, type Place } from "../model/place.ts";
import { parseReference } from "../model/reference.ts";
import { argument, type CommandContext, UsageError } from "./_command.ts";

/**
 * Refuses the tag or digest of a place that is to be a whole repository: who writes one means an image,
 * and would take an answer about all of them for one about it.
 *
 * @throws {UsageError} when there is one.
 */
export function refuseName(place: Place): void {
  if (place.transport !== "docker" && place.transport !== "docker-v1") return;
  const { tag, digest } = parseReference(place.reference);
  const name = digest ?? tag;
  if (name === undefined) return;
  throw new UsageError(
    `name a repository, without the ${digest === undefined ? "tag" : "digest"} ${name}`,
  );
}

/**
 * Reads the first argument as a repository of a registry.
 *
 * @throws {UsageError} when it is something else.
 */
export function repositoryArgument(context: CommandContext): string {
  const place = parsePlace(argument(context, 0));
  if (place.transport !== "docker") throw new UsageError("name a repository in a registry");
  refuseName(place);
  return place.reference;
}
