import { readAll } from "../bytes/read_all.ts";
import { streamOf } from "../bytes/stream_from.ts";
import { ANONYMOUS, type Credentials } from "../auth/credentials.ts";
import { decompress } from "../compress/decompress.ts";
import { gzip } from "../compress/gzip.ts";
import { digestBytes } from "../hash/digest_bytes.ts";
import { hostOfKey, registryKey } from "../auth/registry_key.ts";
import { decodeBase64 } from "../model/base64.ts";
import type { Bytes } from "../model/bytes.ts";
import type { Descriptor } from "../model/descriptor.ts";
import {
  AuthenticationError,
  AuthorizationError,
  isLadingError,
  NotFoundError,
  RateLimitError,
  RegistryError,
} from "../model/errors.ts";
import { MAX_CONFIG_BYTES, parseImageConfig } from "../model/image_config.ts";
import { isJSONObject, type JSONObject } from "../model/json_object.ts";
import type { ImageManifest } from "../model/manifest.ts";
import {
  MEDIA_TYPE_DOCKER_CONFIG,
  MEDIA_TYPE_DOCKER_LAYER_GZIP,
  MEDIA_TYPE_DOCKER_MANIFEST,
} from "../model/media_types.ts";
import { formatPlatform, parsePlatform, type Platform } from "../model/platform.ts";
import { choosePlatform } from "../model/platform_match.ts";
import { familiarName, familiarReference, type Reference } from "../model/reference.ts";
import type { Transport } from "../model/transport.ts";
import { Registry } from "../registry/registry.ts";
import type { Repository } from "../registry/repository.ts";
import type { FakeImage, FakeImages, FakeLayer, NewLayer } from "./_fake_engine_images.ts";
import { parseName, withTag } from "./_fake_engine_names.ts";
import { parseObject } from "./_fake_engine_query.ts";
import { Refusal } from "./_fake_engine_refusal.ts";
import { layerMessage, type Messages, shortID } from "./_fake_engine_reply.ts";

/** A layer is moved whole: images for tests fit into memory many times. */
const MAX_LAYER_BYTES = 1024 * 1024 * 1024;

/** What a request to a registry is made with. */
export interface Access {
  /** Leads to the registries; there are none without it. */
  readonly network: Transport | undefined;
  readonly credentials: Credentials;
  readonly now: Date;
  readonly signal: AbortSignal;
}

/** Reads the header `X-Registry-Auth`. */
export function readCredentials(header: string | null): Credentials {
  return credentialsOf(readHeader(header));
}

/** Reads the header `X-Registry-Config`: what builds pull with from a registry. */
export function readBuildCredentials(header: string | null, registry: string): Credentials {
  const wanted = registryKey(registry);
  for (const [key, value] of Object.entries(readHeader(header))) {
    if (registryKey(hostOfKey(key)) === wanted && isJSONObject(value)) return credentialsOf(value);
  }
  return ANONYMOUS;
}

/** Reads an object of a header: what is no URL-safe, padded base64 is dropped in silence. */
function readHeader(header: string | null): JSONObject {
  try {
    if (header === null || /[+/]/.test(header) || header.length % 4 !== 0) return {};
    const base64 = header.replaceAll("-", "+").replaceAll("_", "/");
    return parseObject(new TextDecoder().decode(decodeBase64(base64)));
  } catch {
    return {};
  }
}

/** Reads credentials as Go does: whatever the case of the names. */
function credentialsOf(object: JSONObject): Credentials {
  const fields = new Map(
    Object.entries(object).map(([name, value]) => [name.toLowerCase(), value]),
  );
  const text = (name: string): string => {
    const value = fields.get(name);
    return typeof value === "string" ? value : "";
  };
  if (text("registrytoken") !== "") return { kind: "registry-token", token: text("registrytoken") };
  if (text("identitytoken") !== "") return { kind: "identity-token", token: text("identitytoken") };
  const username = text("username");
  return username === "" ? ANONYMOUS : { kind: "basic", username, password: text("password") };
}

/** Opens a registry by way of the network that the engine has. */
function openRegistry(host: string, { network, credentials }: Access): Registry {
  const transport: Transport = network ?? (() =>
    Promise.reject(
      new TypeError(`dial tcp: lookup ${host.replace(/:\d+$/, "")}: no such host`),
    ));
  return new Registry(host, {
    transport,
    credentials: () => Promise.resolve(credentials),
    retry: { retries: 0 },
  });
}

/** Opens a repository, once its registry has answered. */
async function openRepository(reference: Reference, access: Access): Promise<Repository> {
  const registry = openRegistry(reference.registry, access);
  await orRefused(registry.name, access, () => registry.ping({ signal: access.signal }));
  return registry.repository(reference.repository);
}

/** What an engine says when a registry fails it. */
function registryRefusal(error: unknown, what: string, { credentials }: Access): unknown {
  if (error instanceof NotFoundError) {
    const said = error.cause instanceof RegistryError ? error.cause.diagnostics[0] : undefined;
    return new Refusal(
      404,
      `${what} not found: manifest unknown: ${said?.message || "manifest unknown"}`,
    );
  }
  if (!isLadingError(error)) return error;
  const url = error instanceof RegistryError ? error.url : "";
  const diagnostics = error instanceof RegistryError ? error.diagnostics : [];
  const detail = diagnostics[0]?.message ?? error.message;
  if (error instanceof AuthenticationError) {
    const isAnonymous = credentials.kind === "anonymous";
    const words = isAnonymous ? "no basic auth credentials" : `unauthorized: ${detail}`;
    return new Refusal(500, `Get "${url}": ${words}`);
  }
  if (error instanceof AuthorizationError) return new Refusal(500, `denied: ${detail}`);
  if (error instanceof RateLimitError) return new Refusal(500, `toomanyrequests: ${detail}`);
  const cause = error.cause instanceof Error ? error.cause.message : error.message;
  return new Refusal(500, url === "" ? cause : `Get "${url}": ${cause}`);
}

async function orRefused<Result>(
  what: string,
  access: Access,
  work: () => Promise<Result>,
): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    access.signal.throwIfAborted();
    throw registryRefusal(error, what, access);
  }
}

/** Reads the parameter `platform` of `/images/create` and `/build`. */
export function readPlatform(text: string, engine: Platform): Platform {
  if (text === "") return engine;
  try {
    return parsePlatform(text, engine);
  } catch {
    const words = /^[\w.-]+$/.test(text)
      ? `"${text}": unknown operating system or architecture: invalid argument`
      : `"${text}": invalid platform specifier: invalid argument`;
    throw new Refusal(400, words);
  }
}

/** Pulls an image, or all tags of a repository. */
export async function* pullImage(
  images: FakeImages,
  query: URLSearchParams,
  access: Access,
): Messages {
  const name = parseName(query.get("fromImage") ?? "", 400);
  const tag = query.get("tag") ?? "";
  const reference = tag === "" ? name : withTag(name, tag, 400);
  const platform = readPlatform(query.get("platform") ?? "", images.platform);
  if (familiarName(reference) === "scratch") {
    throw new Refusal(403, "'scratch' is a reserved name");
  }
  if (reference.tag !== undefined || reference.digest !== undefined) {
    return yield* pullOne(images, reference, platform, access);
  }
  const { signal } = access;
  const repository = await openRepository(reference, access);
  const tags = await orRefused(`repository ${familiarName(reference)}`, access, async () => {
    const all: string[] = [];
    for await (const one of repository.tags({ signal })) all.push(one);
    return all;
  });
  for (const one of tags) yield* pullOne(images, { ...reference, tag: one }, platform, access);
}

async function* pullOne(
  images: FakeImages,
  reference: Reference,
  platform: Platform,
  access: Access,
): Messages {
  const { signal, now } = access;
  const repository = await openRepository(reference, access);
  const shown = familiarReference(reference);
  const wanted = reference.digest ?? reference.tag ?? "";
  const what = `manifest for ${shown}`;
  const root = await orRefused(what, access, () => repository.manifest(wanted, { signal }));
  yield { status: `Pulling from ${reference.repository}`, id: wanted };
  let { parsed } = root;
  if (parsed.kind === "index") {
    const child = choosePlatform(parsed.value.manifests, platform);
    if (child === undefined) {
      const words = `no matching manifest for ${formatPlatform(platform)}`;
      throw new Error(`${words} in the manifest list entries`);
    }
    parsed = (await orRefused(what, access, () => repository.manifest(child.digest, { signal })))
      .parsed;
  }
  if (parsed.kind !== "image") throw new Error(`unsupported manifest: ${parsed.kind}`);
  const { config, layers } = parsed.value;
  const known = (await images.all()).get(config.digest);
  const before = known?.names.some((one) => familiarReference(one.reference) === shown) ?? false;
  const id = known?.id ?? (yield* pullContent(images, repository, { config, layers }, access));
  images.noteDigest(id, reference, root.descriptor.digest);
  if (reference.digest === undefined) await images.tag(id, reference, now);
  yield { status: `Digest: ${root.descriptor.digest}` };
  const words = before ? "Image is up to date for" : "Downloaded newer image for";
  yield { status: `Status: ${words} ${shown}` };
}

async function* pullContent(
  images: FakeImages,
  repository: Repository,
  { config, layers }: Pick<ImageManifest, "config" | "layers">,
  { signal }: Access,
): AsyncGenerator<Record<string, unknown>, string, undefined> {
  const fetch = async (target: Descriptor, maxBytes: number): Promise<Bytes> =>
    await readAll(await repository.fetch(target, { signal }), { maxBytes, what: target.digest });
  const rawConfig = await fetch(config, MAX_CONFIG_BYTES);
  const { diff_ids: diffIDs } = parseImageConfig(rawConfig).value.rootfs;
  const loaded: NewLayer[] = [];
  for (const { digest } of layers) yield layerMessage(shortID(digest), "Pulling fs layer");
  for (const [i, layer] of layers.entries()) {
    const { mediaType, digest, size: total } = layer;
    const id = shortID(digest);
    const bytes = await fetch(layer, MAX_LAYER_BYTES);
    yield layerMessage(id, "Downloading", { current: total, total });
    yield layerMessage(id, "Verifying Checksum");
    yield layerMessage(id, "Download complete");
    const tar = await readAll(decompress(streamOf(bytes)), {
      maxBytes: MAX_LAYER_BYTES,
      what: digest,
    });
    if (digestBytes("sha256", tar) !== diffIDs[i]) {
      throw new Error(`filesystem layer verification failed for digest ${digest}`);
    }
    yield layerMessage(id, "Extracting", { current: total, total });
    yield layerMessage(id, "Pull complete");
    loaded.push({ mediaType, bytes });
  }
  return await images.add(rawConfig, loaded);
}

/** Pushes an image, or all tags of a repository. */
export async function* pushImage(
  images: FakeImages,
  name: string,
  query: URLSearchParams,
  access: Access,
): Messages {
  const tag = query.get("tag") ?? "";
  const given = parseName(name, 500);
  const reference = tag === "" ? given : withTag(given, tag, 500);
  const repository = familiarName(reference);
  yield { status: `The push refers to repository [${shownRepository(reference)}]` };
  const all = [...(await images.all()).values()].flatMap((image) =>
    image.names.filter((one) =>
      one.stored !== undefined && familiarName(one.reference) === repository
    ).map((one) => ({ image, tag: one.reference.tag ?? "" }))
  );
  if (all.length === 0) {
    throw new Error(`An image does not exist locally with the tag: ${shownRepository(reference)}`);
  }
  const chosen = all.filter((one) => reference.tag === undefined || one.tag === reference.tag);
  if (chosen.length === 0) {
    throw new Error(`tag does not exist: ${shownRepository(reference)}:${reference.tag}`);
  }
  for (const one of chosen) {
    yield* pushOne(images, one.image, { ...reference, tag: one.tag }, access);
  }
}

/** A repository as engines name it where they push to: that of Docker Hub in full. */
function shownRepository({ registry, repository }: Reference): string {
  return `${registry}/${repository}`;
}

async function* pushOne(
  images: FakeImages,
  image: FakeImage,
  reference: Reference & { readonly tag: string },
  access: Access,
): Messages {
  const { signal } = access;
  const repository = await openRepository(reference, access);
  const what = `manifest for ${familiarReference(reference)}`;
  const top = [...image.layers].reverse();
  for (const { diffID } of top) yield layerMessage(shortID(diffID), "Preparing");
  const layers: Descriptor[] = [];
  for (const layer of top) {
    const { descriptor, bytes } = await compressed(images, layer);
    layers.unshift(descriptor);
    const id = shortID(layer.diffID);
    const isThere = await orRefused(what, access, () => repository.exists(descriptor, { signal }));
    if (isThere) {
      yield layerMessage(id, "Layer already exists");
      continue;
    }
    const { size: total } = descriptor;
    await orRefused(what, access, () => repository.push(descriptor, bytes, { signal }));
    yield layerMessage(id, "Pushing", { current: total, total });
    yield layerMessage(id, "Pushed");
  }
  const rawConfig = image.rawConfig;
  const config = {
    mediaType: MEDIA_TYPE_DOCKER_CONFIG,
    digest: image.id,
    size: rawConfig.byteLength,
  };
  await orRefused(what, access, () => repository.push(config, rawConfig, { signal }));
  const mediaType = MEDIA_TYPE_DOCKER_MANIFEST;
  const manifest: ImageManifest = { schemaVersion: 2, mediaType, config, layers };
  const raw = new TextEncoder().encode(JSON.stringify(manifest, undefined, 3));
  const size = raw.byteLength;
  const digest = digestBytes("sha256", raw);
  await orRefused(what, access, async () => {
    await repository.push({ mediaType, digest, size }, raw, { signal });
    await repository.tag({ mediaType, digest, size }, reference.tag, { signal });
  });
  images.noteDigest(image.id, reference, digest);
  yield { status: `${reference.tag}: digest: ${digest} size: ${size}` };
  yield { progressDetail: {}, aux: { Tag: reference.tag, Digest: digest, Size: size } };
}

/** A layer as engines push it: compressed, as it came where it came compressed. */
async function compressed(
  images: FakeImages,
  layer: FakeLayer,
): Promise<{ readonly descriptor: Descriptor; readonly bytes: Bytes }> {
  const mediaType = MEDIA_TYPE_DOCKER_LAYER_GZIP;
  const limits = { maxBytes: MAX_LAYER_BYTES, what: layer.diffID };
  if (/gzip$/.test(layer.descriptor.mediaType)) {
    const bytes = await readAll(await images.store.fetch(layer.descriptor), limits);
    return { descriptor: { ...layer.descriptor, mediaType }, bytes };
  }
  const bytes = await readAll(gzip(streamOf(await images.tarOf(layer))), limits);
  const digest = digestBytes("sha256", bytes);
  return { descriptor: { mediaType, digest, size: bytes.byteLength }, bytes };
}

/** Asks a registry about an image. */
export async function distributionOf(name: string, access: Access): Promise<unknown> {
  const { signal } = access;
  const reference = parseName(name, 400);
  const wanted = reference.digest ?? reference.tag ?? "latest";
  const repository = await openRepository(reference, access);
  const what = `manifest for ${familiarReference(reference)}`;
  return await orRefused(what, access, async () => {
    const { descriptor, parsed } = await repository.manifest(wanted, { signal });
    return { Descriptor: descriptor, Platforms: await platformsOf() };

    async function platformsOf(): Promise<unknown> {
      if (parsed.kind === "index") {
        return parsed.value.manifests.map(({ platform }) => platform ?? {});
      }
      // Engines look into manifests of Docker's format only.
      if (descriptor.mediaType !== MEDIA_TYPE_DOCKER_MANIFEST) return null;
      return (await repository.platforms(descriptor, { signal }))
        .map(({ os, architecture, variant }) => ({
          architecture,
          os,
          ...(variant === undefined ? {} : { variant }),
        }));
    }
  });
}

/** Tries credentials at a registry. */
export async function checkAuth(
  object: JSONObject,
  access: Access,
): Promise<unknown> {
  const { serveraddress } = object;
  const server = typeof serveraddress === "string" ? serveraddress : "";
  const host = server.replace(/^https?:\/\//, "").replace(/\/.*$/, "") || "docker.io";
  const credentials = credentialsOf(object);
  const registry = openRegistry(host, { ...access, credentials });
  try {
    await registry.authenticate({ signal: access.signal });
  } catch (error) {
    access.signal.throwIfAborted();
    if (error instanceof AuthenticationError) {
      throw new Refusal(
        500,
        `login attempt to ${registry.origin}/v2/ failed with status: 401 Unauthorized`,
      );
    }
    throw registryRefusal(error, host, access);
  }
  return { IdentityToken: "", Status: "Login Succeeded" };
}
