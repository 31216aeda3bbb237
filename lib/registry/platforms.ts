import { readAll } from "../bytes/read_all.ts";
import type { CallOptions } from "../model/content.ts";
import type { Descriptor } from "../model/descriptor.ts";
import { LimitExceededError, PlatformNotFoundError } from "../model/errors.ts";
import { MAX_CONFIG_BYTES } from "../model/image_config.ts";
import { configPlatform } from "../model/parse_image_config.ts";
import type { ParsedImageIndex } from "../model/image_index.ts";
import { isConfigType, isIndexType } from "../model/media_types.ts";
import { formatPlatform, type Platform } from "../model/platform.ts";
import { choosePlatform, isAttestation } from "../model/platform_match.ts";
import { fetchBlob } from "./blobs.ts";
import type { RepositoryContext } from "./_context.ts";
import { getManifest, type Manifest } from "./manifests.ts";

/** How deep indexes may lie in one another: real ones have two levels. */
export const MAX_INDEX_DEPTH = 5;

/** How many indexes are opened for one question. */
export const MAX_INDEXES = 1000;

/** Walks an index and those in it, each once, in their order. */
async function* walkIndexes(
  context: RepositoryContext,
  root: Manifest,
  options: CallOptions,
): AsyncGenerator<ParsedImageIndex, void, undefined> {
  const seen = new Set([root.descriptor.digest]);
  const waiting: { parsed: Manifest["parsed"]; depth: number }[] = [
    { parsed: root.parsed, depth: 1 },
  ];
  for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
    const { parsed, depth } = next;
    if (parsed.kind !== "index") continue;
    yield parsed;
    for (const { digest, mediaType } of parsed.value.manifests) {
      if (!isIndexType(mediaType) || seen.has(digest)) continue;
      seen.add(digest);
      if (depth === MAX_INDEX_DEPTH || seen.size > MAX_INDEXES) {
        const [limit, unit] = depth === MAX_INDEX_DEPTH
          ? [MAX_INDEX_DEPTH, "levels"]
          : [MAX_INDEXES, "indexes"];
        throw new LimitExceededError(
          `Cannot read the index ${root.descriptor.digest}: it has more than ${limit} ${unit}`,
          { limit, unit },
        );
      }
      const child = await getManifest(context, { text: digest, digest }, options);
      waiting.push({ parsed: child.parsed, depth: depth + 1 });
    }
  }
}

/** What a manifest without an index runs on, by its config. */
async function ownPlatform(
  context: RepositoryContext,
  { parsed }: Manifest,
  options: CallOptions,
): Promise<Platform[]> {
  if (parsed.kind === "schema1") {
    return [{ os: "linux", architecture: parsed.value.architecture }];
  }
  if (parsed.kind !== "image" || !isConfigType(parsed.value.config.mediaType)) return [];
  const { config } = parsed.value;
  if (config.size > MAX_CONFIG_BYTES) {
    throw new LimitExceededError(`Cannot read the config ${config.digest}: it is too long`, {
      limit: MAX_CONFIG_BYTES,
      unit: "bytes",
    });
  }
  const raw = await readAll(await fetchBlob(context, config, options), {
    maxBytes: MAX_CONFIG_BYTES,
    signal: options.signal,
  });
  return [configPlatform(raw)];
}

/** Lists the platforms that a manifest has images for; attestations are none. */
export async function listPlatforms(
  context: RepositoryContext,
  manifest: Manifest,
  options: CallOptions,
): Promise<Platform[]> {
  if (manifest.parsed.kind !== "index") return await ownPlatform(context, manifest, options);
  const platforms = new Map<string, Platform>();
  for await (const index of walkIndexes(context, manifest, options)) {
    for (const child of index.value.manifests) {
      if (child.platform === undefined || isAttestation(child)) continue;
      const name = formatPlatform(child.platform);
      if (!platforms.has(name)) platforms.set(name, child.platform);
    }
  }
  return [...platforms.values()];
}

/** Chooses the image for a platform; a manifest without an index is the image. */
export async function chooseImage(
  context: RepositoryContext,
  manifest: Manifest,
  platform: Platform | undefined,
  options: CallOptions,
): Promise<Manifest> {
  if (manifest.parsed.kind !== "index") return manifest;
  const images: Descriptor[] = [];
  for await (const index of walkIndexes(context, manifest, options)) {
    const { manifests } = index.value;
    images.push(
      ...manifests.filter((item) => !isIndexType(item.mediaType) && !isAttestation(item)),
    );
    const chosen = platform === undefined ? undefined : choosePlatform(images, platform);
    if (chosen !== undefined) return await imageOf(context, chosen, options);
  }
  const [only] = images;
  if (platform === undefined && only !== undefined && images.length === 1) {
    return await imageOf(context, only, options);
  }
  const available = images.flatMap((image) => image.platform ?? []);
  const list = available.map((item) => formatPlatform(item)).join(", ");
  const what = `the index ${manifest.descriptor.digest}`;
  if (platform === undefined) {
    throw new TypeError(`Cannot choose from ${what}: give a platform, one of ${list}`);
  }
  throw new PlatformNotFoundError(
    `Cannot find ${formatPlatform(platform)} in ${what}: it has ${list === "" ? "no image" : list}`,
    { wanted: platform, available },
  );
}

async function imageOf(
  context: RepositoryContext,
  { digest }: Descriptor,
  options: CallOptions,
): Promise<Manifest> {
  return await getManifest(context, { text: digest, digest }, options);
}
