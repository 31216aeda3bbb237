import { mapConcurrent } from "../bytes/map_concurrent.ts";
import { fetchManifest } from "../image/fetch_manifest.ts";
import { MAX_INDEX_DEPTH, MAX_MANIFESTS, tooMany } from "../image/walk_indexes.ts";
import type { CallOptions, ContentSource } from "../model/content.ts";
import type { Descriptor } from "../model/descriptor.ts";
import { LimitExceededError, NotFoundError } from "../model/errors.ts";
import { childDescriptors, type ParsedManifest } from "../model/manifest.ts";
import { isIndexType, isManifestType, isSchema1Type } from "../model/media_types.ts";

/** The bytes that the manifests of one graph may have in all: they are held while it is copied. */
export const MAX_GRAPH_BYTES: number = 64 * 1024 * 1024;

/** How many manifests are fetched at the same time. */
const MANIFEST_JOBS = 3;

/** How many manifests are held before they are handed on. */
const BATCH = 12;

/** A manifest or an index that was walked to. */
export interface WalkedManifest {
  /** What it is. */
  readonly kind: "manifest";
  /** What led to it. */
  readonly descriptor: Descriptor;
  /** What it says; its bytes are those that were proved. */
  readonly parsed: ParsedManifest;
  /** How many indexes lie above it. */
  readonly depth: number;
}

/** A config, a layer or anything else that is no manifest. It is not fetched. */
export interface WalkedBlob {
  /** What it is. */
  readonly kind: "blob";
  /** What led to it. */
  readonly descriptor: Descriptor;
  /** The manifest that names it. */
  readonly parent: Descriptor;
}

/** What {@linkcode walk} comes by. */
export type Walked = WalkedManifest | WalkedBlob;

/** Options of {@linkcode walk}. */
export interface WalkOptions extends CallOptions {
  /** Reads a manifest; by default it is fetched from the source. */
  readonly read?:
    | ((descriptor: Descriptor, signal: AbortSignal) => Promise<ParsedManifest>)
    | undefined;
}

/**
 * Walks the graph below a manifest: each manifest and each blob once, a manifest before what it
 * names, level by level. The manifests of a level are fetched together, a few at a time. Children
 * of an index that are no manifests, as those of build caches, are walked to as blobs. A `subject`
 * is not followed.
 *
 * @param source Where the graph is.
 * @param root The manifest to start from.
 * @param options A signal, and how manifests are read.
 * @returns What is in the graph. Memory grows with the manifests of one level.
 * @throws {LimitExceededError} when indexes are more than 5 levels deep, or there are more than
 * 1,000 manifests or 64 MiB of them.
 * @throws {NotFoundError} when a manifest is not there.
 *
 * @example The blobs of an image
 * ```ts
 * import { memoryStore } from "@lading/lading/store";
 * import { randomImage } from "@lading/lading/testing";
 * import { walk } from "@lading/lading/ops";
 *
 * const store = memoryStore();
 * const { descriptor } = await randomImage("seed", { layers: 2 });
 * await (await randomImage("seed", { layers: 2 })).pushTo(store);
 * let blobs = 0;
 * for await (const found of walk(store, descriptor)) if (found.kind === "blob") blobs++;
 * console.log(blobs); // 3
 * ```
 */
export async function* walk(
  source: ContentSource,
  root: Descriptor,
  options: WalkOptions = {},
): AsyncGenerator<Walked, void, undefined> {
  const { signal, read = (descriptor, signal) => fetchManifest(source, descriptor, { signal }) } =
    options;
  const seen = new Set<string>();
  let bytes = 0;
  let manifests = 0;
  let level: readonly Found[] = [{ descriptor: root, parent: undefined }];
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > MAX_INDEX_DEPTH) throw tooMany(root, "levels");
    const below: Found[] = [];
    for (let start = 0; start < level.length; start += BATCH) {
      const batch = await mapConcurrent(
        level.slice(start, start + BATCH),
        MANIFEST_JOBS,
        (found, _, signal) => open(source, found, depth, (target) => read(target, signal), signal),
        { signal },
      );
      for (const walked of batch) {
        yield walked;
        if (walked.kind === "blob") continue;
        const { descriptor: parent, parsed } = walked;
        if (++manifests > MAX_MANIFESTS) throw tooMany(root, "manifests");
        if ((bytes += parsed.raw.byteLength) > MAX_GRAPH_BYTES) throw tooLarge(root);
        for (const descriptor of childDescriptors(parsed)) {
          const isBlob = parsed.kind !== "index" || !isManifest(descriptor);
          // The same bytes may be a layer here and a manifest there.
          const key = `${isBlob} ${descriptor.digest}`;
          if (seen.has(key) || !isBlob && descriptor.digest === root.digest) continue;
          seen.add(key);
          if (isBlob) yield { kind: "blob", descriptor, parent };
          else below.push({ descriptor, parent });
          if (manifests + below.length > MAX_MANIFESTS) throw tooMany(root, "manifests");
        }
      }
    }
    level = below;
  }
}

interface Found {
  readonly descriptor: Descriptor;
  readonly parent: Descriptor | undefined;
}

/** Reads a manifest. What a registry does not have as a manifest may be there as a blob. */
async function open(
  source: ContentSource,
  { descriptor, parent }: Found,
  depth: number,
  read: (descriptor: Descriptor) => Promise<ParsedManifest>,
  signal: AbortSignal,
): Promise<Walked> {
  try {
    return { kind: "manifest", descriptor, parsed: await read(descriptor), depth };
  } catch (error) {
    if (!(error instanceof NotFoundError) || parent === undefined) throw error;
    const blob = { ...descriptor, mediaType: "application/octet-stream" };
    if (!await source.exists(blob, { signal })) throw error;
    return { kind: "blob", descriptor: blob, parent };
  }
}

function isManifest({ mediaType }: Descriptor): boolean {
  return isManifestType(mediaType) || isIndexType(mediaType) || isSchema1Type(mediaType);
}

/** Makes the error for a graph whose manifests are too many bytes. */
export function tooLarge(root: Descriptor): LimitExceededError {
  return new LimitExceededError(
    `Cannot walk ${root.digest}: its manifests have more than ${MAX_GRAPH_BYTES} bytes`,
    { limit: MAX_GRAPH_BYTES, unit: "bytes" },
  );
}
