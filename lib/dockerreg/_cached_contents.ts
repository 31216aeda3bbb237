import type { CallOptions } from "../model/content.ts";
import {
  ContentError,
  InvalidConfigError,
  InvalidManifestError,
  LimitExceededError,
} from "../model/errors.ts";
import type { ParsedManifest } from "../model/manifest.ts";
import { parseManifest } from "../model/parse_manifest.ts";
import type { ImageContents } from "./_backend.ts";
import { contentsOf } from "./_contents_of.ts";
import { openManifestV22 } from "./_contents_v22.ts";
import type { ImageCache } from "./_image_cache.ts";
import { ManifestV21 } from "./manifest_v21.ts";
import { ManifestV22 } from "./manifest_v22.ts";

/** What a manifest in a cache has to be. */
export interface CachedQuery extends CallOptions {
  /** The digest it has to have; default any. */
  readonly digest?: string | undefined;
}

/**
 * Opens the image in a cache. Its layers are not looked at.
 *
 * @returns The image; `undefined` when there is none, or another one than was asked for.
 */
export async function cachedContents(
  cache: ImageCache,
  { digest, signal }: CachedQuery,
): Promise<ImageContents | undefined> {
  const parsed = await readManifest(cache, { signal });
  if (parsed?.kind === "schema1") {
    const manifest = new ManifestV21(parsed.raw, { digest });
    return isWanted(manifest, digest) ? contentsOf(cache, manifest) : undefined;
  }
  if (parsed?.kind !== "image") return undefined;
  const { raw, mediaType } = parsed;
  const bare = new ManifestV22(raw, { mediaType, digest });
  if (!isWanted(bare, digest)) return undefined;
  try {
    const manifest = await openManifestV22(cache, parsed, { digest }, { signal });
    return contentsOf(cache, manifest);
  } catch (error) {
    // The config is pulled again when it is missing or damaged.
    if (error instanceof ContentError || error instanceof InvalidConfigError) {
      return contentsOf(cache, bare);
    }
    throw error;
  }
}

function isWanted(manifest: ManifestV21 | ManifestV22, digest: string | undefined): boolean {
  return digest === undefined || manifest.digest === digest;
}

/** Reads the manifest; one that is damaged counts as none. */
async function readManifest(
  cache: ImageCache,
  options: CallOptions,
): Promise<ParsedManifest | undefined> {
  try {
    const raw = await cache.readManifest(options);
    return raw === undefined ? undefined : parseManifest(raw);
  } catch (error) {
    const isDamaged = error instanceof InvalidManifestError || error instanceof LimitExceededError;
    if (isDamaged) return undefined;
    throw error;
  }
}
