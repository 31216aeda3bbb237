/**
 * Registries: resolving, reading and writing images and artifacts over the OCI distribution-spec 1.1
 * and Docker's Registry API v2. It works with every `fetch`; nothing here needs a kernel, a file
 * system or Node.
 *
 * What is read is verified. Credentials go to the registry and its token server only, never along a
 * redirect. What fails for a moment is repeated, a body that breaks off is continued. A server that
 * is silent for 30 seconds, or in the middle of a body for 60, counts as failed.
 *
 * @example Read a manifest and one of its blobs
 * ```ts
 * import { Registry } from "@lading/lading/registry";
 * import { memoryStore } from "@lading/lading/store";
 * import { registryHandler } from "@lading/lading/server";
 *
 * const transport = registryHandler(memoryStore()); // any registry; by default fetch
 * const repository = new Registry("localhost:5000", { transport }).repository("demo");
 * const content = new TextEncoder().encode("hello");
 * const blob = {
 *   mediaType: "text/plain",
 *   digest: "sha256:2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824",
 *   size: 5,
 * };
 * await repository.push(blob, content);
 * const stream = await repository.fetch(blob);
 * console.log(await new Response(stream).text()); // hello
 * ```
 *
 * @module
 */

export type { Bytes, ByteSource, ByteStream } from "../model/bytes.ts";
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
  Tagger,
  Uploader,
} from "../model/content.ts";
export type { Descriptor } from "../model/descriptor.ts";
export type { DigestAlgorithm } from "../model/digest.ts";
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
export type { Transport, TransportTraits } from "../model/transport.ts";
export type {
  AnonymousCredentials,
  BasicCredentials,
  CredentialProvider,
  CredentialRequest,
  Credentials,
  IdentityTokenCredentials,
  RegistryTokenCredentials,
} from "../auth/credentials.ts";
export { staticCredentials } from "../auth/credentials.ts";
export type { Token } from "../auth/token.ts";
export { type StoredToken, StoredTokenCache, type TokenCacheState } from "../auth/stored_tokens.ts";
export { TokenCache, type TokenCacheOptions, type TokenKey } from "../auth/token_cache.ts";
export type { Clock } from "./clock.ts";
export type { PlainHTTP } from "./endpoint.ts";
export type { FallbackEvent, RegistryEvent, RetryEvent, WarningEvent } from "./events.ts";
export type { Manifest, ManifestOptions } from "./manifests.ts";
export type { RateLimit } from "./rate_limit.ts";
export { referrersTag } from "./referrers.ts";
export { fetchManifest, type FetchManifestOptions } from "./fetch_manifest.ts";
export { type AuthenticateOptions, Registry } from "./registry.ts";
export type { RegistryOptions } from "./registry_options.ts";
export { type ImageOptions, type ListOptions, Repository } from "./repository.ts";
export type { RetryOptions } from "./retry.ts";
export type { TimeoutOptions } from "./timeouts.ts";
// Behind the rest, which may be all that a bundle has: its order decides how well it compresses.
export { type Mirror, type MirrorOptions, type Mirrors, withMirrors } from "./mirrors.ts";
export { BlobUpload, type ResumeUploadOptions, type StartUploadOptions } from "./blob_upload.ts";
export type { PushOptions, UploadOptions } from "./upload.ts";
export type { UploadState } from "./upload_state.ts";
