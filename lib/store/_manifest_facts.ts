import type { Bytes } from "../model/bytes.ts";
import type { Descriptor } from "../model/descriptor.ts";
import { isLadingError } from "../model/errors.ts";
import { childDescriptors } from "../model/manifest.ts";
import { parseManifest } from "../model/parse_manifest.ts";
import { artifactTypeOf } from "../model/referrer.ts";
import { isIndexType, isManifestType, isSchema1Type } from "../model/media_types.ts";

/** What a store has to know about a manifest to find it and its referrers. */
export interface ManifestFacts {
  readonly mediaType: string;
  /** The manifest it speaks about. */
  readonly subject: Descriptor | undefined;
  /** What kind of artifact it is (distribution-spec §listing referrers). */
  readonly artifactType: string | undefined;
  readonly annotations: Readonly<Record<string, string>> | undefined;
  /** The manifests of an index; empty for anything else. */
  readonly manifests: readonly Descriptor[];
}

/** Tells whether a media type is that of something that can be resolved and tagged. */
export function isResolvable(mediaType: string): boolean {
  return isIndexType(mediaType) || isManifestType(mediaType) || isSchema1Type(mediaType);
}

/** Reads what there is to know about a manifest; `undefined` when the bytes are none. */
export function manifestFacts(raw: Bytes, mediaType?: string): ManifestFacts | undefined {
  try {
    const parsed = parseManifest(raw, mediaType);
    if (parsed.kind === "schema1") {
      return { ...NOTHING, mediaType: parsed.mediaType };
    }
    const { subject, annotations } = parsed.value;
    return {
      mediaType: parsed.mediaType,
      subject,
      artifactType: artifactTypeOf(parsed),
      annotations,
      manifests: parsed.kind === "index" ? childDescriptors(parsed) : [],
    };
  } catch (error) {
    if (isLadingError(error)) return undefined;
    throw error;
  }
}

const NOTHING: Omit<ManifestFacts, "mediaType"> = {
  subject: undefined,
  artifactType: undefined,
  annotations: undefined,
  manifests: [],
};

/** Makes the descriptor that a list of referrers shows (distribution-spec §listing referrers). */
export function referrerDescriptor(
  { digest, size }: Pick<Descriptor, "digest" | "size">,
  facts: ManifestFacts,
): Descriptor {
  const { mediaType, artifactType, annotations } = facts;
  return {
    mediaType,
    digest,
    size,
    ...(artifactType === undefined ? {} : { artifactType }),
    ...(annotations === undefined ? {} : { annotations }),
  };
}
