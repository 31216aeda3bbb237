import { letGo } from "../bytes/source.ts";
import type { CredentialProvider } from "../auth/credentials.ts";
import { withSignal } from "../bytes/signal.ts";
import { streamOf } from "../bytes/stream_from.ts";
import { readAll } from "../bytes/read_all.ts";
import type { ByteStream } from "../model/bytes.ts";
import type { CallOptions } from "../model/content.ts";
import { ApiVersionError, type EngineError, isLadingError } from "../model/errors.ts";
import { isJSONObject, type JSONObject } from "../model/json_object.ts";
import type { Transport } from "../model/transport.ts";
import { broken, refusal, silent, unexpected, unreachable } from "./_answer_error.ts";
import {
  compareApiVersions,
  isApiVersion,
  MAX_API_VERSION,
  negotiateApiVersion,
} from "./api_version.ts";
import type { OpenFile } from "./archive_input.ts";
import type { BuildFiles } from "./build_files.ts";
import type { EngineAnswer, EngineCall, EngineFeature, Reading } from "./engine_call.ts";
import { failureOf, readSaid } from "./_failure.ts";
import { checkIdleTimeout, withIdleTimeout } from "./_idle.ts";
import { decodeMessages, type EngineMessage } from "./message.ts";
import { type EnginePing, pingOf } from "./ping.ts";
import { requestOf } from "./_request.ts";
import { untilAborted } from "../bytes/until_aborted.ts";
import { uploadOf } from "./_upload.ts";

/** The largest document: a list of ten thousand images is some MiB. */
const MAX_DOCUMENT_BYTES = 64 * 1024 * 1024;

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
      await letGo(call.body?.content, error);
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
    throw unexpected(answer, call, "object");
  }

  /** Sends a request whose answer is a list of JSON objects. */
  async list(call: EngineCall): Promise<readonly JSONObject[]> {
    const answer = await this.send(call);
    const value = await this.#json(answer, call);
    if (value === null) return [];
    if (Array.isArray(value)) return value.filter(isJSONObject);
    throw unexpected(answer, call, "list");
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
      throw broken(call, answer, error);
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
        if (message.error !== undefined) throw refusal(call, answer, message.error);
        yield message;
      }
    } catch (error) {
      throw broken(call, answer, error);
    }
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
    const { baseURL, headers } = this.#setup;
    const request = requestOf(call, path, { baseURL, headers, upload });
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
      throw unreachable(call, endpoint, { name: this.name, error });
    }
  }

  async #failureOf(
    call: EngineCall,
    answer: EngineAnswer,
    apiVersion: string | undefined,
  ): Promise<EngineError> {
    const { status, headers, endpoint, body } = answer;
    const words = await readSaid(body, headers.get("content-type") ?? "");
    call.signal?.throwIfAborted();
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
}
