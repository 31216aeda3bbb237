/**
 * What lading needs from Deno: its disk, its registry credentials, its transport and a server.
 *
 * @example Open an OCI layout on disk
 * ```ts
 * import { nodeFileSystem } from "@lading/lading/deno";
 * import { ociLayout } from "@lading/lading/store";
 *
 * const layout = ociLayout(nodeFileSystem(), "./alpine");
 * console.log(typeof layout.resolve); // function
 * ```
 *
 * @module
 */
export * from "./_disk_runtime.ts";
