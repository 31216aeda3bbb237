/** What Deno, Node and Bun give alike: a disk, processes and sockets, all through `node:` modules. */
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
export {
  hostLayerIndexes,
  type HostLayerIndexesOptions,
  layerIndexLocation,
} from "./host_layer_indexes.ts";
export { hostPlatform } from "./host_platform.ts";
export { hostTransport } from "./host_transport.ts";
export { tlsTransport, type TLSTransportOptions } from "./tls_transport.ts";
export { nodeFileSystem } from "./node_file_system.ts";
export { type RequestHandler, serve, type ServeOptions } from "./serve.ts";
export type { RunningServer } from "./running_server.ts";
export {
  type HostThreads,
  layerThreads,
  type LayerThreadsOptions,
  MIN_THREAD_BYTES,
} from "./threads.ts";
