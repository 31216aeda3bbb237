/**
 * A registry as a function from `Request` to `Response`: the OCI distribution-spec over any place
 * that lading can write to. It needs no socket, so it is a test's transport, and it runs wherever
 * requests come from: `Deno.serve(registryHandler(store))`, `Bun.serve({ fetch })`, a Worker's
 * `fetch`, or `serve` of lading's runtime entries over `node:http`.
 *
 * @example Serve a memory store, and push a blob to it
 * ```ts
 * import { memoryStore } from "@lading/lading/store";
 * import { registryHandler } from "@lading/lading/server";
 *
 * const registry = registryHandler(memoryStore());
 * const digest = "sha256:2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824";
 * const pushed = await registry(
 *   new Request(`http://registry.test/v2/demo/blobs/uploads/?digest=${digest}`, {
 *     method: "POST",
 *     body: "hello",
 *   }),
 * );
 * console.log(pushed.status); // 201
 *
 * const pulled = await registry(new Request(`http://registry.test/v2/demo/blobs/${digest}`));
 * console.log(await pulled.text()); // hello
 * ```
 *
 * `proxyHandler` is a registry that only reads, from another one and from a cache that it fills.
 *
 * @example A mirror that goes on when its upstream is gone
 * ```ts
 * import { Registry } from "@lading/lading/registry";
 * import { proxyHandler, registryHandler } from "@lading/lading/server";
 * import { memoryStore } from "@lading/lading/store";
 * import { randomImage } from "@lading/lading/testing";
 *
 * const store = memoryStore();
 * await (await randomImage("seed")).pushTo(store, "acme/app:1");
 * let transport = registryHandler(store);
 * const upstream = new Registry("upstream.test", {
 *   transport: (request) => transport(request),
 *   retry: { retries: 0 }, // clients repeat what fails
 * });
 * const mirror = proxyHandler((name) => upstream.repository(name), memoryStore());
 *
 * const request = () => new Request("http://mirror.test/v2/acme/app/manifests/1");
 * console.log((await mirror(request())).status); // 200
 * transport = () => Promise.resolve(new Response("gone", { status: 500 }));
 * console.log((await mirror(request())).status); // 200
 * ```
 *
 * @module
 */
export type { Bytes, ByteSource, ByteStream } from "../model/bytes.ts";
export type {
  BlobResolver,
  ByteRange,
  CallOptions,
  ContentSource,
  ContentStore,
  Deleter,
  ExistsOptions,
  FetchOptions,
  NamedContent,
  NamedFetcher,
  Referrers,
  ReferrersOptions,
  ResolveOptions,
  Resolver,
  Root,
  Roots,
  Source,
  Tagger,
  Tags,
  Target,
} from "../model/content.ts";
export type { Descriptor } from "../model/descriptor.ts";
export type { Platform } from "../model/platform.ts";
export type {
  HeldAs,
  SharedRegistry,
  SharedRepositories,
  SharedUpload,
  SharedUploads,
} from "../model/shared_registry.ts";
export type { Transport, TransportTraits } from "../model/transport.ts";
export { fileUploads } from "./file_uploads.ts";
export {
  MAX_UPLOADS,
  registryHandler,
  type RegistryHandlerOptions,
  UPLOAD_TIMEOUT_MS,
} from "./handler.ts";
export {
  MAX_MEMORY_UPLOAD_BYTES,
  memoryUploads,
  type MemoryUploadsOptions,
} from "./memory_uploads.ts";
export { proxyHandler, type ProxyHandlerOptions } from "./proxy.ts";
export type { ProxyEvent } from "./proxy_event.ts";
export type { RegistryTarget } from "./target.ts";
export type { UploadFileReader, UploadFileSystem, UploadFileWriter } from "./upload_file_system.ts";
export type { UploadSpool, UploadStore } from "./upload_store.ts";
export type { Upstream, UpstreamCatalog, UpstreamRepository } from "./upstream.ts";
