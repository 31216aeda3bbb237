/**
 * Digests and checksums: SHA-256 and SHA-512 over bytes that come in pieces, with a state that
 * can be stored and resumed, the digests and chain IDs of images, and CRC-32.
 *
 * Everything here is synchronous. Where the host has a synchronous hash of its own it is used;
 * elsewhere plain TypeScript gives the same results.
 *
 * @example The digest of a manifest, and a hash that survives its process
 * ```ts
 * import { createResumableHasher, digestBytes, resumeHasher } from "./mod.ts";
 *
 * const manifest = new TextEncoder().encode("{}");
 * console.log(digestBytes("sha256", manifest)); // sha256:44136fa3…
 *
 * const hasher = createResumableHasher("sha256");
 * hasher.update(manifest.subarray(0, 1));
 * const state = hasher.exportState();
 *
 * const later = resumeHasher(state);
 * later.update(manifest.subarray(1));
 * console.log(later.digest()[0] === 0x44); // true
 * ```
 *
 * @module
 */

export type { Bytes } from "../model/bytes.ts";
export type { Descriptor } from "../model/descriptor.ts";
export type { ImageIndex, ParsedImageIndex } from "../model/image_index.ts";
export type {
  ArtifactManifest,
  ImageManifest,
  ParsedArtifactManifest,
  ParsedImageManifest,
  ParsedManifest,
} from "../model/manifest.ts";
export type { Platform } from "../model/platform.ts";
export type {
  ParsedSchema1,
  Schema1HistoryEntry,
  Schema1LayerRef,
  Schema1Manifest,
  Schema1Signature,
} from "../model/schema1.ts";
export type {
  HashAlgorithm,
  Hasher,
  HasherFactory,
  ResumableHasher,
  StreamHasher,
  StreamHasherFactory,
} from "./hasher.ts";
export { createHasher, createResumableHasher, offerHasher, resumeHasher } from "./create_hasher.ts";
export { createStreamHasher, hasHostStreamHasher, hostStreamHasher } from "./stream_hasher.ts";
export { sha256Hasher } from "./sha256.ts";
export { sha512Hasher } from "./sha512.ts";
export { hostHasherFactory } from "./host.ts";
export { decodeHashState, encodeHashState, type HashState } from "./state.ts";
export { digestBytes } from "./digest_bytes.ts";
export { digestContent } from "./digest_content.ts";
export { embeddedContent } from "./embedded.ts";
export { manifestDigest } from "./manifest_digest.ts";
export { chainIDs } from "./chain_id.ts";
export { crc32 } from "./crc32.ts";
