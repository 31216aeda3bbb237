import { manifestFail, readManifest } from "./_read_manifest.ts";
import type { ParsedImageIndex } from "./image_index.ts";

/**
 * Parses an index, with the checks of {@linkcode parseManifest}.
 *
 * @param raw At most `MAX_MANIFEST_BYTES`.
 * @param mediaType The type it was announced with.
 * @returns The value, the bytes and the media type.
 * @throws {InvalidManifestError} when the bytes are no index.
 */
export function parseImageIndex(raw: Uint8Array, mediaType?: string): ParsedImageIndex {
  const parsed = readManifest(raw, mediaType);
  return parsed.kind === "index" ? parsed : manifestFail(raw)("no index");
}
