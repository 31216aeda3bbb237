/**
 * Registries of version 1: the protocol of Docker before 1.6, which some archives still speak. What
 * is read is proved where such registries say what it should be, which is little: IDs are names, no
 * digests. Converted to an image of the OCI, everything is proved from then on.
 *
 * @example Copy an image out of a registry of version 1
 * ```ts
 * import { memoryStore } from "@lading/lading/store";
 * import { copy } from "@lading/lading/ops";
 * import { openV1Image, RegistryV1 } from "@lading/lading/registry/v1";
 *
 * const transport = () => Promise.resolve(new Response("{}", { status: 404 })); // by default fetch
 * const registry = new RegistryV1("old.example", { transport });
 * try {
 *   const source = await openV1Image(registry.repository("acme/app"), "1.0");
 *   await copy(source, "1.0", memoryStore());
 * } catch (error) {
 *   console.log(String(error)); // NotFoundError: Cannot pull "old.example/acme/app:1.0": …
 * }
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
} from "../../auth/credentials.ts";
export type { Token } from "../../auth/token.ts";
export { TokenCache, type TokenCacheOptions, type TokenKey } from "../../auth/token_cache.ts";
export type { Bytes, ByteSource, ByteStream } from "../../model/bytes.ts";
export type {
  ByteRange,
  CallOptions,
  ContentSource,
  FetchOptions,
  ResolveOptions,
  Resolver,
  Source,
} from "../../model/content.ts";
export type { Descriptor } from "../../model/descriptor.ts";
export type {
  ContainerConfig,
  Healthcheck,
  HistoryEntry,
  ImageConfig,
  ParsedImageConfig,
  RootFS,
} from "../../model/image_config.ts";
export type { Platform } from "../../model/platform.ts";
export type { Transport, TransportTraits } from "../../model/transport.ts";
export type { Clock } from "../clock.ts";
export type { PlainHTTP } from "../endpoint.ts";
export type { FallbackEvent, RegistryEvent, RetryEvent, WarningEvent } from "../events.ts";
export type { RegistryOptions } from "../registry_options.ts";
export type { RetryOptions } from "../retry.ts";
export type { TimeoutOptions } from "../timeouts.ts";
export {
  convertV1,
  type ConvertV1Options,
  type V1Layer,
  type V1LayerOpenOptions,
  type V1LayerStore,
} from "./convert.ts";
export { ConvertedV1Image } from "./converted_v1_image.ts";
export { openV1Image, readV1Images, v1Layers } from "./open_v1_image.ts";
export { RegistryV1, type V1RegistryInfo, type V1SearchResult } from "./registry_v1.ts";
export { RepositoryV1, type V1ImageEntry, type V1LayerOptions } from "./repository_v1.ts";
export type { V1ImageInfo } from "./v1_image_info.ts";
export type { V1PushImage } from "./v1_push_image.ts";
export { v1ImagesOf } from "./v1_images_of.ts";
export { isV1ID, type ParsedV1Image, parseV1Image, type V1Image } from "./v1_image.ts";
