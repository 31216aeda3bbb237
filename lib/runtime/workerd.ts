/**
 * What lading needs from Cloudflare workerd: the transport over `fetch`, with its traits, and bodies
 * that have a length.
 *
 * @example Read a manifest
 * ```ts
 * import { hostTransport } from "@lading/lading/workerd";
 * import { Registry } from "@lading/lading/registry";
 *
 * const registry = new Registry("ghcr.io", { transport: hostTransport() });
 * console.log(registry.name); // ghcr.io
 * ```
 *
 * @module
 */

export { fixedLength } from "../bytes/fixed_length.ts";
export { detectRuntime, type RuntimeName } from "./detect.ts";
export { hostPlatform } from "./host_platform.ts";
export { hostTransport } from "./host_transport.ts";
