import { ANNOTATION_DOCKER_REFERENCE_DIGEST } from "../model/annotations.ts";
import type { Descriptor } from "../model/descriptor.ts";
import type { ImageIndex } from "../model/image_index.ts";
import { isAttestation } from "../model/platform_match.ts";

/** Keeps entries of an index, and the attestations of those that are kept. */
export function keepEntries(
  index: ImageIndex,
  isKept: (entry: Descriptor) => boolean,
): ImageIndex {
  const kept = new Set(
    index.manifests.filter((entry) => isKept(entry)).map(({ digest }) => digest),
  );
  const subjects = new Set(index.manifests.map(({ digest }) => digest));
  const manifests = index.manifests.filter((entry) => {
    const subject = entry.annotations?.[ANNOTATION_DOCKER_REFERENCE_DIGEST];
    // An attestation goes where its image goes, whatever else is said of it.
    if (isAttestation(entry) && subject !== undefined && subjects.has(subject)) {
      return kept.has(subject);
    }
    return kept.has(entry.digest);
  });
  return manifests.length === index.manifests.length ? index : { ...index, manifests };
}
