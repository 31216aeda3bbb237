import type { Descriptor } from "./descriptor.ts";
import type { ParsedManifest } from "./manifest.ts";

/** A manifest that speaks about another one. */
export interface Referrer {
  /** The manifest that it speaks about. */
  readonly subject: Descriptor;
  /** Its own descriptor, as a list of referrers shows it. */
  readonly descriptor: Descriptor;
}

/**
 * Tells what a manifest speaks about, and makes the descriptor that lists of referrers have: with its
 * annotations and its type, which is that of the config where it names none (distribution-spec,
 * listing referrers).
 *
 * @param parsed The manifest.
 * @param target Its digest and its size.
 * @returns Both; `undefined` when it has no subject.
 */
export function referrerOf(
  parsed: ParsedManifest,
  { digest, size }: Pick<Descriptor, "digest" | "size">,
): Referrer | undefined {
  if (parsed.kind === "schema1" || parsed.value.subject === undefined) return undefined;
  const { mediaType, value: { subject, annotations } } = parsed;
  const artifactType = parsed.value.artifactType ||
    (parsed.kind === "image" ? parsed.value.config.mediaType : "");
  return {
    subject,
    descriptor: {
      mediaType,
      digest,
      size,
      ...(artifactType === "" || artifactType === undefined ? {} : { artifactType }),
      ...(annotations === undefined ? {} : { annotations }),
    },
  };
}
