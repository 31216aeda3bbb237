import { parseJSON } from "./_json.ts";
import { isJSONObject } from "./json_object.ts";
import { guessManifestType as guessType } from "./_manifest_type.ts";
import { manifestFail, readManifest } from "./_read_manifest.ts";
import { MAX_MANIFEST_BYTES, type ParsedImageManifest, type ParsedManifest } from "./manifest.ts";

/**
 * Parses a manifest, an index or a Docker manifest of schema 1. The digest has to be proved before,
 * over the same bytes.
 *
 * A document that two readers could understand differently is refused: one with fields of two
 * kinds, or of another kind than it was announced as (CVE-2021-41190), one with a key twice or
 * with a key that differs from a known one by case alone. Unknown fields and unknown media types
 * pass; `null`, as Go writes it, reads as absent.
 *
 * @param raw At most {@linkcode MAX_MANIFEST_BYTES}.
 * @param mediaType The type it was announced with: that of its descriptor, or a `Content-Type`.
 * Types that say nothing (`application/json`) count as none.
 * @returns The value, the bytes and the media type.
 * @throws {InvalidManifestError} when the bytes are no manifest.
 */
export function parseManifest(raw: Uint8Array, mediaType?: string): ParsedManifest {
  return readManifest(raw, mediaType);
}

/**
 * Parses the manifest of one image or artifact, with the checks of {@linkcode parseManifest}.
 *
 * @param raw At most {@linkcode MAX_MANIFEST_BYTES}.
 * @param mediaType The type it was announced with.
 * @returns The value, the bytes and the media type.
 * @throws {InvalidManifestError} when the bytes are no manifest of one image.
 */
export function parseImageManifest(raw: Uint8Array, mediaType?: string): ParsedImageManifest {
  const parsed = readManifest(raw, mediaType);
  return parsed.kind === "image" ? parsed : manifestFail(raw)("not the manifest of one image");
}

/**
 * Guesses the media type of a manifest from its bytes alone, without judging the rest of it.
 *
 * @param raw The bytes.
 * @returns The media type, or `undefined` when they look like no manifest.
 */
export function guessManifestType(raw: Uint8Array): string | undefined {
  try {
    const document = parseJSON(raw, MAX_MANIFEST_BYTES, manifestFail(raw));
    return isJSONObject(document) ? guessType(document) : undefined;
  } catch {
    return undefined;
  }
}
