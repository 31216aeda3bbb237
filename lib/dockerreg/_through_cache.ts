import { isConfigType } from "../model/media_types.ts";
import type { ByteStream } from "../model/bytes.ts";
import type { CallOptions, FetchOptions } from "../model/content.ts";
import type { Descriptor } from "../model/descriptor.ts";
import { isTag } from "../model/reference.ts";
import type { ImageContents, RepositoryBackend, SelectOptions } from "./_backend.ts";
import { cachedContents } from "./_cached_contents.ts";
import type { BlobSource } from "./_blob_source.ts";
import { contentsOf } from "./_contents_of.ts";
import type { ImageCache } from "./_image_cache.ts";
import { runsOn } from "./platform_selection.ts";

/** Opens the repository that a cache is for; nothing is sent as long as the cache has everything. */
export type OpenBackend = (options: CallOptions) => Promise<RepositoryBackend>;

/** How an image is looked for in a cache. */
export interface CacheOptions extends SelectOptions {
  /** Whether the platform was asked for, and is not just the default one. */
  readonly isChosen: boolean;
  /** Whether the manifest of the cache counts for nothing. */
  readonly refresh: boolean;
}

/** Finds the image of a cache, if it is the one that is asked for. */
export async function findCached(
  cache: ImageCache,
  reference: string,
  { platform, isChosen, refresh, signal }: CacheOptions,
): Promise<ImageContents | undefined> {
  if (refresh) return undefined;
  const digest = isTag(reference) ? undefined : reference;
  const found = await cachedContents(cache, { digest, signal });
  // A cache says nothing of the list that its image was chosen from.
  return found === undefined || isChosen && !runsOn(found.manifest, platform) ? undefined : found;
}

/** Opens an image so that whatever is read of it stays in a cache. */
export async function openThroughCache(
  cache: ImageCache,
  open: OpenBackend,
  reference: string,
  options: CacheOptions,
): Promise<ImageContents> {
  const { platform, signal } = options;
  const known = await findCached(cache, reference, options);
  if (known !== undefined && !lacksConfig(known)) return through(known, cache, open);
  const backend = await open({ signal });
  const contents = known === undefined
    ? await backend.image(reference, { platform, signal })
    : await backend.adopt(known.manifest, reference, { signal });
  const { manifest } = contents;
  // Images of version 1 are kept when they are pulled: until then nobody knows their digests.
  if (manifest.version !== "v2.1" && manifest.version !== "v2.2") return contents;
  const { blobs } = backend;
  if (manifest.version === "v2.2" && blobs !== undefined) {
    const { config } = manifest.value;
    await cache.ensure(config, () => blobs.fetch(config, { signal }), { signal });
  }
  await cache.writeManifest(manifest.raw, { signal });
  const kept = await cachedContents(cache, { signal }) ?? contents;
  // The list and what it says are not in the cache.
  return through(lacksConfig(contents) ? kept : contents, cache, open);
}

function lacksConfig({ manifest }: ImageContents): boolean {
  return manifest.version === "v2.2" && manifest.config === undefined &&
    isConfigType(manifest.configMediaType);
}

function through(contents: ImageContents, cache: ImageCache, open: OpenBackend): ImageContents {
  const { manifest, reference } = contents;
  return manifest.version === "v2.1" || manifest.version === "v2.2"
    ? contentsOf(new ThroughCache(cache, open), manifest, reference)
    : contents;
}

/** Reads from a cache, and brings into it what is missing or damaged. */
class ThroughCache implements BlobSource {
  readonly #cache: ImageCache;
  readonly #open: OpenBackend;

  constructor(cache: ImageCache, open: OpenBackend) {
    this.#cache = cache;
    this.#open = open;
  }

  async exists(target: Descriptor, options: CallOptions = {}): Promise<boolean> {
    if (await this.#cache.exists(target)) return true;
    return await (await this.#blobs(options))?.exists(target, options) ?? false;
  }

  async fetch(target: Descriptor, options: FetchOptions = {}): Promise<ByteStream> {
    const { signal } = options;
    const open = async (): Promise<ByteStream> => {
      const blobs = await this.#blobs({ signal });
      return await (blobs ?? this.#cache).fetch(target, { signal });
    };
    await this.#cache.ensure(target, open, { signal });
    return await this.#cache.fetch(target, options);
  }

  async resolveBlob(digest: string, options: CallOptions = {}): Promise<Descriptor> {
    const isThere = await this.#cache.sizeOf(digest) !== undefined;
    const blobs = isThere ? undefined : await this.#blobs(options);
    return await (blobs ?? this.#cache).resolveBlob(digest, options);
  }

  async #blobs(options: CallOptions): Promise<BlobSource | undefined> {
    return (await this.#open(options)).blobs;
  }
}
