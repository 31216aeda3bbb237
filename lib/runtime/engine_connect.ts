import type * as FileSystemModule from "node:fs/promises";
import type { CredentialProvider } from "../auth/credentials.ts";
import { type EngineTLS, locateEngine } from "../engine/locate.ts";
import { formatEngineHost } from "../engine/endpoint.ts";
import type { EngineOptions } from "../engine/engine.ts";
import type { Bytes, ByteStream } from "../model/bytes.ts";
import type { CallOptions } from "../model/content.ts";
import { InvalidConfigError } from "../model/errors.ts";
import type { Transport } from "../model/transport.ts";
import { hostCredentials } from "./docker_credentials.ts";
import { engineTransport } from "./engine_transport.ts";
import { readVariable } from "./_helper_process.ts";
import { nodeFileSystem } from "./node_file_system.ts";
import { PIECE_BYTES, readAhead } from "./_read_ahead.ts";

/** Options of `Engine.connect()`. */
export interface ConnectOptions extends CallOptions {
  /** The address, as `DOCKER_HOST` has it; default what the docker command would choose. */
  readonly host?: string | undefined;
  /** A context of the docker command. */
  readonly context?: string | undefined;
  /** What TLS needs; default the files that the environment or the context names. */
  readonly tls?: EngineTLS | undefined;
  /** The version of the API to speak; default `DOCKER_API_VERSION`, or the newest that both know. */
  readonly apiVersion?: string | undefined;
  /** Finds credentials for registries; default what the machine keeps for Docker and podman. */
  readonly credentials?: CredentialProvider | undefined;
  /** More headers of every request; they go before those of the configuration. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** How long answers may be silent, in milliseconds; by default as long as they like. */
  readonly idleTimeoutMs?: number | undefined;
  /** Variables in place of those of the environment. */
  readonly environment?: Readonly<Record<string, string | undefined>> | undefined;
  /** Sends the requests, whatever the environment says: `env.DOCKER.fetch` of a worker. */
  readonly transport?: Transport | undefined;
  /** Wraps what sends the requests, wherever they go: in a log. */
  readonly wrapTransport?: ((transport: Transport) => Transport) | undefined;
}

interface Host {
  readonly process?: {
    readonly platform?: string;
    getBuiltinModule?(name: "node:fs/promises"): typeof FileSystemModule | undefined;
  };
}

/** The variables that say where an engine is. */
const VARIABLES = [
  ...["DOCKER_HOST", "DOCKER_CONTEXT", "DOCKER_CONFIG", "DOCKER_API_VERSION"],
  ...["DOCKER_TLS", "DOCKER_TLS_VERIFY", "DOCKER_CERT_PATH", "HOME", "USERPROFILE"],
] as const;

/**
 * Finds out what an engine of this machine, or of its configuration, is reached with.
 *
 * @param options What goes before the environment.
 * @returns What `new Engine()` takes.
 * @throws {InvalidConfigError} when the configuration or a context cannot be read.
 * @throws {InvalidInputError} (`INVALID_ENDPOINT`) when an address is none.
 * @throws {LadingError} (`UNSUPPORTED_ENDPOINT`) when the runtime cannot go there.
 */
export async function engineOptions(options: ConnectOptions = {}): Promise<EngineOptions> {
  const { transport, idleTimeoutMs, wrapTransport = (transport) => transport } = options;
  const common = {
    idleTimeoutMs,
    credentials: options.credentials ?? hostCredentials(),
    openFile,
    files: hasDisk() ? nodeFileSystem() : undefined,
  };
  if (transport !== undefined) {
    const { apiVersion, headers, host } = options;
    const name = host ?? "the transport";
    return { ...common, transport: wrapTransport(transport), apiVersion, headers, name };
  }
  const { process } = globalThis as Host;
  const location = await locateEngine({
    environment: options.environment ??
      Object.fromEntries(VARIABLES.map((name) => [name, readVariable(name)])),
    readFile: readConfigFile,
    isWindows: process?.platform === "win32",
    host: options.host,
    context: options.context,
    tls: options.tls,
  });
  options.signal?.throwIfAborted();
  const way = engineTransport(location.endpoint, location.tls);
  return {
    ...common,
    ...way,
    transport: wrapTransport(way.transport),
    name: formatEngineHost(location.endpoint),
    apiVersion: options.apiVersion ?? location.apiVersion,
    headers: { ...location.headers, ...options.headers },
    proxyArguments: location.proxyArguments,
  };
}

/** Opens a file to send it. */
async function openFile(path: string): Promise<ByteStream> {
  const file = await nodeFileSystem().open(path);
  let at = 0;
  const read = async (): Promise<Bytes> => {
    const piece = await file.read(at, PIECE_BYTES);
    at += piece.byteLength;
    return piece;
  };
  return readAhead(read, () => file.close());
}

function hasDisk(): boolean {
  return (globalThis as Host).process?.getBuiltinModule?.("node:fs/promises") !== undefined;
}

/** Reads a file; `undefined` when it is not there or this runtime has no files. */
async function readConfigFile(path: string): Promise<string | undefined> {
  const fs = (globalThis as Host).process?.getBuiltinModule?.("node:fs/promises");
  try {
    return await fs?.readFile(path, { encoding: "utf8" });
  } catch (error) {
    const { code, name } = error as { readonly code?: unknown; readonly name?: unknown };
    // Deno without --allow-read: there is no file as far as this program is concerned.
    if (code === "ENOENT" || code === "ENOTDIR" || name === "NotCapable") return undefined;
    const reason = typeof code === "string" ? code : name;
    throw new InvalidConfigError(`Cannot read ${path}: ${reason}`, { input: path, cause: error });
  }
}
