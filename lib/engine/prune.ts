import type { CallOptions } from "../model/content.ts";
import { compareApiVersions } from "./api_version.ts";
import { numberField, objectsField } from "./_fields.ts";
import type { EngineClient } from "./engine_client.ts";
import { type EngineFilters, formatFilters } from "./query.ts";
import { removedOf, type RemoveResult } from "./remove.ts";

/** Options of {@linkcode EngineImages.prune}. */
export interface PruneOptions extends CallOptions {
  /**
   * Conditions: `dangling` (`false` removes all images that no container uses), `until`, `label`,
   * `label!`.
   */
  readonly filters?: EngineFilters | undefined;
}

/** What {@linkcode EngineImages.prune} removed. */
export interface PruneResult extends RemoveResult {
  /** How many bytes are free again. */
  readonly spaceReclaimed: number;
}

/** Removes the images that nothing uses. */
export async function pruneImages(
  client: EngineClient,
  { filters, signal }: PruneOptions = {},
): Promise<PruneResult> {
  const action = "prune images";
  await client.require({ since: "1.25", name: "pruning" }, action, { signal });
  const result = await client.object({
    action,
    method: "POST",
    path: "/images/prune",
    query: { filters: formatFilters(filters) },
    signal,
  });
  return {
    ...removedOf(objectsField(result, "ImagesDeleted")),
    spaceReclaimed: numberField(result, "SpaceReclaimed") ?? 0,
  };
}

/** Options of {@linkcode EngineImages.pruneBuilds}. */
export interface PruneBuildsOptions extends CallOptions {
  /** Removes everything, not only what is dangling (API 1.39). */
  readonly all?: boolean | undefined;
  /** Conditions: `until`, `id`, `type`, `inuse`, `shared`, … (API 1.39). */
  readonly filters?: EngineFilters | undefined;
  /** How many bytes of the cache to keep (API 1.39; from 1.48 on it is sent as the reserved space). */
  readonly reservedSpace?: number | undefined;
  /** How many bytes the cache may take at most (API 1.48). */
  readonly maxUsedSpace?: number | undefined;
  /** How many bytes of the disk to keep free (API 1.48). */
  readonly minFreeSpace?: number | undefined;
}

/** What {@linkcode EngineImages.pruneBuilds} removed. */
export interface PruneBuildsResult {
  /** The IDs of the entries of the cache. */
  readonly deleted: readonly string[];
  /** How many bytes are free again. */
  readonly spaceReclaimed: number;
}

/** Empties the cache of builds. */
export async function pruneBuilds(
  client: EngineClient,
  options: PruneBuildsOptions = {},
): Promise<PruneBuildsResult> {
  const { all, filters, reservedSpace, maxUsedSpace, minFreeSpace, signal } = options;
  const action = "prune the cache of builds";
  for (const [name, bytes] of Object.entries({ reservedSpace, maxUsedSpace, minFreeSpace })) {
    if (bytes === undefined || Number.isSafeInteger(bytes) && bytes >= 0) continue;
    throw new RangeError(`Cannot ${action}: ${name} is no number of bytes`);
  }
  await client.require({ since: "1.31", name: "pruning builds" }, action, { signal });
  if (all !== undefined || filters !== undefined || reservedSpace !== undefined) {
    await client.require({ since: "1.39", name: "choosing what to prune" }, action, { signal });
  }
  if (maxUsedSpace !== undefined || minFreeSpace !== undefined) {
    await client.require({ since: "1.48", name: "limiting the cache" }, action, { signal });
  }
  const isNew = compareApiVersions(await client.version({ signal }), "1.48") >= 0;
  const result = await client.object({
    action,
    method: "POST",
    path: "/build/prune",
    query: {
      all: all === true || undefined,
      filters: formatFilters(filters),
      [isNew ? "reserved-space" : "keep-storage"]: reservedSpace,
      "max-used-space": maxUsedSpace,
      "min-free-space": minFreeSpace,
    },
    signal,
  });
  const deleted = result["CachesDeleted"];
  return {
    deleted: Array.isArray(deleted) ? deleted.filter((id) => typeof id === "string") : [],
    spaceReclaimed: numberField(result, "SpaceReclaimed") ?? 0,
  };
}
