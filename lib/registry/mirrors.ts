import { isDigest } from "../model/digest.ts";
import { InvalidReferenceError } from "../model/errors.ts";
import { isRepositoryName, isTag } from "../model/reference.ts";
import type { Transport } from "../model/transport.ts";
import { Attempt } from "./_attempt.ts";
import { createClient } from "./_create_client.ts";
import { MirrorClient, type Wanted } from "./_mirror.ts";
import { systemClock } from "./clock.ts";
import { endpointOf, type PlainHTTP } from "./endpoint.ts";
import type { Gate } from "./lanes.ts";
import type { RegistryOptions } from "./registry_options.ts";
import { SilenceError } from "./timeouts.ts";

/** How long all mirrors together may take to answer: the registry itself is to be asked in time. */
const PATIENCE_MS = 10_000;

/** A registry that may have what another one has. */
export interface Mirror {
  /**
   * The host with an optional port, and the path that stands before the names of repositories:
   * `mirror.gcr.io`, `registry.acme.dev:5000/hub`. `http://` or `https://` in front decides over
   * `plainHTTP`.
   */
  readonly location: string;
  /**
   * What it is asked for: what has a digest, which cannot be old; what has a tag; or both, the
   * default.
   */
  readonly use?: "all" | "digests" | "tags" | undefined;
}

/**
 * What there are mirrors of, and the mirrors in the order in which they are asked: a registry
 * (`docker.io`), or the beginning of names in it (`ghcr.io/acme`), which the location of a mirror
 * stands for. The longest beginning that fits decides.
 */
export type Mirrors = Readonly<Record<string, readonly (Mirror | string)[]>>;

/** How mirrors are spoken to; what these options are, those of a registry are. */
export type MirrorOptions = Omit<
  RegistryOptions,
  "transport" | "concurrency" | "headers" | "retry"
>;

/** What is asked of the mirrors under a beginning of names. */
interface Rule {
  /** The parts that names begin with in their registry; nothing for all names. */
  readonly prefix: string;
  readonly mirrors: readonly { readonly use: Mirror["use"]; readonly client: MirrorClient }[];
}

/**
 * Reads from mirrors what they have: a transport that sends each request for a manifest or a blob to
 * the mirrors first, one after the other, and to the registry when none of them has a good answer.
 * Whatever else is asked, and everything that is written, goes to the registry. For content that is
 * copied into a registry this is no transport: a mirror does not know what is there.
 *
 * Nobody depends on a mirror. What is missing there is asked of the next one, and not again within a
 * minute. One that fails, gives a wrong manifest or breaks off in a blob is left alone for a minute, or
 * as long as it asks for; the blob goes on with the bytes of the next. All mirrors together have 10
 * seconds to answer a request.
 *
 * What is asked for by digest is proved by the client as ever, whoever gives it; a blob that turns out
 * to be wrong at its end is an error. What a tag stands for is the word of the mirror, which may be old
 * or a lie: ask mirrors that are not trusted with it for digests only (`use`).
 *
 * A mirror gets credentials of its own, by its own name, and never those of the registry; the query
 * `ns` tells it which registry is meant. Each request to a mirror is sent once.
 *
 * @param transport Sends the requests, to the mirrors as well.
 * @param mirrors The mirrors.
 * @param options How the mirrors are spoken to: credentials, time limits, and who is told when one
 * fails.
 * @returns The transport for {@linkcode Registry}.
 * @throws {InvalidReferenceError} when a registry or a mirror has no such name.
 *
 * @example Docker Hub by way of a mirror
 * ```ts
 * import { Registry, withMirrors } from "@lading/lading/registry";
 *
 * const transport = withMirrors(fetch, { "docker.io": ["mirror.gcr.io"] });
 * const alpine = new Registry("docker.io", { transport }).repository("alpine");
 * console.log(alpine.name); // library/alpine
 * ```
 */
export function withMirrors(
  transport: Transport,
  mirrors: Mirrors,
  options: MirrorOptions = {},
): Transport {
  const clock = options.clock ?? systemClock;
  const rules = new Map<string, Rule[]>();
  for (const [text, list] of Object.entries(mirrors)) {
    const { host, path: prefix } = placeOf(text);
    const { origin, name: upstream } = endpointOf(host, options.plainHTTP);
    const clients = list.map((item) => typeof item === "string" ? { location: item } : item)
      .map(({ location, use }) => ({
        use,
        client: mirrorClient(transport, { location, upstream, prefix }, options),
      }));
    rules.set(origin, [...rules.get(origin) ?? [], { prefix, mirrors: clients }]);
  }
  for (const list of rules.values()) list.sort((a, b) => b.prefix.length - a.prefix.length);
  const send: Transport = async (request) => {
    const wanted = wantedBy(request);
    const rule = wanted && rules.get(new URL(request.url).origin)
      ?.find(({ prefix }) => restOf(wanted.repository, prefix) !== undefined);
    if (wanted === undefined || rule === undefined) return await transport(request);
    const other = isDigest(wanted.reference) ? "tags" : "digests";
    const attempt = new Attempt(request.signal);
    const silence = new SilenceError("headers", PATIENCE_MS);
    const stopTimer = clock.setTimer(PATIENCE_MS, () => attempt.abort(silence));
    try {
      for (const { use, client } of rule.mirrors) {
        if (use === other || attempt.signal.aborted) continue;
        const answer = await client.answer(request, wanted, attempt.signal);
        if (answer !== undefined) return answer;
      }
    } finally {
      stopTimer();
    }
    return await transport(request);
  };
  return Object.assign(send, { traits: transport.traits });
}

/** Reads which content a request is for; `undefined` when it is for something else. */
function wantedBy({ method, url }: Request): Wanted | undefined {
  if (method !== "GET" && method !== "HEAD") return undefined;
  const [, repository = "", kind, reference = ""] =
    /^\/v2\/(.+)\/(manifests|blobs)\/([^/]+)$/.exec(new URL(url).pathname) ?? [];
  const isContent = isDigest(reference) || kind === "manifests" && isTag(reference);
  if (!isContent || !isRepositoryName(repository)) return undefined;
  return { repository, kind: kind === "blobs" ? "blobs" : "manifests", reference };
}

/** Gives what follows on the beginning of a name; `undefined` when it begins otherwise. */
function restOf(repository: string, prefix: string): string | undefined {
  if (prefix === "" || repository === prefix) return repository.slice(prefix.length);
  return repository.startsWith(`${prefix}/`) ? repository.slice(prefix.length + 1) : undefined;
}

/** What a location says. */
interface Location {
  readonly host: string;
  /** The path without slashes around it. */
  readonly path: string;
  readonly plainHTTP?: PlainHTTP;
}

function placeOf(text: string): Location {
  const [, scheme, host = "", path = ""] = /^(?:(https?):\/\/)?([^/]*)(?:\/(.+?))?\/?$/
    .exec(text) ?? [];
  if (host === "" || path !== "" && !isRepositoryName(path)) {
    throw new InvalidReferenceError(
      `Cannot use ${
        JSON.stringify(text.slice(0, 256))
      } for mirrors: give a host with an optional ` +
        "port and path, such as mirror.gcr.io or registry.acme.dev/hub",
      { input: text },
    );
  }
  return { host, path, ...(scheme === undefined ? {} : { plainHTTP: scheme === "http" }) };
}

/** Everybody may pass: the registry's own client has bounded the requests before. */
const OPEN: Gate = {
  acquire: () => Promise.resolve({ reading() {}, release() {} }),
};

function mirrorClient(
  transport: Transport,
  names: { readonly location: string; readonly upstream: string; readonly prefix: string },
  options: MirrorOptions,
): MirrorClient {
  const { host, path, plainHTTP = options.plainHTTP } = placeOf(names.location);
  const endpoint = endpointOf(host, plainHTTP);
  const { upstream, prefix } = names;
  const named: Transport = (request) =>
    transport(withNamespace(request, endpoint.origin, upstream));
  const client = createClient(endpoint, {
    ...options,
    transport: Object.assign(named, { traits: transport.traits }),
    retry: { retries: 0 },
  }, OPEN);
  const nameOf = (repository: string): string | undefined => {
    const name = [path, restOf(repository, prefix)].filter(Boolean).join("/");
    return isRepositoryName(name) ? name : undefined;
  };
  return new MirrorClient({ client, nameOf, upstream });
}

/** Tells a mirror of several registries which one is meant (distribution-spec, `ns`). */
function withNamespace(request: Request, origin: string, upstream: string): Request {
  const url = new URL(request.url);
  if (url.origin !== origin || !url.pathname.startsWith("/v2/")) return request;
  url.searchParams.set("ns", upstream);
  return new Request(url, request);
}
