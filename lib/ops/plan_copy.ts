import type { Source, Target } from "../model/content.ts";
import type { Descriptor } from "../model/descriptor.ts";
import { convertGraph, namedBlobs } from "./_convert_graph.ts";
import { collectGraph, isElsewhere, resolveRoot, type Route } from "./_copy_graph.ts";
import { checkDigestTags, type CopyOptions, DEFAULT_JOBS } from "./copy.ts";
import { listDigestTags, visitDigestTags } from "./_digest_tags.ts";
import { gzipLayers } from "./_gzip_layers.ts";
import { mountableFrom } from "./_mountable_from.ts";
import { type PlannedContent, PlannedContents } from "./planned_contents.ts";
import { presentManifests } from "./_present_manifests.ts";
import { referrersChoice } from "./referrers_choice.ts";
import { blame } from "./_side.ts";
import { namedNow, refuseTaken, targetName } from "./_target_name.ts";

/** What a copy would do. */
export interface CopyPlan {
  /** The manifest or index that would be copied. */
  readonly descriptor: Descriptor;
  /** The blobs, each once. */
  readonly blobs: readonly PlannedContent[];
  /** The manifests and indexes in the order they would go, inner ones before outer ones. */
  readonly manifests: readonly PlannedContent[];
  /** The bytes of everything that would be copied. */
  readonly bytesToCopy: number;
  /** The tags that name the image by its digest, and would come along. */
  readonly digestTags: readonly string[];
}

/**
 * Tells what `copy` would do, and moves nothing: manifests are read, and layers that would be stored
 * in another format than they are, and the target is asked what it has.
 *
 * @param source Where the image is.
 * @param reference Its name or digest there.
 * @param target Where it would go.
 * @param options The platform, the referrers, the format, whether blobs can be mounted, and a signal.
 * @returns The plan. What others push meanwhile may change it.
 * @throws {NotFoundError} when there is no such image.
 * @throws {NameTakenError} when the copy would be refused for its name.
 */
export async function planCopy(
  source: Source,
  reference: string,
  target: Target,
  options: Omit<CopyOptions, "jobs"> = {},
): Promise<CopyPlan> {
  const { signal = new AbortController().signal, platform, mountFrom, existing } = options;
  checkDigestTags(options);
  const route = { source, target, signal };
  const root = await resolveRoot(route, reference, platform);
  const graph = await collectGraph(route, root, referrersChoice(options.referrers));
  const { format } = options;
  const reading = { ...route, format, jobs: DEFAULT_JOBS, storing: "none" } as const;
  const { layers, source: content } = await gzipLayers(graph, reading);
  const { root: descriptor, manifests } = convertGraph(graph, root.descriptor, format, layers);
  const name = targetName(options, reference, descriptor);
  if (existing === "refuse") {
    refuseTaken(name, await namedNow(target, name, signal), descriptor);
  }
  const contents = new PlannedContents();
  const way = { source: content, target, mountFrom };
  for (const blob of namedBlobs(graph, manifests, layers)) {
    const isThere = await hasContent(route, blob);
    const isLeft = !isThere && await isElsewhere(route, blob, Promise.resolve(false), signal);
    const isMounted = await mountableFrom(way, blob, signal) !== undefined;
    const missing = isLeft ? "skip" : isMounted ? "mount" : "copy";
    contents.addBlob({ descriptor: blob, action: isThere ? "exists" : missing });
  }
  const present = await presentManifests(route, graph, manifests);
  for (const { descriptor } of manifests) {
    const isThere = present.has(descriptor.digest);
    contents.addManifest({ descriptor, action: isThere ? "exists" : "copy" });
  }
  const digests = manifests.map(({ descriptor }) => descriptor.digest);
  const listed = options.digestTags === true ? await listDigestTags(source, signal) : new Map();
  const digestTags = await visitDigestTags(listed, digests, async (reference, targetReference) => {
    const nested = { signal, mountFrom, existing, targetReference };
    const plan = await planCopy(source, reference, target, nested);
    contents.addAll(plan);
    return plan.descriptor.digest;
  });
  return { descriptor, ...contents.plan(), digestTags };
}

async function hasContent({ target, signal }: Route, descriptor: Descriptor): Promise<boolean> {
  try {
    return await target.exists(descriptor, { signal });
  } catch (error) {
    throw blame("target", error, descriptor, signal);
  }
}
