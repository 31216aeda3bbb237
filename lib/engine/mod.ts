/**
 * Docker engines, and podman's service that speaks the same: their images listed, pulled, pushed,
 * tagged, saved, loaded, imported, removed. Operations are done when the engine has done the work,
 * and fail when it fails, in the middle of an answer too.
 *
 * This part needs nothing but a transport, so it serves workers as well. `Engine.connect()` of the
 * package's entry finds the engine of the machine.
 *
 * @example Ask an engine behind a service binding
 * ```ts
 * import { Engine } from "./mod.ts";
 *
 * const engine = new Engine({
 *   transport: (request) => {
 *     const isPing = new URL(request.url).pathname === "/_ping";
 *     const headers = { "api-version": "1.41" };
 *     return Promise.resolve(new Response(isPing ? null : "[]", { headers }));
 *   },
 * });
 * console.log(await engine.images.list()); // []
 * ```
 *
 * @module
 */
export type { Operation } from "../bytes/operation.ts";
export type {
  AnonymousCredentials,
  BasicCredentials,
  CredentialProvider,
  CredentialRequest,
  Credentials,
  IdentityTokenCredentials,
  RegistryTokenCredentials,
} from "../auth/credentials.ts";
export type { Bytes, ByteSource, ByteStream } from "../model/bytes.ts";
export type { CallOptions } from "../model/content.ts";
export type { Descriptor } from "../model/descriptor.ts";
export {
  ApiVersionError,
  type ApiVersionOptions,
  BuildError,
  ConflictError,
  EngineError,
  type EngineErrorOptions,
  type EngineFailureReason,
  ImageNotFoundError,
  InvalidConfigError,
  InvalidInputError,
  InvalidPlatformError,
  InvalidReferenceError,
  LadingError,
  type LadingErrorOptions,
  LoadError,
  PullError,
  PushError,
} from "../model/errors.ts";
export type { Platform } from "../model/platform.ts";
export type { TarInput, TarInputType } from "../tar/writer.ts";
export type { Transport, TransportTraits } from "../model/transport.ts";
export {
  compareApiVersions,
  isApiVersion,
  MAX_API_VERSION,
  MIN_API_VERSION,
  negotiateApiVersion,
} from "./api_version.ts";
export type { ArchiveBody, FileInput, OpenFile } from "./archive_input.ts";
export type { AttestationsOptions, ImageAttestation } from "./attestations.ts";
export { encodeRegistryAuth, encodeRegistryConfig, type EngineCredentials } from "./auth_header.ts";
export { type EngineLocation, type EngineLookup, type EngineTLS, locateEngine } from "./locate.ts";
export type {
  BuildContext,
  ContextEntry,
  DirectoryContext,
  DockerfileContext,
  DockerfileText,
  EntriesContext,
  PackOptions,
  RemoteContext,
} from "./build_context.ts";
export type {
  BuildEvent,
  BuildImageEvent,
  BuildLogEvent,
  BuildProgressEvent,
  BuildStepEvent,
  BuildWarningEvent,
} from "./build_events.ts";
export type { BuildFile, BuildFileInfo, BuildFiles } from "./build_files.ts";
export type { BuildLimits, BuildOptions, BuildOutput, BuildUlimit } from "./build_options.ts";
export { BuildSessionError } from "./build_session_error.ts";
export { type DistributionOptions, RegistryData } from "./distribution.ts";
export { Dockerignore, type DockerignoreState, parseDockerignore } from "./dockerignore.ts";
export {
  DEFAULT_PIPE_NAME,
  DEFAULT_SOCKET_PATH,
  type EngineEndpoint,
  type EngineHostOptions,
  formatEngineHost,
  parseEngineHost,
  type SocketEndpoint,
  type SSHEndpoint,
  type TCPEndpoint,
} from "./endpoint.ts";
export { Engine, type EngineOptions, type EngineRequest } from "./engine.ts";
export type { EngineBody } from "./engine_body.ts";
export type { EngineEvent, EngineLayerEvent, EngineLogEvent, EngineStatusEvent } from "./events.ts";
export type { HistoryOptions, ImageHistoryEntry } from "./history.ts";
export { EngineImage, type SaveImageOptions } from "./image.ts";
export { EngineImages } from "./images.ts";
export type { ImageInput, ImportOptions, ImportSource, URLInput } from "./import.ts";
export type { InspectOptions } from "./inspect.ts";
export type { ImageSummary, ListOptions } from "./list.ts";
export type { LoadOptions, LoadResult } from "./load.ts";
export type { LoginOptions, LoginResult } from "./login.ts";
export {
  decodeMessages,
  type EngineMessage,
  MAX_MESSAGE_BYTES,
  type MessageError,
  type MessageProgress,
} from "./message.ts";
export type { EnginePing } from "./ping.ts";
export type { PruneBuildsOptions, PruneBuildsResult, PruneOptions, PruneResult } from "./prune.ts";
export type { PullOptions } from "./pull.ts";
export type { PushedTag, PushOptions, PushResult } from "./push.ts";
export type { EngineFilters, EngineQuery } from "./query.ts";
export type { RemoveOptions, RemoveResult } from "./remove.ts";
export type { SaveOptions } from "./save.ts";
export type { SearchOptions, SearchResult } from "./search.ts";
export type { TagOptions } from "./tag.ts";
export type { EngineVersion } from "./version.ts";
