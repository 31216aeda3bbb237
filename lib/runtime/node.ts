/**
 * What lading needs from Node: its disk, its registry credentials, its transport and a server.
 *
 * @example Open an OCI layout on disk
 * ```ts
 * import { nodeFileSystem } from "@lading/lading/node";
 * import { ociLayout } from "@lading/lading/store";
 *
 * const layout = ociLayout(nodeFileSystem(), "./alpine");
 * console.log(typeof layout.resolve); // function
 * ```
 *
 * @module
 */

export { detectRuntime, type RuntimeName } from "./detect.ts";
export { hostCredentials } from "./docker_credentials.ts";
export {
  type ConfigFileLocation,
  dockerConfigFile,
  dockerConfigLocations,
} from "./docker_config_file.ts";
export { extractToDisk } from "./node_extract.ts";
export {
  type CredentialFileOptions,
  login,
  type LoginIdentity,
  type LoginOptions,
  type LoginResult,
  logout,
  type LogoutResult,
} from "./login.ts";
export { hostPlatform } from "./host_platform.ts";
export { hostTransport } from "./host_transport.ts";
export { tlsTransport, type TLSTransportOptions } from "./tls_transport.ts";
export { nodeFileSystem } from "./node_file_system.ts";
export { type RequestHandler, type RunningServer, serve, type ServeOptions } from "./serve.ts";
