import { readAll } from "../bytes/read_all.ts";
import { streamOf } from "../bytes/stream_from.ts";
import { decompress } from "../compress/decompress.ts";
import { digestBytes } from "../hash/digest_bytes.ts";
import type { Bytes } from "../model/bytes.ts";
import type { Descriptor } from "../model/descriptor.ts";
import { MAX_CONFIG_BYTES } from "../model/image_config.ts";
import { parseImageConfig } from "../model/parse_image_config.ts";
import type { ImageManifest } from "../model/manifest.ts";
import { formatPlatform, type Platform } from "../model/platform.ts";
import { parsePlatform } from "../model/parse_platform.ts";
import { choosePlatform } from "../model/platform_match.ts";
import { familiarName, familiarReference, type Reference } from "../model/reference.ts";
import type { Repository } from "../registry/repository.ts";
import { type Access, openRepository, orRefused } from "./_fake_engine_access.ts";
import { type FakeImages, MAX_LAYER_BYTES, type NewLayer } from "./_fake_engine_images.ts";
import { parseName, withTag } from "./_fake_engine_names.ts";
import { Refusal } from "./_fake_engine_refusal.ts";
import { layerMessage, type Messages, shortID } from "./_fake_engine_reply.ts";

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
