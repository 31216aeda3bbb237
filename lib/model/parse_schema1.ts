import { manifestFail, readManifest } from "./_read_manifest.ts";
import type { ParsedSchema1 } from "./schema1.ts";

/**
 * Parses a Docker manifest of schema 1. Of a signed document only the signed bytes are read
 * (libtrust, `formatLength` and `formatTail`); a field outside of them is refused, because other
 * readers would take it for a part of the manifest. The signatures are not verified: they prove
 * the possession of some key, and registries sign anew with their own.
 *
 * @param raw At most `MAX_MANIFEST_BYTES`.
 * @returns The value, the signed bytes and the signatures.
 * @throws {InvalidManifestError} when the bytes are no such manifest.
 */
export function parseSchema1(raw: Uint8Array): ParsedSchema1 {
  const parsed = readManifest(raw);
  return parsed.kind === "schema1" ? parsed : manifestFail(raw)("not of schema 1");
}
