/**
 * What tests of images need: a registry without a socket, a Docker engine without a daemon, and
 * images that depend on a seed alone.
 *
 * @example A registry with an image
 * ```ts
 * import { memoryRegistry, randomImage } from "@lading/lading/testing";
 *
 * const { store, transport } = memoryRegistry();
 * const image = await randomImage("seed", { layers: 3 });
 * await image.pushTo(store, "demo/app:1");
 * const answer = await transport(new Request("https://registry.test/v2/demo/app/tags/list"));
 * console.log(await answer.text()); // {"name":"demo/app","tags":["1"]}
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
  Deleter,
  ExistsOptions,
  FetchOptions,
  Referrers,
  ReferrersOptions,
  ResolveOptions,
  Resolver,
  Root,
  Roots,
  Tagger,
  Target,
} from "../model/content.ts";
export type { Descriptor } from "../model/descriptor.ts";
export type {
  ContainerConfig,
  Healthcheck,
  HistoryEntry,
  ImageConfig,
  RootFS,
} from "../model/image_config.ts";
export type { ImageIndex } from "../model/image_index.ts";
export type { ImageManifest } from "../model/manifest.ts";
export type { Platform } from "../model/platform.ts";
export type { Transport, TransportTraits } from "../model/transport.ts";
export type { RegistryHandlerOptions } from "../server/handler.ts";
export type { UploadSpool, UploadStore } from "../server/upload_store.ts";
export type { MemoryStore } from "../store/memory_store.ts";
export {
  type MemoryRegistry,
  memoryRegistry,
  type MemoryRegistryOptions,
  type MemoryRegistryRequest,
} from "./memory_registry.ts";
export {
  type RandomArtifact,
  type RandomContent,
  type RandomImage,
  randomImage,
  type RandomImageOptions,
  type RandomIndex,
  randomIndex,
  type RandomIndexOptions,
  type RandomLayer,
} from "./random_image.ts";
export {
  type Fault,
  type FaultRule,
  type FaultyExchange,
  type FaultyTransport,
  faultyTransport,
  type FaultyTransportOptions,
} from "./faulty_transport.ts";
export {
  type FakeEngine,
  fakeEngine,
  type FakeEngineOptions,
  type FakeEngineRequest,
  type FakeSearchResult,
} from "./fake_engine.ts";
