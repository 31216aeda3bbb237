import type { ContentSource, ContentStore, Locator, Mounter } from "../model/content.ts";
import type { Descriptor } from "../model/descriptor.ts";
import { blame } from "./_side.ts";

/** Where a blob is, and where it goes. */
export interface MountRoute {
  readonly source: ContentSource & Partial<Locator>;
  readonly target: ContentStore & Partial<Mounter & Locator>;
  /**
   * The repository that the target can take it over from, or `false` for none; by default both sides
   * are asked.
   */
  readonly mountFrom?: string | false | undefined;
}

/**
 * Tells which repository the target can take a blob over from by itself: the one that the source
 * has it in, where it is another one of the same registry.
 */
export async function mountableFrom(
  { source, target, mountFrom }: MountRoute,
  blob: Descriptor,
  signal: AbortSignal,
): Promise<string | undefined> {
  if (target.mount === undefined || mountFrom === false) return undefined;
  if (mountFrom !== undefined) return mountFrom;
  const here = await target.locate?.(blob, { signal }).catch((error) => {
    throw blame("target", error, blob, signal);
  });
  if (here === undefined) return undefined;
  const there = await source.locate?.(blob, { signal }).catch((error) => {
    throw blame("source", error, blob, signal);
  });
  const isNeighbour = there?.registry === here.registry && there.name !== here.name;
  return isNeighbour ? there?.name : undefined;
}
