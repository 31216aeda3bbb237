import { readAll } from "../bytes/read_all.ts";
import type { ContentSource } from "../model/content.ts";
import type { Descriptor } from "../model/descriptor.ts";
import {
  ContentError,
  InvalidDigestError,
  InvalidManifestError,
  LimitExceededError,
} from "../model/errors.ts";
import { childDescriptors, MAX_MANIFEST_BYTES, type ParsedManifest } from "../model/manifest.ts";
import { parseManifest } from "../model/parse_manifest.ts";
import { isIndexType, isManifestType } from "../model/media_types.ts";
import { listedDescriptor } from "../model/referrer.ts";

/** What the registry has to know about a manifest. */
export interface ManifestEntry {
  /** Its descriptor, as a list of referrers shows it (distribution-spec §listing referrers). */
  readonly descriptor: Descriptor;
  /** The digest of the manifest it speaks about. */
  readonly subject: string | undefined;
  /** The manifests and blobs it is made of. */
  readonly children: readonly Descriptor[];
}

const LASTING = [ContentError, InvalidDigestError, InvalidManifestError, LimitExceededError];

/** Collects what there is to know about a parsed manifest. */
export function manifestEntry(
  { digest, size }: Pick<Descriptor, "digest" | "size">,
  parsed: ParsedManifest,
): ManifestEntry {
  const { mediaType } = parsed;
  if (parsed.kind === "schema1") {
    return { descriptor: { mediaType, digest, size }, subject: undefined, children: [] };
  }
  return {
    descriptor: listedDescriptor(parsed, { digest, size }),
    subject: parsed.value.subject?.digest,
    children: childDescriptors(parsed),
  };
}

/**
 * Reads a stored manifest; `undefined` when it is gone, damaged or no manifest. What may pass, such
 * as a disk that cannot be read, is an error.
 */
export async function readManifestEntry(
  source: ContentSource,
  descriptor: Descriptor,
): Promise<ManifestEntry | undefined> {
  try {
    const raw = await readAll(await source.fetch(descriptor), { maxBytes: MAX_MANIFEST_BYTES });
    return manifestEntry(descriptor, parseManifest(raw, descriptor.mediaType));
  } catch (error) {
    if (LASTING.some((kind) => error instanceof kind)) return undefined;
    throw error;
  }
}

/** Tells whether a child of a manifest is a manifest itself. */
export function isManifestChild({ mediaType }: Descriptor): boolean {
  return isIndexType(mediaType) || isManifestType(mediaType);
}
