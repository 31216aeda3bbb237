import type { Descriptor } from "./descriptor.ts";
import type { ParsedManifest } from "./manifest.ts";
import type { ParsedSchema1 } from "./schema1.ts";

/** A manifest that speaks about another one. */
export interface Referrer {
  /** The manifest that it speaks about. */
  readonly subject: Descriptor;
  /** Its own descriptor, as a list of referrers shows it. */
  readonly descriptor: Descriptor;
}

/**
 * Tells what kind of artifact a manifest is: what it says, or the type of its config.
 *
 * @param parsed The manifest.
 * @returns The type; `undefined` for an index that names none.
 */
export function artifactTypeOf(parsed: Exclude<ParsedManifest, ParsedSchema1>): string | undefined {
  const ofConfig = parsed.kind === "image" ? parsed.value.config.mediaType : undefined;
  return parsed.value.artifactType || ofConfig || undefined;
}

/**
 * Makes the descriptor that lists of referrers have: with the annotations of the manifest and its
 * type, which is that of the config where it names none (distribution-spec, listing referrers).
 *
 * @param parsed The manifest.
 * @param target Its digest and its size.
 * @returns The descriptor.
 */
export function listedDescriptor(
  parsed: Exclude<ParsedManifest, ParsedSchema1>,
  { digest, size }: Pick<Descriptor, "digest" | "size">,
): Descriptor {
  const { mediaType, value: { annotations } } = parsed;
  const artifactType = artifactTypeOf(parsed);
  return {
    mediaType,
    digest,
    size,
    ...(artifactType === undefined ? {} : { artifactType }),
    ...(annotations === undefined ? {} : { annotations }),
  };
}

/**
 * Tells what a manifest speaks about, and makes its descriptor as lists of referrers have it.
 *
 * @param parsed The manifest.
 * @param target Its digest and its size.
 * @returns Both; `undefined` when it has no subject.
 */
export function referrerOf(
  parsed: ParsedManifest,
  target: Pick<Descriptor, "digest" | "size">,
): Referrer | undefined {
  if (parsed.kind === "schema1" || parsed.value.subject === undefined) return undefined;
  return { subject: parsed.value.subject, descriptor: listedDescriptor(parsed, target) };
}
