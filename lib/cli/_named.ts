import type { Deleter, Referrers, Source, Tagger } from "../model/content.ts";
import { parsePlace } from "../model/place.ts";
import { isDigestReference, parseReference } from "../model/reference.ts";
import { nodeFileSystem } from "../runtime/node_file_system.ts";
import { openRepository } from "../runtime/open.ts";
import { ociLayout } from "../store/oci_layout.ts";
import { argument, type CommandContext, UsageError } from "./_command.ts";
import { openOptions } from "./_options.ts";

/** A place whose names can be changed, and what the argument names in it. */
export interface Named {
  /** A repository of a registry, or an OCI layout. */
  readonly content: Source & Tagger & Deleter & Referrers;
  /** The digest, the tag or the name; an empty text is the only image of a layout. */
  readonly reference: string;
  /** The digest, where the argument has one. */
  readonly digest: string | undefined;
  /** Whether the names are tags. */
  readonly isRegistry: boolean;
}

/** Opens what the first argument names, which has to be in a registry or in an OCI layout. */
export function namedArgument(context: CommandContext): Named {
  const text = argument(context, 0);
  const place = parsePlace(text);
  if (place.transport === "docker") {
    const { tag, digest } = parseReference(place.reference);
    const content = openRepository(place.reference, openOptions(context));
    return { content, reference: digest ?? tag ?? "latest", digest, isRegistry: true };
  }
  if (place.transport === "oci") {
    const { path, reference = "" } = place;
    const digest = isDigestReference(reference) ? reference : undefined;
    return { content: ociLayout(nodeFileSystem(), path), reference, digest, isRegistry: false };
  }
  throw new UsageError(`${text} is in no registry and in no OCI layout; this is for those`);
}

/** The tag or the name that the first argument has to name; a digest is none. */
export function nameArgument(context: CommandContext, { reference, digest }: Named): string {
  const text = argument(context, 0);
  const isNamed = digest === undefined && text.endsWith(`:${reference}`) && reference !== "";
  if (isNamed) return reference;
  throw new UsageError(`name a tag, as in ${text.replace(/[@:][^/]*$/, "")}:1`);
}
