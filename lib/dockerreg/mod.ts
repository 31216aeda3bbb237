/**
 * Docker registries as operators see them.
 *
 * @module
 */
export type { Bytes, ByteSource, ByteStream } from "../model/bytes.ts";
export type { Descriptor } from "../model/descriptor.ts";
export { ContentError, LadingError, type LadingErrorOptions } from "../model/errors.ts";
export type {
  ContainerConfig,
  Healthcheck,
  HistoryEntry,
  ImageConfig,
  ParsedImageConfig,
  RootFS,
} from "../model/image_config.ts";
export type { ImageIndex, ParsedImageIndex } from "../model/image_index.ts";
export type { ImageManifest, ParsedImageManifest } from "../model/manifest.ts";
export type { Platform } from "../model/platform.ts";
export type {
  ParsedSchema1,
  Schema1HistoryEntry,
  Schema1Layer,
  Schema1LayerRef,
  Schema1Manifest,
  Schema1Signature,
} from "../model/schema1.ts";
export type { ParsedV1Image, V1Image } from "../registry/v1/v1_image.ts";
export {
  DockerManifest,
  type ManifestChanges,
  type ManifestPlace,
  type ManifestVersion,
} from "./manifest.ts";
export { type ManifestListOptions, ManifestListV22 } from "./manifest_list.ts";
export { ManifestV1 } from "./manifest_v1.ts";
export { ManifestV1Compat } from "./manifest_v1_compat.ts";
export { ManifestV21 } from "./manifest_v21.ts";
export { ManifestV22, type ManifestV22Options } from "./manifest_v22.ts";
export { parseDockerManifest } from "./parse_manifest.ts";
export { SignatureError, type SignatureReason } from "./signature_error.ts";
export {
  type SignOptions,
  signSchema1,
  type VerifiedSignature,
  verifySchema1,
} from "./libtrust.ts";
export {
  generateSigningKey,
  type SignatureAlgorithm,
  type SigningKey,
  signingKey,
} from "./signing_key.ts";
