import type { CallOptions, ContentSource } from "../model/content.ts";
import type { Descriptor } from "../model/descriptor.ts";
import { LimitExceededError } from "../model/errors.ts";
import type { ParsedImageIndex } from "../model/image_index.ts";
import { isIndexType } from "../model/media_types.ts";
import { fetchManifest } from "./fetch_manifest.ts";

/** How deep indexes may lie in one another: real ones have two levels. */
export const MAX_INDEX_DEPTH = 5;

/** How many manifests one reference may lead to: the largest real indexes have some dozens. */
export const MAX_MANIFESTS = 1000;

/** Makes the error for an index that is too deep or too large. */
export function tooMany(root: Descriptor, unit: "levels" | "manifests"): LimitExceededError {
  const limit = unit === "levels" ? MAX_INDEX_DEPTH : MAX_MANIFESTS;
  return new LimitExceededError(
    `Cannot read the index ${root.digest}: it has more than ${limit} ${unit}`,
    { limit, unit },
  );
}

/** An index, and the descriptor it was found by. */
export interface FoundIndex {
  /** The index. */
  readonly parsed: ParsedImageIndex;
  /** What led to it. */
  readonly descriptor: Descriptor;
}

/**
 * Walks an index and those in it, each once, the outer before the inner. Indexes are fetched when
 * they are asked for.
 *
 * @param source Where they are.
 * @param root The outermost index.
 * @param options A signal.
 * @returns The indexes.
 * @throws {LimitExceededError} when they are more than 5 levels deep or more than 1,000.
 */
export async function* walkIndexes(
  source: ContentSource,
  root: FoundIndex,
  options: CallOptions = {},
): AsyncGenerator<FoundIndex, void, undefined> {
  const seen = new Set([root.descriptor.digest]);
  let level: FoundIndex[] = [root];
  for (let depth = 1; level.length > 0; depth++) {
    const below: Descriptor[] = [];
    for (const found of level) {
      yield found;
      for (const child of found.parsed.value.manifests) {
        if (!isIndexType(child.mediaType) || seen.has(child.digest)) continue;
        if (depth >= MAX_INDEX_DEPTH) throw tooMany(root.descriptor, "levels");
        if (seen.size >= MAX_MANIFESTS) throw tooMany(root.descriptor, "manifests");
        seen.add(child.digest);
        below.push(child);
      }
    }
    level = [];
    for (const descriptor of below) {
      const parsed = await fetchManifest(source, descriptor, options);
      if (parsed.kind === "index") level.push({ parsed, descriptor });
    }
  }
}
