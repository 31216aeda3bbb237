/**
 * What lading needs from browsers: the transport over `fetch`, with its traits.
 *
 * @example Read a manifest
 * ```ts
 * import { hostTransport } from "@lading/lading/browser";
 * import { Registry } from "@lading/lading/registry";
 *
 * const registry = new Registry("ghcr.io", { transport: hostTransport() });
 * console.log(registry.name); // ghcr.io
 * ```
 *
 * @module
 */

export { detectRuntime, type RuntimeName } from "./detect.ts";
export { hostPlatform } from "./host_platform.ts";
export { hostTransport } from "./host_transport.ts";
export {
  type HostThreads,
  layerThreads,
  type LayerThreadsOptions,
  MIN_THREAD_BYTES,
} from "./threads.ts";
