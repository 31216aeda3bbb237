/**
 * Docker engines, and podman's service that speaks the same: their images listed, pulled, pushed,
 * tagged, saved, loaded, imported, removed. Operations are done when the engine has done the work,
 * and fail when it fails, in the middle of an answer too.
 *
 * `Engine.connect()` finds the engine as the docker command does, on Node, Deno and Bun. Elsewhere,
 * and in tests, `new Engine({ transport })` talks to whatever the transport leads to.
 *
 * @example Ask an engine behind a service binding
 * ```ts
 * import { Engine } from "@lading/lading/engine";
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
import { Engine as PortableEngine } from "../engine/engine.ts";
import { type ConnectOptions, engineOptions } from "./engine_connect.ts";

export * from "../engine/mod.ts";
export { type EngineSource, engineSource, type EngineSourceOptions } from "../ops/engine_source.ts";
export { type EngineTarget, engineTarget, type EngineTargetOptions } from "../ops/engine_target.ts";
export type { ConnectOptions };
export { PortableEngine };
export type {
  ByteRange,
  ContentSource,
  ContentStore,
  FetchOptions,
  ResolveOptions,
  Resolver,
  Source,
  Tagger,
  Target,
} from "../model/content.ts";
export type { HashAlgorithm, Hasher, HasherFactory } from "../hash/hasher.ts";
export type { ArchiveOptions } from "../store/archive_options.ts";
export type {
  DirectoryEntry,
  FileAttributes,
  FileInfo,
  FileSystem,
  FileType,
  FileWriter,
} from "../store/file_system.ts";
export type { RandomAccess } from "../store/random_access.ts";

/** A Docker engine, which {@linkcode Engine.connect} finds as the docker command does. */
export class Engine extends PortableEngine {
  /**
   * Connects to the engine of this machine, or to the one that the environment names: by
   * `DOCKER_HOST`, by `DOCKER_CONTEXT` or the current context, at the usual socket. The engine is
   * asked for its version, so what cannot be reached is an error here.
   *
   * @param options What goes before the environment.
   * @returns The engine; close it, or use `await using`.
   * @throws {InvalidConfigError} when the configuration or a context cannot be read.
   * @throws {InvalidInputError} (`INVALID_ENDPOINT`) when an address is none.
   * @throws {LadingError} (`UNSUPPORTED_ENDPOINT`) when the runtime cannot go there.
   * @throws {EngineError} when the engine does not answer.
   * @throws {ApiVersionError} when engine and library have no version of the API in common.
   */
  static async connect(options: ConnectOptions = {}): Promise<Engine> {
    const engine = new Engine(await engineOptions(options));
    try {
      await engine.apiVersion({ signal: options.signal });
      return engine;
    } catch (error) {
      await engine.close();
      throw error;
    }
  }
}
