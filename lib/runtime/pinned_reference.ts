import { parsePlace } from "../model/place.ts";
import { familiarReference, parseReference } from "../model/reference.ts";

/** The path that stands for a pipe. */
const STANDARD_OUTPUT = "-";

/**
 * Writes the digest-pinned form of a place: it names the same image for ever.
 *
 * @param place The place: `registry.acme.dev/app:2`.
 * @param digest The digest of the image there.
 * @returns `registry.acme.dev/app@sha256:…`, `oci:./app@sha256:…`; of what cannot be asked for a
 * digest, as `dir:`, an engine or a pipe, the digest alone.
 * @throws {InvalidReferenceError} when the text names no place.
 */
export function pinnedReference(place: string, digest: string): string {
  const parsed = parsePlace(place);
  switch (parsed.transport) {
    case "docker": {
      const { registry, repository } = parseReference(parsed.reference);
      return familiarReference({ registry, repository, digest });
    }
    case "oci":
    case "oci-archive":
    case "docker-archive":
      return parsed.path === STANDARD_OUTPUT
        ? digest
        : `${parsed.transport}:${parsed.path}@${digest}`;
    default:
      return digest;
  }
}
