import type { CredentialProvider } from "../auth/credentials.ts";
import { withSignal } from "../bytes/signal.ts";
import { streamOf } from "../bytes/stream_from.ts";
import { readAll } from "../bytes/read_all.ts";
import { through } from "../bytes/through.ts";
import { noteOwnedChunks, ownsChunks } from "../bytes/lineage.ts";
import type { Bytes, ByteStream } from "../model/bytes.ts";
import type { CallOptions } from "../model/content.ts";
import { ApiVersionError, EngineError, isLadingError } from "../model/errors.ts";
import { isJSONObject, type JSONObject } from "../model/json_object.ts";
import { reasonOf, redactError } from "../model/redact.ts";
import type { Transport } from "../model/transport.ts";
import {
  compareApiVersions,
  isApiVersion,
  MAX_API_VERSION,
  negotiateApiVersion,
} from "./api_version.ts";
import type { OpenFile } from "./archive_input.ts";
import type { BuildFiles } from "./build_files.ts";
import { failureOf, type MakeError, readSaid, reasonFor, said } from "./_failure.ts";
import { checkIdleTimeout, withIdleTimeout } from "./_idle.ts";
import { untilAborted } from "./_until_aborted.ts";
import { decodeMessages, type EngineMessage } from "./message.ts";
import { type EngineQuery, formatQuery } from "./query.ts";

/** The largest document: a list of ten thousand images is some MiB. */
const MAX_DOCUMENT_BYTES = 64 * 1024 * 1024;

/** What a request sends along. */
export interface EngineBody {
  /** Its media type; never that of forms, which engines swallow. */
  readonly type: string;
  /** The content. */
  readonly content: Bytes | ByteStream | Blob | string;
}

/** One request to an engine. */
export interface EngineCall extends CallOptions {
  /** What is attempted, for messages: `remove image "app:1"`. */
  readonly action: string;
  readonly method: "GET" | "HEAD" | "POST" | "PUT" | "DELETE";
  /** The path below the version; safe in a URL. */
  readonly path: string;
  readonly query?: EngineQuery | undefined;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  readonly body?: EngineBody | undefined;
  /** Leaves the version out of the path. */
  readonly isUnversioned?: boolean | undefined;
  /** Whether 404 means that an image is not there. */
  readonly isAboutImage?: boolean | undefined;
  /** Makes the error when the engine refuses; default one by the status. */
  readonly makeError?: MakeError | undefined;
  /** How long the answer may be silent; default that of the engine. */
  readonly idleTimeoutMs?: number | undefined;
}

/** What has to be known of a request to read its answer. */
export type Reading = Pick<EngineCall, "action" | "makeError" | "signal">;

/** What an engine answered. */
export interface EngineAnswer {
  readonly status: number;
  readonly headers: Headers;
  /** The method and the path of the request, for errors. */
  readonly endpoint: string;
  /** The body; it has to be read to its end or cancelled. */
  readonly body: ByteStream;
  /** What is sent meanwhile. */
  readonly upload: Upload;
}

/** What a request sends, and why its source failed, if it did. */
interface Upload {
  readonly body: EngineBody["content"] | undefined;
  failure?: { readonly error: unknown };
}

/** Something that engines can do from some version of the API on. */
export interface EngineFeature {
  /** The version. */
  readonly since: string;
  /** What it is, for messages: `pushing one platform`. */
  readonly name: string;
}

/** What a client is made of. */
export interface EngineClientSetup {
  readonly transport: Transport;
  readonly name: string;
  readonly baseURL: string;
  readonly apiVersion: string | undefined;
  readonly credentials: CredentialProvider;
  readonly headers: Readonly<Record<string, string>>;
  readonly idleTimeoutMs: number | undefined;
  readonly openFile: OpenFile | undefined;
  readonly files: BuildFiles | undefined;
  readonly proxyArguments: Readonly<Record<string, string>>;
}

/** What an engine says of itself in answer to a ping. */
export interface EnginePing {
  /** The newest version of the API that it speaks; "" when it does not say. */
  readonly apiVersion: string;
  /** The operating system of its containers. */
  readonly os: string;
  /** The builder that it suggests: 1 is the classic one, 2 is BuildKit; "" when it does not say. */
  readonly builderVersion: string;
  /** Whether experimental features are on. */
  readonly isExperimental: boolean;
  /** Its name and version, such as `Docker/20.10.24 (linux)`. */
  readonly server: string;
}

/** Sends requests to one engine, in a version of the API that both know, and judges the answers. */
export class EngineClient {
  readonly name: string;
  readonly credentials: CredentialProvider;
  /** Opens files of the machine, where there are some. */
  readonly openFile: OpenFile | undefined;
  /** The files that builds read, where there are some. */
  readonly files: BuildFiles | undefined;
  /** What builds get as arguments for the proxies of the configuration. */
  readonly proxyArguments: Readonly<Record<string, string>>;
  readonly #setup: EngineClientSetup;
  #version: string | undefined;

  constructor(setup: EngineClientSetup) {
    const { apiVersion } = setup;
    if (apiVersion !== undefined && !isApiVersion(apiVersion)) {
      throw new TypeError(
        `Cannot speak the Engine API ${JSON.stringify(apiVersion)}: a version is like "1.41"`,
      );
    }
    checkIdleTimeout(setup.idleTimeoutMs);
    this.#setup = setup;
    this.#version = apiVersion;
    this.name = setup.name;
    this.credentials = setup.credentials;
    this.openFile = setup.openFile;
    this.files = setup.files;
    this.proxyArguments = setup.proxyArguments;
  }

  /** The version of the API to speak; the engine is asked once. */
  async version(options: CallOptions = {}): Promise<string> {
    if (this.#version !== undefined) return this.#version;
    const { apiVersion, endpoint } = await this.#asked(options);
    return this.#version ??= negotiateApiVersion(apiVersion, endpoint);
  }

  /**
   * Checks that the engine can do something: what it does not know it would ignore in silence.
   *
   * @throws {ApiVersionError} when it cannot.
   */
  async require(feature: EngineFeature, action: string, options: CallOptions = {}): Promise<void> {
    const apiVersion = await this.version(options);
    if (compareApiVersions(apiVersion, feature.since) >= 0) return;
    throw new ApiVersionError(
      `Cannot ${action}: ${feature.name} needs version ${feature.since} of the Engine API, and ` +
        `${this.name} speaks ${apiVersion}`,
      { status: 0, endpoint: "", apiVersion, needed: feature.since },
    );
  }

  /** Asks the engine whether it is there, and what it is. */
  async ping({ signal }: CallOptions = {}): Promise<EnginePing> {
    const call = { signal, action: "reach the engine", path: "/_ping", isUnversioned: true };
    const head = await this.#dispatch({ ...call, method: "HEAD" }, undefined);
    await head.body.cancel();
    if (head.status === 200) return pingOf(head.headers);
    // Engines of before API 1.40 know no HEAD here.
    const answer = await this.send({ ...call, method: "GET" });
    await answer.body.cancel();
    return pingOf(answer.headers);
  }

  /**
   * Sends a request.
   *
   * @returns The answer; its status is good.
   * @throws {EngineError} when the engine refuses, or does not answer.
   */
  async send(call: EngineCall): Promise<EngineAnswer> {
    for (let isSecond = false;; isSecond = true) {
      const version = await this.#versionFor(call);
      const answer = await this.#dispatch(call, version);
      if (answer.status >= 200 && answer.status < 300) return answer;
      const failure = await this.#failureOf(call, answer, version);
      const mayRepeat = !isSecond && this.#setup.apiVersion === undefined &&
        !(call.body?.content instanceof ReadableStream);
      if (!(failure instanceof ApiVersionError) || !mayRepeat) throw failure;
      // Another engine may listen there by now; it tells its version along with the refusal.
      const newest = answer.headers.get("api-version") ?? "";
      if (!isApiVersion(newest) || version === undefined) throw failure;
      const agreed = negotiateApiVersion(newest, answer.endpoint);
      if (agreed === version) throw failure;
      this.#version = agreed;
    }
  }

  /** The version of a request; without it the request is not sent, and its body is let go. */
  async #versionFor(call: EngineCall): Promise<string | undefined> {
    if (call.isUnversioned === true) return undefined;
    try {
      return await this.version(call);
    } catch (error) {
      const content = call.body?.content;
      if (content instanceof ReadableStream) await content.cancel(error).catch(() => {});
      throw error;
    }
  }

  /** Sends a request whose answer is a JSON object. */
  async object(call: EngineCall): Promise<JSONObject> {
    return await this.objectOf(await this.send(call), call);
  }

  /** Reads an answer that is a JSON object. */
  async objectOf(answer: EngineAnswer, call: Reading): Promise<JSONObject> {
    const value = await this.#json(answer, call);
    if (isJSONObject(value)) return value;
    throw this.#unexpected(answer, call, "object");
  }

  /** Sends a request whose answer is a list of JSON objects. */
  async list(call: EngineCall): Promise<readonly JSONObject[]> {
    const answer = await this.send(call);
    const value = await this.#json(answer, call);
    if (value === null) return [];
    if (Array.isArray(value)) return value.filter(isJSONObject);
    throw this.#unexpected(answer, call, "list");
  }

  async #json(answer: EngineAnswer, call: Reading): Promise<unknown> {
    try {
      const raw = await readAll(answer.body, {
        maxBytes: MAX_DOCUMENT_BYTES,
        what: "the engine's answer",
        signal: call.signal,
      });
      return JSON.parse(new TextDecoder().decode(raw));
    } catch (error) {
      throw this.broken(call, answer, error);
    }
  }

  /**
   * Sends a request whose answer is a stream of messages.
   *
   * @returns The messages; it throws at the first one that is an error, and when the stream breaks.
   */
  async *messages(call: EngineCall): AsyncGenerator<EngineMessage, void, undefined> {
    const answer = await this.send(call);
    try {
      for await (const message of decodeMessages(answer.body)) {
        if (message.error !== undefined) throw this.refusal(call, answer, message.error);
        yield message;
      }
    } catch (error) {
      throw this.broken(call, answer, error);
    }
  }

  /** Makes the error of a message that is one. */
  refusal(
    call: Pick<EngineCall, "action" | "makeError">,
    { status, endpoint }: Pick<EngineAnswer, "status" | "endpoint">,
    error: { readonly message: string; readonly code?: number | undefined },
  ): EngineError {
    const words = said(error.message);
    const message = `Cannot ${call.action}: ${
      words === "" ? "the engine does not say why" : words
    }`;
    return errorFor(call, message, {
      status,
      endpoint,
      said: words,
      exitCode: error.code,
      reason: reasonFor(status, words),
    });
  }

  /** Makes the error of an answer that broke off or cannot be understood; others pass as they are. */
  broken(
    call: Reading,
    { status, endpoint, upload }: Pick<EngineAnswer, "status" | "endpoint" | "upload">,
    error: unknown,
  ): unknown {
    if (call.signal?.aborted === true) return call.signal.reason;
    if (upload.failure !== undefined) return upload.failure.error;
    if (isLadingError(error)) return error;
    const cause = redactError(error);
    const why = error instanceof SyntaxError ? cause.message : `it broke off: ${reasonOf(cause)}`;
    return errorFor(call, `Cannot ${call.action}: the engine's answer is not whole: ${why}`, {
      status,
      endpoint,
      cause,
    });
  }

  #unexpected({ status, endpoint }: EngineAnswer, call: Reading, wanted: string): EngineError {
    const message =
      `Cannot ${call.action}: the engine answered with something that is no ${wanted}`;
    return errorFor(call, message, { status, endpoint });
  }

  async #asked({ signal }: CallOptions): Promise<{ apiVersion: string; endpoint: string }> {
    const { apiVersion } = await this.ping({ signal });
    if (isApiVersion(apiVersion)) return { apiVersion, endpoint: "HEAD /_ping" };
    // A proxy may have cut the header off.
    const version = await this.object({
      action: "find the API version of the engine",
      method: "GET",
      path: "/version",
      isUnversioned: true,
      signal,
    });
    const told = version["ApiVersion"];
    const isTold = typeof told === "string" && isApiVersion(told);
    return { apiVersion: isTold ? told : MAX_API_VERSION, endpoint: "GET /version" };
  }

  async #dispatch(call: EngineCall, version: string | undefined): Promise<EngineAnswer> {
    const { signal, method } = call;
    signal?.throwIfAborted();
    const path = `${version === undefined ? "" : `/v${version}`}${call.path}`;
    const endpoint = `${method} ${path}`;
    checkIdleTimeout(call.idleTimeoutMs);
    const idleMs = call.idleTimeoutMs ?? this.#setup.idleTimeoutMs;
    const upload = uploadOf(call.body?.content);
    const request = this.#request(call, path, upload);
    try {
      const response = await untilAborted(this.#setup.transport(request), request, signal);
      const body = response.body as ByteStream | null ?? streamOf(new Uint8Array());
      const watched = idleMs === undefined
        ? body
        : withIdleTimeout(body, idleMs, () => silent(call, endpoint, idleMs));
      return {
        status: response.status,
        headers: response.headers,
        endpoint,
        body: withSignal(watched, signal),
        upload,
      };
    } catch (error) {
      if (signal?.aborted === true) throw signal.reason;
      if (upload.failure !== undefined) throw upload.failure.error;
      if (isLadingError(error)) throw error;
      throw this.#unreachable(call, endpoint, error);
    }
  }

  #request(call: EngineCall, path: string, upload: Upload): Request {
    const { method, query, body: sent, signal } = call;
    const { body } = upload;
    const url = new URL(`${this.#setup.baseURL}${path}${formatQuery(query ?? {})}`);
    // The URL parser folds dots and drops line breaks; nothing that gets here may have any.
    if (!url.pathname.endsWith(path)) {
      throw new TypeError(`Cannot make a URL of ${JSON.stringify(path)}: it would be another path`);
    }
    const headers = new Headers(this.#setup.headers);
    for (const [name, value] of Object.entries(call.headers ?? {})) headers.set(name, value);
    if (sent !== undefined) headers.set("content-type", sent.type);
    return new Request(url, {
      method,
      headers,
      redirect: "manual",
      ...(body === undefined ? {} : { body }),
      ...(body instanceof ReadableStream ? { duplex: "half" } : {}),
      ...(signal === undefined ? {} : { signal }),
    });
  }

  async #failureOf(
    call: EngineCall,
    answer: EngineAnswer,
    apiVersion: string | undefined,
  ): Promise<EngineError> {
    const { status, headers, endpoint, body } = answer;
    const words = await readSaid(body, headers.get("content-type") ?? "");
    return failureOf({
      action: call.action,
      status,
      endpoint,
      said: words,
      apiVersion,
      isAboutImage: call.isAboutImage ?? false,
      makeError: call.makeError,
    });
  }

  #unreachable(call: EngineCall, endpoint: string, error: unknown): EngineError {
    const cause = redactError(error);
    return new EngineError(
      `Cannot ${call.action}: no answer from the engine at ${this.name}: ${reasonOf(cause)}; ` +
        "is it running, and may you talk to it?",
      { status: 0, endpoint, cause, reason: "unreachable" },
    );
  }
}

/** Notes why the source of a body fails: runtimes tell it in words of their own. */
function uploadOf(content: EngineBody["content"] | undefined): Upload {
  if (!(content instanceof ReadableStream)) return { body: content };
  const body = through(content, {
    chunk(chunk) {
      // Some streams know it only when their first chunk is there.
      if (ownsChunks(content)) noteOwnedChunks(body);
      return chunk;
    },
    error(error) {
      upload.failure = { error };
    },
  });
  const upload: Upload = { body };
  return upload;
}

function errorFor(
  call: Pick<EngineCall, "makeError">,
  ...[message, options]: Parameters<MakeError>
): EngineError {
  return call.makeError?.(message, options) ?? new EngineError(message, options);
}

function silent(call: EngineCall, endpoint: string, idleMs: number): EngineError {
  return errorFor(call, `Cannot ${call.action}: the engine was silent for ${idleMs / 1000} s`, {
    status: 200,
    endpoint,
    reason: "silent",
  });
}

function pingOf(headers: Headers): EnginePing {
  return {
    apiVersion: headers.get("api-version") ?? "",
    os: headers.get("ostype") ?? "",
    builderVersion: headers.get("builder-version") ?? "",
    isExperimental: headers.get("docker-experimental") === "true",
    server: headers.get("server") ?? "",
  };
}
