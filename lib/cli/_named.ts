import { parsePlace } from "../model/place.ts";
import { parseReference, type Reference } from "../model/reference.ts";
import type { Repository } from "../registry/repository.ts";
import { openRepository } from "../runtime/open.ts";
import { argument, type CommandContext, UsageError } from "./_command.ts";
import { openOptions } from "./_options.ts";

/** A repository, and what the argument names in it. */
export interface Named {
  readonly repository: Repository;
  readonly reference: Reference;
}

/** Opens the repository of the first argument, which has to be in a registry. */
export function namedArgument(context: CommandContext): Named {
  const text = argument(context, 0);
  const place = parsePlace(text);
  if (place.transport !== "docker") {
    throw new UsageError(`${text} is in no registry; this is for registries`);
  }
  const reference = parseReference(place.reference);
  return { reference, repository: openRepository(place.reference, openOptions(context)) };
}

/** The tag that an argument has to name; a digest is none. */
export function tagOf({ tag, digest }: Reference, text: string): string {
  if (tag !== undefined && digest === undefined) return tag;
  throw new UsageError(`name a tag, as in ${text.replace(/[@:][^/]*$/, "")}:1`);
}
