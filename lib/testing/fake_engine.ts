import { compareApiVersions, isApiVersion } from "../engine/api_version.ts";
import type { Platform } from "../model/platform.ts";
import { normalizePlatform } from "../model/normalize_platform.ts";
import type { Transport } from "../model/transport.ts";
import { type MemoryStore, memoryStore } from "../store/memory_store.ts";
import { answerAsFetch } from "./_answer_as_fetch.ts";
import { FakeImages } from "./_fake_engine_images.ts";
import { Refusal } from "./_fake_engine_refusal.ts";
import { document } from "./_fake_engine_reply.ts";
import { answer, type Machine } from "./_fake_engine_routes.ts";
import { ENGINE_VERSION, type FakeSearchResult } from "./_fake_engine_system.ts";

export type { FakeSearchResult } from "./_fake_engine_system.ts";

/** The version of the API that is imitated: that of Docker 20.10, whose replies were recorded. */
const NEWEST_API = "1.41";

/** The oldest one that Docker 20.10 takes. */
const OLDEST_API = "1.12";

/** The oldest one that gets errors as JSON. */
const JSON_ERRORS_API = "1.24";

/** Options of {@linkcode fakeEngine}. */
export interface FakeEngineOptions {
  /**
   * What the engine has: every image that the store has a root of; an empty memory store by default.
   * Of an index the engine has the image of its platform.
   */
  readonly store?: MemoryStore | undefined;
  /**
   * Leads to registries, for pull, push, distribution and login, and to what imports and builds
   * download: `memoryRegistry().transport`. By default there is no network.
   */
  readonly network?: Transport | undefined;
  /** What a search finds; by default there is no Docker Hub to search. */
  readonly searchable?: readonly FakeSearchResult[] | undefined;
  /** Where the images run; `linux/amd64` by default. */
  readonly platform?: Platform | undefined;
  /** The newest version of the API; from 1.24 to 1.41, which is the default. */
  readonly apiVersion?: string | undefined;
  /** The oldest version of the API; 1.12 by default. */
  readonly minAPIVersion?: string | undefined;
  /** Tells the time of what is made; by default the clock of the machine. */
  readonly now?: (() => Date) | undefined;
}

/** A request that a fake engine has answered. */
export interface FakeEngineRequest {
  /** The method. */
  readonly method: string;
  /** Path and query: `/v1.41/images/json?all=1`. */
  readonly path: string;
  /** The status of the answer. */
  readonly status: number;
}

/** An engine without a daemon. */
export interface FakeEngine {
  /** Sends requests to the engine, as `fetch` would; whatever host they name. */
  readonly transport: Transport;
  /** What the engine has; it can be looked into and changed under way. */
  readonly store: MemoryStore;
  /** The requests so far, in the order of their answers. */
  readonly requests: readonly FakeEngineRequest[];
}

/**
 * Makes a Docker engine for tests: the images of a memory store behind the Engine API 1.41, with the
 * statuses, the words and the streams of Docker 20.10 and its classic image store. It lists,
 * inspects, tags, removes, prunes, saves, loads, imports and searches; it pulls from and pushes to
 * the registries that `network` leads to. Builds do what needs no container: `RUN`, `COPY --from`,
 * `HEALTHCHECK` and BuildKit are refused in words that say so, and nothing is taken from a cache.
 * There are no containers, so nothing is in use.
 *
 * The transport is like `fetch`: an aborted signal rejects the request, or errors the body of its
 * answer, and ends the work. Images are held whole in memory.
 *
 * @param options What the engine has, and what it can reach.
 * @returns The engine.
 * @throws {RangeError} when a version of the API is not one that is imitated.
 *
 * @example Test without a daemon
 * ```ts
 * import { Engine } from "@lading/lading/engine";
 * import { fakeEngine, randomImage } from "@lading/lading/testing";
 *
 * const { transport, store } = fakeEngine();
 * await (await randomImage("seed")).pushTo(store, "demo/app:1");
 * const engine = new Engine({ transport });
 * const image = await engine.images.get("demo/app:1");
 * await image.tag("demo/app:stable");
 * console.log((await engine.images.list())[0]?.tags); // [ "demo/app:1", "demo/app:stable" ]
 * ```
 */
export function fakeEngine(options: FakeEngineOptions = {}): FakeEngine {
  const { store = memoryStore(), platform = { os: "linux", architecture: "amd64" } } = options;
  const { apiVersion: newest = NEWEST_API, minAPIVersion: oldest = OLDEST_API } = options;
  for (const version of [newest, oldest]) {
    const isKnown = isApiVersion(version) && compareApiVersions(version, NEWEST_API) <= 0 &&
      compareApiVersions(version, OLDEST_API) >= 0;
    if (isKnown) continue;
    throw new RangeError(
      `Cannot imitate the Engine API ${version}: only ${OLDEST_API} to ${NEWEST_API}`,
    );
  }
  const machine: Machine = {
    images: new FakeImages(store, normalizePlatform(platform)),
    api: { newest, oldest },
    network: options.network,
    searchable: options.searchable,
    now: options.now ?? (() => new Date()),
  };
  const requests: FakeEngineRequest[] = [];
  const transport: Transport = async (request) => {
    const response = await answerAsFetch(request, (sent) => reply(machine, sent));
    const { pathname, search } = new URL(request.url);
    requests.push({ method: request.method, path: pathname + search, status: response.status });
    return response;
  };
  return { transport, store, requests };
}

async function reply(machine: Machine, request: Request): Promise<Response> {
  const { pathname, searchParams: query } = new URL(request.url);
  const { method } = request;
  const clean = pathname.replace(/\/{2,}/g, "/");
  if (clean !== pathname) return new Response(null, { status: 301, headers: { location: clean } });
  const [, given, path = pathname] = /^\/v([0-9.]+)(\/.*)$/.exec(pathname) ?? [];
  const version = given ?? machine.api.newest;
  const fault = versionFault(version, machine);
  if (fault !== undefined) {
    const response = withHeaders(refused(fault, version), machine);
    response.headers.delete("docker-experimental");
    return response;
  }
  if (path === "/_ping") return withHeaders(ping(method), machine);
  const stop = new AbortController();
  const onAbort = (): void => stop.abort(request.signal.reason);
  request.signal.addEventListener("abort", onAbort, { once: true });
  try {
    const call = { machine, method, path, query, version, request, stop };
    const response = await answer(call);
    if (response !== undefined) return withHeaders(response, machine);
    return document({ message: "page not found" }, 404);
  } catch (error) {
    if (stop.signal.aborted) throw error;
    return withHeaders(refused(error, version), machine);
  }
}

function ping(method: string): Response {
  const headers = {
    "cache-control": "no-cache, no-store, must-revalidate",
    "pragma": "no-cache",
    "content-type": "text/plain; charset=utf-8",
  };
  return new Response(method === "HEAD" ? null : "OK", { headers });
}

function versionFault(version: string, { api }: Machine): Refusal | undefined {
  const { newest, oldest } = api;
  const isRead = isApiVersion(version);
  if (isRead && compareApiVersions(version, newest) > 0) {
    return new Refusal(
      400,
      `client version ${version} is too new. Maximum supported API version is ${newest}`,
    );
  }
  if (isRead && compareApiVersions(version, oldest) >= 0) return undefined;
  return new Refusal(
    400,
    `client version ${version} is too old. Minimum supported API version is ${oldest}, ` +
      "please upgrade your client to a newer version",
  );
}

function refused(error: unknown, version: string): Response {
  const status = error instanceof Refusal ? error.status : 500;
  const message = error instanceof Error ? error.message : String(error);
  if (isApiVersion(version) && compareApiVersions(version, JSON_ERRORS_API) >= 0) {
    return document({ message }, status);
  }
  const headers = { "content-type": "text/plain; charset=utf-8" };
  return new Response(`${message}\n`, { status, headers });
}

function withHeaders(response: Response, { api, images }: Machine): Response {
  const { os } = images.platform;
  response.headers.set("api-version", api.newest);
  response.headers.set("docker-experimental", "false");
  response.headers.set("ostype", os);
  response.headers.set("server", `Docker/${ENGINE_VERSION} (${os})`);
  return response;
}
