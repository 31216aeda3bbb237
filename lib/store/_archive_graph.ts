import { fetchProved } from "../bytes/fetch_proved.ts";
import type { HasherFactory } from "../hash/hasher.ts";
import type { ContentSource } from "../model/content.ts";
import type { Descriptor } from "../model/descriptor.ts";
import { LimitExceededError, UnsupportedMediaTypeError } from "../model/errors.ts";
import { childDescriptors, MAX_MANIFEST_BYTES, type ParsedManifest } from "../model/manifest.ts";
import { parseManifest } from "../model/parse_manifest.ts";
import { isForeignLayerType, isSchema1Type } from "../model/media_types.ts";
import { isResolvable } from "./_manifest_facts.ts";

/** The manifests of all images of an archive are held while it is written. */
const MAX_GRAPH_BYTES = 64 * 1024 * 1024;

/** Real indexes lie two levels deep. */
const MAX_LEVELS = 5;

/** How a graph is collected. */
export interface GraphOptions {
  /** Leaves out whatever the source does not have, as a layout may (image-layout.md §blobs). */
  readonly isSparse: boolean;
  readonly hasher: HasherFactory | undefined;
  readonly signal: AbortSignal | undefined;
}

/** What goes into an archive. */
export interface ArchiveGraph {
  /** The manifests by their digests, outer ones before inner ones. */
  readonly manifests: ReadonlyMap<string, ParsedManifest>;
  /** Manifests, and then blobs in the order in which manifests name them, each once. */
  readonly contents: ReadonlyMap<string, Descriptor>;
}

/**
 * Finds everything below manifests, level by level. It is the order in which a copy asks for
 * content, so that a copy out of the archive as a stream has to put nothing aside.
 */
export async function collectGraph(
  source: ContentSource,
  roots: readonly Descriptor[],
  options: GraphOptions,
): Promise<ArchiveGraph> {
  const manifests = new Map<string, ParsedManifest>();
  const described = new Map<string, Descriptor>();
  const blobs = new Map<string, Descriptor>();
  let bytes = 0;
  let level = roots;
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > MAX_LEVELS) throw tooMuch(MAX_LEVELS, "levels");
    const below: Descriptor[] = [];
    for (const descriptor of level) {
      if (manifests.has(descriptor.digest)) continue;
      if (!await isThere(source, descriptor, options)) continue;
      const parsed = await readManifest(source, descriptor, options);
      manifests.set(descriptor.digest, parsed);
      described.set(descriptor.digest, descriptor);
      bytes += parsed.raw.byteLength;
      if (bytes > MAX_GRAPH_BYTES) throw tooMuch(MAX_GRAPH_BYTES, "bytes");
      for (const child of childDescriptors(parsed)) {
        // What an index lists need not be a manifest: build caches list layers.
        if (parsed.kind === "index" && isResolvable(child.mediaType)) below.push(child);
        else if (blobs.has(child.digest)) continue;
        else if (await isThere(source, child, options)) blobs.set(child.digest, child);
      }
    }
    level = below;
  }
  return { manifests, contents: new Map([...described, ...withoutKeysOf(described, blobs)]) };
}

/** Content that manifests are too stays where manifests are. */
function withoutKeysOf(
  others: ReadonlyMap<string, Descriptor>,
  blobs: ReadonlyMap<string, Descriptor>,
): [string, Descriptor][] {
  return [...blobs].filter(([digest]) => !others.has(digest));
}

/** Only what may be absent is asked for; anything else fails when it is read. */
async function isThere(
  source: ContentSource,
  descriptor: Descriptor,
  { isSparse, signal }: GraphOptions,
): Promise<boolean> {
  const { mediaType, urls = [], data } = descriptor;
  const mayBeAbsent = isSparse || isForeignLayerType(mediaType) || urls.length > 0;
  if (!mayBeAbsent || !isSparse && data !== undefined) return true;
  return await source.exists(descriptor, { signal });
}

async function readManifest(
  source: ContentSource,
  descriptor: Descriptor,
  { hasher, signal }: GraphOptions,
): Promise<ParsedManifest> {
  const { digest, mediaType } = descriptor;
  if (isSchema1Type(mediaType)) {
    throw new UnsupportedMediaTypeError(
      `Cannot archive ${digest}: Docker manifests of schema 1 are only read`,
      { mediaType },
    );
  }
  const what = `the manifest ${digest}`;
  const raw = await fetchProved(source, descriptor, {
    maxBytes: MAX_MANIFEST_BYTES,
    what,
    hasher,
    signal,
  });
  return parseManifest(raw, mediaType);
}

function tooMuch(limit: number, unit: "bytes" | "levels"): LimitExceededError {
  return new LimitExceededError(
    `Cannot archive the images: their manifests have more than ${limit} ${unit}`,
    { limit, unit },
  );
}
