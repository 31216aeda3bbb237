import { childDescriptors, type ParsedManifest } from "../model/manifest.ts";
import type { WalkedManifest } from "./walk.ts";

/**
 * Puts manifests in groups that can be stored each at a time: what a manifest names, as a child or as
 * its subject, is in a group before it.
 *
 * @param manifests The manifests of a graph; what they name besides is there already.
 * @returns The groups, in the order they are stored.
 */
export function manifestGroups(manifests: readonly WalkedManifest[]): WalkedManifest[][] {
  const byDigest = new Map(manifests.map((manifest) => [manifest.descriptor.digest, manifest]));
  const heights = new Map<string, number>();
  // Digests cannot go in a circle, and a graph has a thousand manifests at most.
  const heightOf = ({ descriptor: { digest }, parsed }: WalkedManifest): number => {
    let height = heights.get(digest) ?? 0;
    if (heights.has(digest)) return height;
    for (const name of namesIn(parsed)) {
      const named = byDigest.get(name);
      if (named !== undefined) height = Math.max(height, heightOf(named) + 1);
    }
    heights.set(digest, height);
    return height;
  };
  const groups: WalkedManifest[][] = [];
  for (const manifest of manifests) (groups[heightOf(manifest)] ??= []).push(manifest);
  return groups;
}

function namesIn(parsed: ParsedManifest): string[] {
  const subject = parsed.kind === "schema1" ? undefined : parsed.value.subject;
  return [...childDescriptors(parsed), ...(subject === undefined ? [] : [subject])]
    .map(({ digest }) => digest);
}
