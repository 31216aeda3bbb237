import type { ParsedManifest } from "../model/manifest.ts";
import { digestBytes } from "./digest_bytes.ts";
import type { HashAlgorithm } from "./hasher.ts";

/**
 * Computes the digest of a manifest as registries do: over its bytes, but for a signed Docker
 * manifest of schema 1 over the bytes that are signed, so that a new signature does not change it.
 *
 * @param parsed A parsed manifest.
 * @param algorithm The algorithm.
 * @returns The digest.
 */
export function manifestDigest(
  parsed: ParsedManifest,
  algorithm: HashAlgorithm = "sha256",
): string {
  return digestBytes(algorithm, parsed.kind === "schema1" ? parsed.payload : parsed.raw);
}
