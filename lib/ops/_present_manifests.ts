import { mapConcurrent } from "../bytes/map_concurrent.ts";
import type { CopyGraph, Route } from "./_copy_graph.ts";
import { blame } from "./_side.ts";
import type { WalkedManifest } from "./walk.ts";

/** How many manifests are asked for at the same time. */
const CONCURRENCY = 3;

/**
 * Tells which manifests of a copy the target has. Of those that were read it is known; for those that
 * were written anew in another format it is asked.
 */
export async function presentManifests(
  { target, signal }: Route,
  { manifests: read, present }: CopyGraph,
  manifests: readonly WalkedManifest[],
): Promise<ReadonlySet<string>> {
  const known = new Set(read);
  const found = new Set(present);
  const written = manifests.filter((manifest) => !known.has(manifest));
  await mapConcurrent(written, CONCURRENCY, async ({ descriptor }, _, signal) => {
    try {
      if (await target.exists(descriptor, { signal })) found.add(descriptor.digest);
    } catch (error) {
      throw blame("target", error, descriptor, signal);
    }
  }, { signal });
  return found;
}
