import { ANONYMOUS, type CredentialProvider } from "../auth/credentials.ts";
import type { CallOptions } from "../model/content.ts";
import type { Platform } from "../model/platform.ts";
import type { Transport } from "../model/transport.ts";
import { VERSION } from "../model/version.ts";
import type { OpenFile } from "./archive_input.ts";
import type { BuildFiles } from "./build_files.ts";
import type { EngineBody } from "./engine_body.ts";
import { EngineClient } from "./engine_client.ts";
import { type EngineImages, engineImages } from "./images.ts";
import { checkLogin, type LoginOptions, type LoginResult } from "./login.ts";
import type { EnginePing } from "./ping.ts";
import { enginePlatform } from "./platform.ts";
import type { EngineQuery } from "./query.ts";
import { type EngineVersion, engineVersion } from "./version.ts";

/** The host that requests name where a socket leads to the engine; it is never looked up. */
const SOCKET_URL = "http://api.moby.localhost";

/** Options of {@linkcode Engine}. */
export interface EngineOptions {
  /** Sends the requests: `env.DOCKER.fetch`, or what `Engine.connect()` makes. */
  readonly transport: Transport;
  /** The engine as messages name it; default its URL. */
  readonly name?: string | undefined;
  /** Where the API is, as requests name it; default one for transports that know the way. */
  readonly baseURL?: string | undefined;
  /** The version of the API to speak; default the newest one that both know. */
  readonly apiVersion?: string | undefined;
  /** Finds credentials for registries; default none. */
  readonly credentials?: CredentialProvider | undefined;
  /** Headers of every request, as `HttpHeaders` of Docker's configuration has them. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** How long answers may be silent, in milliseconds; by default as long as they like. */
  readonly idleTimeoutMs?: number | undefined;
  /** Opens files of the machine. */
  readonly openFile?: OpenFile | undefined;
  /** The files that builds read. */
  readonly files?: BuildFiles | undefined;
  /** What builds get as arguments for the proxies that `proxies` of Docker's configuration names. */
  readonly proxyArguments?: Readonly<Record<string, string>> | undefined;
  /** Frees what the transport holds. */
  readonly close?: (() => void | Promise<void>) | undefined;
}

/** A request that has no method of its own here. */
export interface EngineRequest extends CallOptions {
  /** The method; default `GET`. */
  readonly method?: "GET" | "HEAD" | "POST" | "PUT" | "DELETE" | undefined;
  /** The path below the version, such as `/containers/json`; its parts have to be encoded. */
  readonly path: string;
  /** The parameters. */
  readonly query?: EngineQuery | undefined;
  /** More headers. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** What to send along; a plain object is sent as JSON. */
  readonly body?: EngineBody | Readonly<Record<string, unknown>> | undefined;
  /** Leaves the version out of the path. */
  readonly isUnversioned?: boolean | undefined;
}

/**
 * A Docker engine, or podman's service that speaks the same. Requests are made in the newest version
 * of the API that both know; the engine is asked for it before the first one. There are no hidden
 * time limits; every call takes a signal.
 */
export class Engine implements AsyncDisposable {
  readonly #client: EngineClient;
  readonly #close: (() => void | Promise<void>) | undefined;
  /** The engine as messages name it: `unix:///var/run/docker.sock`. */
  readonly name: string;
  /** The images of the engine. */
  readonly images: EngineImages;

  /**
   * Makes the client of an engine; nothing is sent yet.
   *
   * @param options The transport, and what requests need.
   * @throws {TypeError} when there is no transport, or the URL or the version is none.
   * @throws {RangeError} when the time limit is none.
   */
  constructor(options: EngineOptions) {
    const { transport, baseURL = SOCKET_URL, apiVersion, idleTimeoutMs, openFile } = options;
    const { files, proxyArguments = {} } = options;
    if (typeof transport !== "function") {
      throw new TypeError("Cannot talk to an engine: there is no transport");
    }
    if (!URL.canParse(baseURL) || !/^https?:$/.test(new URL(baseURL).protocol)) {
      throw new TypeError(`Cannot talk to an engine at ${JSON.stringify(baseURL)}: it is no URL`);
    }
    this.name = options.name ?? baseURL;
    this.#close = options.close;
    this.#client = new EngineClient({
      transport,
      name: this.name,
      baseURL: baseURL.replace(/\/+$/, ""),
      apiVersion,
      credentials: options.credentials ?? (() => Promise.resolve(ANONYMOUS)),
      headers: { "user-agent": `lading/${VERSION}`, ...lowerCased(options.headers ?? {}) },
      idleTimeoutMs,
      openFile,
      files,
      proxyArguments,
    });
    this.images = engineImages(this.#client);
  }

  /**
   * Gives the version of the API that requests are made in.
   *
   * @param options A signal.
   * @returns The version, such as `1.41`.
   * @throws {ApiVersionError} when engine and library have none in common.
   */
  apiVersion(options: CallOptions = {}): Promise<string> {
    return this.#client.version(options);
  }

  /**
   * Asks whether the engine is there.
   *
   * @param options A signal.
   * @returns What it says of itself.
   * @throws {EngineError} when it does not answer.
   */
  ping(options: CallOptions = {}): Promise<EnginePing> {
    return this.#client.ping(options);
  }

  /**
   * Asks the engine for its version.
   *
   * @param options A signal.
   * @returns The versions of the engine and of its API.
   */
  version(options: CallOptions = {}): Promise<EngineVersion> {
    return engineVersion(this.#client, options);
  }

  /**
   * Asks the engine for its state: how many images and containers, which storage driver.
   *
   * @param options A signal.
   * @returns All that it says, with its own names.
   */
  info({ signal }: CallOptions = {}): Promise<Readonly<Record<string, unknown>>> {
    return this.#client.object({
      action: "ask the engine for its state",
      method: "GET",
      path: "/info",
      signal,
    });
  }

  /**
   * Asks the engine what it runs on: the platform that it chooses from an index when nobody says.
   *
   * @param options A signal.
   * @returns The platform; of 32-bit ARM with its variant.
   */
  platform(options: CallOptions = {}): Promise<Platform> {
    return enginePlatform(this.#client, options);
  }

  /**
   * Lets the engine try credentials at a registry. They are kept nowhere.
   *
   * @param options The registry, the user name and the password.
   * @returns What the engine says, and a token where the registry gave one.
   * @throws {EngineError} when they are wrong (its `reason` is `authentication`), or the registry
   * cannot be reached.
   */
  login(options: LoginOptions): Promise<LoginResult> {
    return checkLogin(this.#client, options);
  }

  /**
   * Sends any other request, in the version of the API that both know.
   *
   * @param request The request.
   * @returns The answer; its status is good. Read its body, or cancel it.
   * @throws {EngineError} when the engine refuses, or does not answer.
   */
  async request(request: EngineRequest): Promise<Response> {
    const { method = "GET", path, body, ...rest } = request;
    if (!/^\/[!-~]+$/.test(path) || /[?#\\]|\/\/|\/\.{1,2}(?:\/|$)/.test(path)) {
      throw new TypeError(
        `Cannot send a request to ${JSON.stringify(path)}: a path begins with "/", and has no ` +
          "dots, blanks or queries of its own",
      );
    }
    const { status, headers, body: answer } = await this.#client.send({
      ...rest,
      action: `send ${method} ${path}`,
      method,
      path,
      body: body === undefined ? undefined : bodyOf(body),
    });
    const isEmpty = method === "HEAD" || status === 204 || status === 205;
    if (isEmpty) await answer.cancel();
    return new Response(isEmpty ? null : answer, { status, headers });
  }

  /** Frees what the connections hold; operations under way fail. */
  async close(): Promise<void> {
    await this.#close?.();
  }

  /** Does the same as {@linkcode Engine.close}. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

function bodyOf(body: NonNullable<EngineRequest["body"]>): EngineBody {
  const { type, content } = body;
  const isRaw = typeof type === "string" && Object.keys(body).length === 2 &&
    (typeof content === "string" || content instanceof Uint8Array || content instanceof Blob ||
      content instanceof ReadableStream);
  if (isRaw) return { type, content: content as EngineBody["content"] };
  return { type: "application/json", content: JSON.stringify(body) };
}

/** Names of headers have no case: those that are given go before those of this library. */
function lowerCased(headers: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]),
  );
}
