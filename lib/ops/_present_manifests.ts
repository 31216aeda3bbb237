import { mapConcurrent } from "../bytes/map_concurrent.ts";
import type { CopyGraph, Route } from "./_copy_graph.ts";
import { hasManifest } from "./_read_manifest.ts";
import type { WalkedManifest } from "./walk.ts";

/** How many manifests are asked for at the same time. */
const CONCURRENCY = 3;

/**
 * Tells which manifests of a copy the target has. Of most that were read it is known; the target is
 * asked for the others, and for those that were written anew in another format.
 */
export async function presentManifests(
  { target, signal }: Pick<Route, "target" | "signal">,
  { asked, present }: CopyGraph,
  manifests: readonly WalkedManifest[],
): Promise<ReadonlySet<string>> {
  const found = new Set(present);
  const others = manifests.filter(({ descriptor }) => !asked.has(descriptor.digest));
  await mapConcurrent(others, CONCURRENCY, async ({ descriptor }, _, signal) => {
    if (await hasManifest(target, descriptor, signal)) found.add(descriptor.digest);
  }, { signal });
  return found;
}
