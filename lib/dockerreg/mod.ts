/**
 * Docker registries as those see them who look after them: is an image whole, how large and how old is
 * it, what is there at all; pull into files and push from them, copy, tag and delete, with manifests
 * of every kind that such registries have served. What is read is proved, and what other tags need is
 * not deleted unless that is asked for.
 *
 * @example Check an image, copy it, and delete what nobody needs any more
 * ```ts
 * import { memoryRegistry, randomImage } from "@lading/lading/testing";
 * import { DockerRegistry } from "@lading/lading/dockerreg";
 *
 * const { host, store, transport } = memoryRegistry();
 * await (await randomImage("seed")).pushTo(store, "acme/app:1");
 * const registry = new DockerRegistry(host, { transport });
 * await registry.pullAndPush("acme/app", "1", { repository: "acme/copy", tag: "2" });
 * console.log(await registry.checkImage("acme/copy", "2")); // []
 * await registry.deleteImage("acme/app", "1", { layers: true });
 * console.log(await registry.namespaces()); // [ "acme" ]
 * ```
 *
 * @module
 */
export type {
  AnonymousCredentials,
  BasicCredentials,
  CredentialProvider,
  CredentialRequest,
  Credentials,
  IdentityTokenCredentials,
  RegistryTokenCredentials,
} from "../auth/credentials.ts";
export type { Token } from "../auth/token.ts";
export { type StoredToken, StoredTokenCache, type TokenCacheState } from "../auth/stored_tokens.ts";
export { TokenCache, type TokenCacheOptions, type TokenKey } from "../auth/token_cache.ts";
export type { Bytes, ByteSource, ByteStream } from "../model/bytes.ts";
export type {
  ByteRange,
  CallOptions,
  ContentSource,
  ExistsOptions,
  FetchOptions,
  ResolveOptions,
  Resolver,
  Source,
} from "../model/content.ts";
export type { Transport, TransportTraits } from "../model/transport.ts";
export type { Clock } from "../registry/clock.ts";
export type { PlainHTTP } from "../registry/endpoint.ts";
export type { FallbackEvent, RegistryEvent, RetryEvent, WarningEvent } from "../registry/events.ts";
export type { RegistryOptions } from "../registry/registry_options.ts";
export type { RetryOptions } from "../registry/retry.ts";
export type { TimeoutOptions } from "../registry/timeouts.ts";
export type {
  DirectoryEntry,
  FileAttributes,
  FileInfo,
  FileSystem,
  FileType,
  FileWriter,
} from "../store/file_system.ts";
export type { RandomAccess } from "../store/random_access.ts";
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
export {
  ConvertedV1Image,
  type ConvertV1Options,
  openV1Image,
  type ParsedV1Image,
  RegistryV1,
  RepositoryV1,
  type V1Image,
  type V1ImageEntry,
  type V1ImageInfo,
  type V1LayerOptions,
  type V1LayerStore,
  type V1PushImage,
  type V1RegistryInfo,
  type V1SearchResult,
} from "../registry/v1/mod.ts";
export { type CopyImageTarget, DockerImage } from "./docker_image.ts";
export { DockerRegistry } from "./docker_registry.ts";
export type {
  CopyImageOptions,
  DeleteImageOptions,
  DockerRegistryOptions,
  ImageSelectOptions,
  OpenImageOptions,
  PullAndPushOptions,
  PullImageOptions,
  PushDestination,
  PushImageOptions,
  RegistryProtocol,
  RepositoriesOptions,
  TagsOptions,
} from "./docker_registry_options.ts";
export { DockerRepository } from "./docker_repository.ts";
export type {
  DeletedImage,
  ImageFacts,
  ImageMetadata,
  LayerFacts,
  MissingContent,
  ReferenceMetadata,
} from "./metadata.ts";
export type { PlatformSelection } from "./platform_selection.ts";
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
export { pushToV1, type PushToV1Options } from "./push_to_v1.ts";
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
