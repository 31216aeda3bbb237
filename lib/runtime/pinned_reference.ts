import { parsePlace } from "../model/place.ts";
import { familiarReference, parseReference } from "../model/reference.ts";

/**
 * Writes the digest-pinned form of a place: it names the same image for ever.
 *
 * @param place The place: `registry.acme.dev/app:2`.
 * @param digest The digest of the image there.
 * @returns `registry.acme.dev/app@sha256:…`; of a layout or an archive the digest alone.
 * @throws {InvalidReferenceError} when the text names no place.
 */
export function pinnedReference(place: string, digest: string): string {
  const parsed = parsePlace(place);
  if (parsed.transport !== "docker") return digest;
  const { registry, repository } = parseReference(parsed.reference);
  return familiarReference({ registry, repository, digest });
}
