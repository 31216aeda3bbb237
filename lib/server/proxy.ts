import { SingleFlight } from "../bytes/single_flight.ts";
import type { Descriptor } from "../model/descriptor.ts";
import { isTag } from "../model/reference.ts";
import type { Transport } from "../model/transport.ts";
import { jsonAnswer } from "./_answer.ts";
import { answering } from "./_answering.ts";
import { answerBlob, unknownBlob } from "./_blobs.ts";
import type { Call } from "./_context.ts";
import { digestToFind } from "./_digest_text.ts";
import { answerBy, type Methods } from "./_handle.ts";
import { answerReferrers, answerRepositories, answerTags, unknownName } from "./_lists.ts";
import { answerManifest, isDigestReference, unknownManifest } from "./_manifests.ts";
import { ProxiedRepository, type ProxyContext } from "./_proxied_repository.ts";
import { Refusal } from "./_refusal.ts";
import { RepositoryNames } from "./_repository_names.ts";
import { parseRoute } from "./_routes.ts";
import { Shelves } from "./_shelves.ts";
import { isNameUnknown, isNotFound, upstreamRefusal } from "./_upstream_refusal.ts";
import type { ProxyEvent } from "./proxy_event.ts";
import type { RegistryTarget } from "./target.ts";
import type { Upstream, UpstreamCatalog, UpstreamRepository } from "./upstream.ts";

/** Options of {@linkcode proxyHandler}. */
export interface ProxyHandlerOptions {
  /**
   * How long a tag stands for what it was last seen to stand for, in milliseconds; 0 by default: the
   * upstream is asked each time, for the digest alone. On Docker Hub that counts as no pull.
   */
  readonly tagMaxAgeMs?: number | undefined;
  /** Lists the repositories, such as `registry.catalog`; without it there is no such list. */
  readonly catalog?: UpstreamCatalog | undefined;
  /**
   * Is given work that goes on after an answer: the cache being filled. A Worker has to pass it to its
   * `ctx.waitUntil`, or what a client leaves unread is dropped. It must not throw.
   */
  readonly waitUntil?: ((work: Promise<unknown>) => void) | undefined;
  /** Is told what the answers do not say. It must not throw. */
  readonly onEvent?: ((event: ProxyEvent) => void) | undefined;
  /**
   * Is told what the upstream and the cache failed at, also where the client was answered all the
   * same. It must not throw.
   */
  readonly onError?: ((error: unknown, request: Request) => void) | undefined;
}

/**
 * Makes a registry that only reads, from an upstream and from a cache that it fills on the way: a
 * pull-through mirror. Like {@linkcode registryHandler} it is a function from `Request` to `Response`
 * that never rejects.
 *
 * - Nothing is stored or handed over as whole that was not proved. A blob streams to the client while
 *   it goes into the cache; where it is not what it should be, the body breaks off, and nothing of it
 *   is kept. What the cache has and cannot prove is removed from it.
 * - What a tag stands for is asked of the upstream. Where that cannot be reached, fails (5xx) or wants
 *   to be left alone (429), what the cache has is the answer; a tag that is not there upstream is not
 *   there. Manifests by digest, and blobs, that the cache has, take no request.
 * - Blobs fill the cache at the pace of the client; one that goes away leaves the rest to the cache,
 *   because the next one would have to begin again. Who asks for the same blob meanwhile is answered
 *   from the upstream, as is who asks for a range of a missing blob: neither waits, neither is stored.
 * - A cache that fails does not fail the client.
 * - Content is given out under a repository when a manifest names it that came through this
 *   repository, or the upstream says that it is there: an upstream that takes manifests naming what
 *   its repository does not hold would let who may push to one read another.
 * - The answers say nothing of the upstream. When it refuses the proxy, they are 403 and not 401:
 *   other credentials of the client would change nothing. What it fails at is 502 or 504.
 *
 * The cache has the references of `registryHandler`, `repository:tag`, so that handler serves the
 * same cache without an upstream. A tag is written with its manifest, before anybody has pulled what
 * that names: few pull all platforms of an index, and without the tag nothing would be found again.
 * Other tools open those images that somebody pulled whole. In a layout, what no tag leads to any more
 * is garbage, which `collectGarbage` removes, best while nothing is served; manifests that were only
 * asked for by digest are, too. Which repository these belong to, only a bucket store notes; elsewhere
 * the upstream is asked again after a restart.
 *
 * Memory is one chunk for each blob that moves, twice while it fills the cache, one manifest for each
 * request about one, and some hundred bytes for each blob and manifest that is known. There is no
 * authentication: put it before the handler.
 *
 * @param upstream Gives the repositories to read from. A `Registry` reads four blobs at a time and
 * repeats what fails for several seconds by default, which all clients share and wait for: see its
 * `concurrency` and `retry`.
 * @param cache Where content and tags are kept. In memory, `memoryStore({ maxBytes })` makes room.
 * @param options How long tags last, and who is told what.
 * @returns The registry.
 * @throws {RangeError} when `tagMaxAgeMs` is no time.
 *
 * @example A mirror in memory
 * ```ts
 * import { Registry } from "@lading/lading/registry";
 * import { proxyHandler, registryHandler } from "@lading/lading/server";
 * import { memoryStore } from "@lading/lading/store";
 *
 * const transport = registryHandler(memoryStore()); // without it, Docker Hub is asked
 * const hub = new Registry("docker.io", { transport });
 * const cache = memoryStore({ maxBytes: 512 * 1024 * 1024 });
 * const mirror = proxyHandler((name) => hub.repository(name), cache);
 * const answer = await mirror(new Request("http://mirror.test/v2/library/alpine/manifests/3.20"));
 * console.log(answer.status); // 404: this upstream is empty
 * ```
 */
export function proxyHandler(
  upstream: Upstream,
  cache: RegistryTarget,
  options: ProxyHandlerOptions = {},
): Transport {
  const { tagMaxAgeMs = 0, onError = () => {} } = options;
  if (!(tagMaxAgeMs >= 0)) {
    throw new RangeError(`Cannot keep tags for ${tagMaxAgeMs} ms: that is no time`);
  }
  const names = new RepositoryNames(undefined);
  const context: ProxyContext = {
    cache,
    names,
    shelves: new Shelves(cache, names),
    tags: new Map(),
    tagMaxAgeMs,
    manifests: new SingleFlight(),
    fills: new Set(),
    waitUntil: options.waitUntil ?? (() => {}),
    onEvent: options.onEvent ?? (() => {}),
  };
  const answer = async (call: Call): Promise<Response> => {
    const methods = methodsOf(context, call, upstream, options);
    return await answerBy(methods, call, true);
  };
  return answering(answer, (error, { request }) => {
    if (!(error instanceof Refusal) && !isNotFound(error)) onError(error, request);
    return upstreamRefusal(error);
  });
}

function methodsOf(
  context: ProxyContext,
  call: Call,
  upstream: Upstream,
  { catalog, onError = () => {} }: ProxyHandlerOptions,
): Methods {
  const route = parseRoute(call.url.pathname);
  switch (route.kind) {
    case "base":
      return { GET: () => Promise.resolve(jsonAnswer(200, {})) };
    case "catalog":
      return { GET: () => listRepositories(call, catalog) };
    case "uploads":
    case "upload":
      return {};
  }
  const { repository } = route;
  const read = (answer: (source: UpstreamRepository) => Promise<Response>) => ({
    GET: () => inRepository(upstream, repository, answer),
  });
  const proxied = (source: UpstreamRepository) =>
    new ProxiedRepository(context, repository, source, (error) => onError(error, call.request));
  switch (route.kind) {
    case "tags":
      return read((source) => listTags(call, repository, source));
    case "referrers":
      return read((source) => listReferrers(call, route.digest, source));
    case "manifest":
      return read((source) => getManifest(call, route.reference, proxied(source)));
    case "blob":
      return read((source) => getBlob(call, route.digest, proxied(source)));
  }
}

/** Opens the repository upstream, and says so where there is none. */
async function inRepository(
  upstream: Upstream,
  repository: string,
  answer: (source: UpstreamRepository) => Promise<Response>,
): Promise<Response> {
  try {
    return await answer(upstream(repository));
  } catch (error) {
    if (isNotFound(error)) throw unknownName(repository);
    throw error;
  }
}

async function getManifest(
  call: Call,
  reference: string,
  repository: ProxiedRepository,
): Promise<Response> {
  const descriptor = await orUnknown(
    () => findManifest(repository, reference, call.method !== "HEAD"),
    () => unknownManifest(reference),
  );
  return await answerManifest(repository.manifests, call, reference, descriptor);
}

async function findManifest(
  repository: ProxiedRepository,
  reference: string,
  isRead: boolean,
): Promise<Descriptor> {
  if (isDigestReference(reference)) {
    const digest = digestToFind(reference);
    if (digest !== undefined) return await repository.resolveManifest(digest, isRead);
  } else if (isTag(reference)) {
    return await repository.resolveTag(reference, isRead);
  }
  throw unknownManifest(reference);
}

async function getBlob(
  call: Call,
  text: string,
  repository: ProxiedRepository,
): Promise<Response> {
  const digest = digestToFind(text);
  if (digest === undefined) throw unknownBlob(text);
  const blob = await orUnknown(() => repository.resolveBlob(digest), () => unknownBlob(digest));
  return await answerBlob(repository.blobs, call, blob);
}

/** Says in the words of the specification that the upstream does not have something. */
async function orUnknown<Result>(
  find: () => Promise<Result>,
  unknown: () => Refusal,
): Promise<Result> {
  try {
    return await find();
  } catch (error) {
    throw isNotFound(error) && !isNameUnknown(error) ? unknown() : error;
  }
}

async function listTags(
  { url }: Call,
  repository: string,
  source: UpstreamRepository,
): Promise<Response> {
  const tags = source.tags?.();
  if (tags === undefined) throw noList();
  return answerTags(await all(tags), url, repository);
}

async function listReferrers(
  { url }: Call,
  text: string,
  source: UpstreamRepository,
): Promise<Response> {
  const digest = digestToFind(text);
  if (digest === undefined) return answerReferrers([], url);
  const artifactType = url.searchParams.get("artifactType") ?? undefined;
  const referrers = source.referrers?.({ mediaType: "", digest, size: 0 }, { artifactType });
  // Clients then look for the tag that stands in for the list, which is a manifest as any other.
  if (referrers === undefined) throw noList();
  return answerReferrers(await all(referrers), url);
}

async function listRepositories(
  { url }: Call,
  catalog: UpstreamCatalog | undefined,
): Promise<Response> {
  if (catalog === undefined) throw noList();
  return await orUnknown(async () => answerRepositories(await all(catalog()), url), noList);
}

function noList(): Refusal {
  return new Refusal(404, "UNSUPPORTED", "the upstream has no such list");
}

async function all<Item>(items: AsyncIterable<Item>): Promise<Item[]> {
  const found: Item[] = [];
  for await (const item of items) found.push(item);
  return found;
}
