import type { ByteStream } from "../model/bytes.ts";
import { formatRawReference, type Reference } from "../model/reference.ts";
import type { Transport } from "../model/transport.ts";
import { loadImages, saveImages } from "./_fake_engine_archive.ts";
import { buildImage } from "./_fake_engine_build.ts";
import type { FakeImages } from "./_fake_engine_images.ts";
import { importImage } from "./_fake_engine_import.ts";
import { imageHistory, inspectImage } from "./_fake_engine_inspect.ts";
import { listImages } from "./_fake_engine_list.ts";
import { parseName, withTag } from "./_fake_engine_names.ts";
import { isTrue, parseObject } from "./_fake_engine_query.ts";
import { Refusal } from "./_fake_engine_refusal.ts";
import { type Access, readBuildCredentials, readCredentials } from "./_fake_engine_access.ts";
import { pullImage, readPlatform } from "./_fake_engine_pull.ts";
import { pushImage } from "./_fake_engine_push.ts";
import { checkAuth, distributionOf } from "./_fake_engine_registry.ts";
import { pruneImages, removeImage } from "./_fake_engine_remove.ts";
import { document, type Messages, streamed } from "./_fake_engine_reply.ts";
import {
  type ApiRange,
  type FakeSearchResult,
  infoOf,
  searchResults,
  versionOf,
} from "./_fake_engine_system.ts";

/** What an engine is made of. */
export interface Machine {
  readonly images: FakeImages;
  readonly api: ApiRange;
  readonly network: Transport | undefined;
  readonly searchable: readonly FakeSearchResult[] | undefined;
  readonly now: () => Date;
}

/** A request that an engine understood. */
export interface Call {
  readonly machine: Machine;
  readonly method: string;
  /** The path below the version, as it was sent. */
  readonly path: string;
  readonly query: URLSearchParams;
  readonly version: string;
  readonly request: Request;
  /** Aborts when the client does, or reads no further. */
  readonly stop: AbortController;
}

type Route = readonly [
  method: string,
  path: RegExp,
  answer: (call: Call, name: string) => Promise<Response> | Response,
];

const ROUTES: readonly Route[] = [
  [
    "GET",
    /^\/version$/,
    ({ machine: { api, images } }) => document(versionOf(api, images.platform)),
  ],
  ["GET", /^\/info$/, async ({ machine }) => document(await infoOf(machine.images))],
  [
    "POST",
    /^\/auth$/,
    async (call) =>
      document(await checkAuth(parseObject(await call.request.text()), accessOf(call))),
  ],
  [
    "GET",
    /^\/images\/json$/,
    async ({ machine, query, version }) =>
      document(await listImages(machine.images, query, version)),
  ],
  [
    "GET",
    /^\/images\/search$/,
    ({ machine, query }) => document(searchResults(query, machine.searchable)),
  ],
  ["GET", /^\/images\/get$/, (call) => save(call, call.query.getAll("names"))],
  ["GET", /^\/images\/(.*)\/get$/, (call, name) => save(call, [name])],
  [
    "GET",
    /^\/images\/(.*)\/history$/,
    async ({ machine: { images } }, name) =>
      document(await imageHistory(images, await images.find(name))),
  ],
  [
    "GET",
    /^\/images\/(.*)\/json$/,
    async ({ machine: { images } }, name) =>
      document(await inspectImage(images, await lookUp(images, name))),
  ],
  ["POST", /^\/images\/load$/, load],
  ["POST", /^\/images\/create$/, create],
  [
    "POST",
    /^\/images\/prune$/,
    async ({ machine: { images, now }, query }) =>
      document(await pruneImages(images, query, now())),
  ],
  ["POST", /^\/images\/(.*)\/push$/, push],
  ["POST", /^\/images\/(.*)\/tag$/, tag],
  [
    "DELETE",
    /^\/images\/(.*)$/,
    async ({ machine, query }, name) => document(await removeImage(machine.images, name, query)),
  ],
  [
    "GET",
    /^\/distribution\/(.*)\/json$/,
    async (call, name) => document(await distributionOf(name, accessOf(call))),
  ],
  ["POST", /^\/build$/, build],
  ["POST", /^\/build\/prune$/, () => document({ CachesDeleted: null, SpaceReclaimed: 0 })],
];

/** Answers a request; `undefined` when there is no such route. */
export async function answer(call: Call): Promise<Response | undefined> {
  for (const [method, path, reply] of ROUTES) {
    const found = method === call.method ? path.exec(call.path) : null;
    if (found === null) continue;
    return await reply(call, decodeURIComponent(found[1] ?? ""));
  }
  return undefined;
}

function accessOf({ machine: { network, now }, request, stop }: Call): Access {
  const credentials = readCredentials(request.headers.get("x-registry-auth"));
  return { network, credentials, now: now(), signal: stop.signal };
}

/** The body; of a form it is read as parameters, and so nothing is left. */
function bodyOf({ request }: Call): ByteStream {
  const isForm = request.headers.get("content-type") === "application/x-www-form-urlencoded";
  return (isForm ? null : request.body as ByteStream | null) ?? new Blob([]).stream() as ByteStream;
}

async function stream({ stop }: Call, messages: Messages): Promise<Response> {
  return await streamed(messages, () => stop.abort());
}

async function lookUp(images: FakeImages, name: string): ReturnType<FakeImages["find"]> {
  try {
    return await images.find(name);
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    throw new Refusal(error.status, `no such image: ${name}: ${error.message}`);
  }
}

async function save({ machine }: Call, names: readonly string[]): Promise<Response> {
  const archive = await saveImages(machine.images, names);
  return new Response(archive, { headers: { "content-type": "application/x-tar" } });
}

async function load(call: Call): Promise<Response> {
  const { machine: { images, now }, query } = call;
  const isQuiet = isTrue(query, "quiet", true);
  return await stream(call, loadImages(images, bodyOf(call), { isQuiet, now: now() }));
}

async function create(call: Call): Promise<Response> {
  const { machine: { images, now }, query } = call;
  if ((query.get("fromImage") ?? "") !== "") {
    return await stream(call, pullImage(images, query, accessOf(call)));
  }
  const request = {
    query,
    body: bodyOf(call),
    platform: readPlatform(query.get("platform") ?? "", images.platform),
    now: now(),
    download: (url: URL) => download(call, url),
  };
  return await stream(call, importImage(images, request));
}

async function push(call: Call, name: string): Promise<Response> {
  const { machine: { images }, query, request } = call;
  if (request.headers.get("x-registry-auth") === null && (await request.text()).trim() === "") {
    throw new Refusal(400, "Bad parameters and missing X-Registry-Auth: EOF");
  }
  return await stream(call, pushImage(images, name, query, accessOf(call)));
}

async function tag({ machine: { images, now }, query }: Call, name: string): Promise<Response> {
  const repository = query.get("repo") ?? "";
  const wanted = query.get("tag") ?? "";
  const image = await images.find(name);
  if (repository === "") throw new Refusal(500, "invalid reference format");
  const given = parseName(repository, 500);
  const words = "refusing to create a tag with a digest reference";
  if (given.digest !== undefined) throw new Refusal(400, words);
  if (repository === "sha256") {
    throw new Refusal(
      400,
      "refusing to create an ambiguous tag using digest algorithm as name",
    );
  }
  await images.tag(image.id, wanted === "" ? given : withTag(given, wanted, 500), now());
  return new Response(null, { status: 201 });
}

async function build(call: Call): Promise<Response> {
  const { machine: { images, now }, query } = call;
  const config = call.request.headers.get("x-registry-config");
  const request = {
    query,
    body: bodyOf(call),
    platform: readPlatform(query.get("platform") ?? "", images.platform),
    now,
    download: (url: URL) => download(call, url),
    pull: (reference: Reference) => {
      const { registry, repository, tag, digest } = reference;
      const fromImage = formatRawReference({ name: `${registry}/${repository}`, tag, digest });
      const latest = tag === undefined && digest === undefined ? { tag: "latest" } : {};
      return pullImage(images, new URLSearchParams({ fromImage, ...latest }), {
        ...accessOf(call),
        credentials: readBuildCredentials(config, registry),
      });
    },
  };
  return await stream(call, buildImage(images, request));
}

/** Downloads for an import or a build. */
async function download({ machine: { network }, stop }: Call, url: URL): Promise<ByteStream> {
  const refused = (words: string): Refusal => new Refusal(500, `Get "${url.href}": ${words}`);
  if (network === undefined) {
    throw refused(`dial tcp: lookup ${url.hostname}: no such host`);
  }
  let response: Response;
  try {
    response = await network(new Request(url, { signal: stop.signal }));
  } catch (error) {
    throw refused(error instanceof Error ? error.message : String(error));
  }
  if (response.ok && response.body !== null) return response.body as ByteStream;
  await response.body?.cancel();
  const words = `failed to GET ${url.href} with status ${response.status} ${response.statusText}`;
  throw new Refusal(response.status === 404 ? 404 : 500, words.trimEnd());
}
