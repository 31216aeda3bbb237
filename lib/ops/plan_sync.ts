import type { Target } from "../model/content.ts";
import type { Descriptor } from "../model/descriptor.ts";
import { NameTakenError } from "../model/errors.ts";
import { type CopyPlan, planCopy } from "./plan_copy.ts";
import { type PlannedContent, PlannedContents } from "./planned_contents.ts";
import type { FailedTag, SyncOptions } from "./sync.ts";
import { GivenNames, type ListedSource, namesOf } from "./sync_names.ts";
import { type NamedTwice, tagBefore } from "./_tag_before.ts";

/** What a sync would do with one tag. */
export interface PlannedTag {
  /** Its name in the source. */
  readonly reference: string;
  /** What it points at in the source, for `keep` in the target. */
  readonly descriptor?: Descriptor | undefined;
  /**
   * `copy`: it would point at the source's image; `unchanged`: it does already; `keep`: it points at
   * another image, and stays there.
   */
  readonly action: "copy" | "unchanged" | "keep";
}

/** What a sync would do. */
export interface SyncPlan {
  /** The tags, in the order of their names. */
  readonly tags: readonly PlannedTag[];
  /** The blobs of the tags to copy, each once. */
  readonly blobs: readonly PlannedContent[];
  /** The manifests and indexes of the tags to copy, each once. */
  readonly manifests: readonly PlannedContent[];
  /** The bytes of everything that would be copied. */
  readonly bytesToCopy: number;
  /** The tags that could not be looked at, where the plan kept going. */
  readonly failed: readonly FailedTag[];
}

/** Options of {@linkcode planSync}. */
export type PlanSyncOptions = Omit<SyncOptions, "jobs" | "threads">;

/**
 * Tells what `sync` would do, and moves nothing: tags are listed, manifests are read, and the target
 * is asked what it has.
 *
 * @param source Where the images are.
 * @param target Where they would go.
 * @param options As for the sync.
 * @returns The plan. What others push meanwhile may change it.
 * @throws {LimitExceededError} when there are more than 100,000 tags.
 * @throws {NameTakenError} when two images would have one name in the target.
 */
export async function planSync(
  source: ListedSource,
  target: Target,
  options: PlanSyncOptions = {},
): Promise<SyncPlan> {
  const { signal = new AbortController().signal } = options;
  const [tags, failed]: [PlannedTag[], FailedTag[]] = [[], []];
  const contents = new PlannedContents();
  const given = new GivenNames(source, options.targetReference);
  for (const reference of await namesOf(source, options.include, signal)) {
    try {
      const names = { reference, name: await given.give(reference, signal) };
      const { tag, plan } = await planTag(source, target, names, { ...options, signal });
      tags.push(tag);
      if (plan !== undefined) contents.addAll(plan);
    } catch (error) {
      if (signal.aborted || options.keepGoing !== true) throw error;
      failed.push({ reference, error });
    }
  }
  return { tags, ...contents.plan(), failed };
}

interface PlannedSync {
  readonly tag: PlannedTag;
  readonly plan?: CopyPlan;
}

async function planTag(
  source: ListedSource,
  target: Target,
  { reference, name }: NamedTwice,
  options: PlanSyncOptions & { readonly signal: AbortSignal },
): Promise<PlannedSync> {
  const { digest, unchanged } = await tagBefore(source, target, { reference, name }, options);
  if (unchanged !== undefined) {
    return { tag: { reference, descriptor: unchanged, action: "unchanged" } };
  }
  const existing = options.existing === "keep" ? "refuse" : "replace";
  try {
    const plan = await planCopy(source, reference, target, {
      ...options,
      targetReference: name,
      existing,
    });
    const { descriptor } = plan;
    const isThere = [...plan.blobs, ...plan.manifests].every(({ action }) =>
      action === "exists" || action === "skip"
    );
    const isSame = digest === descriptor.digest && isThere;
    return { tag: { reference, descriptor, action: isSame ? "unchanged" : "copy" }, plan };
  } catch (error) {
    if (!(error instanceof NameTakenError)) throw error;
    return { tag: { reference, descriptor: error.descriptor, action: "keep" } };
  }
}
