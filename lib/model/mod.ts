/**
 * The values that images are made of: references, digests, platforms, descriptors, manifests and
 * configs. They are read strictly where two readers could differ, loosely where nothing depends on
 * it, and written as the tools around containers write them.
 *
 * Nothing here touches a network, a file system or a runtime: this door is small enough for an
 * edge worker. Parsed documents keep the bytes they came from (`raw`) and the fields that lading
 * does not know.
 *
 * @example Take a reference apart and pin it
 * ```ts
 * import { familiarReference, formatReference, parseReference, withDefaultTag } from "@lading/lading/reference";
 *
 * const reference = withDefaultTag(parseReference("alpine"));
 * console.log(formatReference(reference)); // docker.io/library/alpine:latest
 *
 * const pinned = { ...reference, digest: `sha256:${"0".repeat(64)}` };
 * console.log(familiarReference(pinned)); // alpine:latest@sha256:0000…
 * ```
 *
 * @example Choose the image for a platform out of an index
 * ```ts
 * import { choosePlatform, parseImageIndex, parsePlatform } from "@lading/lading/reference";
 *
 * const raw = new TextEncoder().encode(JSON.stringify({
 *   schemaVersion: 2,
 *   mediaType: "application/vnd.oci.image.index.v1+json",
 *   manifests: [{
 *     mediaType: "application/vnd.oci.image.manifest.v1+json",
 *     digest: `sha256:${"0".repeat(64)}`,
 *     size: 2,
 *     platform: { os: "linux", architecture: "arm64", variant: "v8" },
 *   }],
 * }));
 * const { value } = parseImageIndex(raw);
 * console.log(choosePlatform(value.manifests, parsePlatform("linux/arm64"))?.size); // 2
 * ```
 *
 * @module
 */

export type { Bytes, ByteSource, ByteStream } from "./bytes.ts";
export type {
  ByteRange,
  CallOptions,
  ContentSource,
  ContentStore,
  ContentUpload,
  Deleter,
  ExistsOptions,
  FetchOptions,
  Locator,
  Mounter,
  MountOptions,
  NamedContent,
  NamedFetcher,
  NamedPusher,
  Referrers,
  ReferrersOptions,
  RepositoryName,
  ResolveOptions,
  Resolver,
  Root,
  Roots,
  Source,
  Tagger,
  Target,
  Uploader,
} from "./content.ts";
export type { Transport, TransportTraits } from "./transport.ts";
export type { Descriptor } from "./descriptor.ts";
export type { BlobEvent, CopyEvent, ManifestEvent, ResolvedEvent } from "./events.ts";
export {
  type DigestAlgorithm,
  digestAlgorithm,
  formatDigest,
  isDigest,
  type ParsedDigest,
  parseDigest,
} from "./digest.ts";
export { decodeHex, encodeHex } from "./hex.ts";
export { decodeBase64, decodeBase64Url, encodeBase64, encodeBase64Url } from "./base64.ts";
export {
  DEFAULT_REGISTRY,
  DEFAULT_TAG,
  type DigestReference,
  familiarName,
  familiarReference,
  fetchReference,
  formatRawReference,
  formatReference,
  isImageID,
  isRegistryHost,
  isRepositoryName,
  isTag,
  MAX_REPOSITORY_NAME_LENGTH,
  parseAnyReference,
  parseRawReference,
  parseReference,
  type RawReference,
  type Reference,
  withDefaultTag,
} from "./reference.ts";
export { matchReference } from "./reference_pattern.ts";
export { formatPlatform, type Platform } from "./platform.ts";
export { armVersion, parsePlatform } from "./parse_platform.ts";
export { normalizePlatform } from "./normalize_platform.ts";
export {
  choosePlatform,
  comparePlatforms,
  isAttestation,
  matchPlatform,
  type PlatformCandidate,
  type PlatformMatch,
  type PlatformMatcher,
  platformMatcher,
} from "./platform_match.ts";
export {
  type ArtifactManifest,
  childDescriptors,
  type ImageManifest,
  MAX_MANIFEST_BYTES,
  type ParsedArtifactManifest,
  type ParsedImageManifest,
  type ParsedManifest,
} from "./manifest.ts";
export { guessManifestType, parseImageManifest, parseManifest } from "./parse_manifest.ts";
export type { ImageIndex, ParsedImageIndex } from "./image_index.ts";
export { parseImageIndex } from "./parse_image_index.ts";
export {
  type ContainerConfig,
  type Healthcheck,
  type HistoryEntry,
  type ImageConfig,
  MAX_CONFIG_BYTES,
  type ParsedImageConfig,
  type RootFS,
} from "./image_config.ts";
export { parseImageConfig } from "./parse_image_config.ts";
export type {
  ParsedSchema1,
  Schema1HistoryEntry,
  Schema1Layer,
  Schema1LayerRef,
  Schema1Manifest,
  Schema1Signature,
} from "./schema1.ts";
export { schema1Layers } from "./schema1_layers.ts";
export { parseSchema1 } from "./parse_schema1.ts";
export { type SpecDocument, specProblems } from "./conformance.ts";
export {
  type DaemonPlace,
  type DirectoryPlace,
  type DockerPlace,
  formatPlace,
  parsePlace,
  type PathPlace,
  type Place,
  type V1Place,
} from "./place.ts";
export {
  isConfigType,
  isForeignLayerType,
  isIndexType,
  isLayerType,
  isManifestType,
  isSchema1Type,
  MEDIA_TYPE_DOCKER_CONFIG,
  MEDIA_TYPE_DOCKER_FOREIGN_LAYER,
  MEDIA_TYPE_DOCKER_FOREIGN_LAYER_GZIP,
  MEDIA_TYPE_DOCKER_LAYER,
  MEDIA_TYPE_DOCKER_LAYER_GZIP,
  MEDIA_TYPE_DOCKER_LAYER_ZSTD,
  MEDIA_TYPE_DOCKER_MANIFEST,
  MEDIA_TYPE_DOCKER_MANIFEST_LIST,
  MEDIA_TYPE_DOCKER_PLUGIN_CONFIG,
  MEDIA_TYPE_DOCKER_SCHEMA1,
  MEDIA_TYPE_DOCKER_SCHEMA1_SIGNED,
  MEDIA_TYPE_OCI_ARTIFACT_MANIFEST,
  MEDIA_TYPE_OCI_CONFIG,
  MEDIA_TYPE_OCI_EMPTY,
  MEDIA_TYPE_OCI_FOREIGN_LAYER,
  MEDIA_TYPE_OCI_FOREIGN_LAYER_GZIP,
  MEDIA_TYPE_OCI_FOREIGN_LAYER_ZSTD,
  MEDIA_TYPE_OCI_INDEX,
  MEDIA_TYPE_OCI_LAYER,
  MEDIA_TYPE_OCI_LAYER_GZIP,
  MEDIA_TYPE_OCI_LAYER_ZSTD,
  MEDIA_TYPE_OCI_LAYOUT,
  MEDIA_TYPE_OCI_MANIFEST,
} from "./media_types.ts";
export {
  ANNOTATION_AUTHORS,
  ANNOTATION_BASE_DIGEST,
  ANNOTATION_BASE_NAME,
  ANNOTATION_CONTAINERD_IMAGE_NAME,
  ANNOTATION_CREATED,
  ANNOTATION_DESCRIPTION,
  ANNOTATION_DOCKER_REFERENCE_DIGEST,
  ANNOTATION_DOCKER_REFERENCE_TYPE,
  ANNOTATION_DOCUMENTATION,
  ANNOTATION_LICENSES,
  ANNOTATION_REF_NAME,
  ANNOTATION_REVISION,
  ANNOTATION_SOURCE,
  ANNOTATION_TITLE,
  ANNOTATION_URL,
  ANNOTATION_VENDOR,
  ANNOTATION_VERSION,
} from "./annotations.ts";
export {
  ArchiveError,
  AuthenticationError,
  type AuthenticationErrorOptions,
  AuthorizationError,
  ContentError,
  CopyError,
  CorruptStreamError,
  type Diagnostic,
  DigestMismatchError,
  type DigestMismatchOptions,
  InvalidConfigError,
  InvalidDigestError,
  InvalidInputError,
  type InvalidInputOptions,
  InvalidManifestError,
  InvalidPlatformError,
  InvalidReferenceError,
  InvalidTarError,
  isLadingError,
  LadingError,
  type LadingErrorOptions,
  LimitExceededError,
  NameTakenError,
  NotFoundError,
  PlatformNotFoundError,
  type PlatformNotFoundOptions,
  RateLimitError,
  RegistryError,
  type RegistryErrorOptions,
  SizeMismatchError,
  type SizeMismatchOptions,
  TagImmutableError,
  UnsafePathError,
  UnsupportedMediaTypeError,
  UploadError,
} from "./errors.ts";
