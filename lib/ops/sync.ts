import { type Operation, startOperation } from "../bytes/operation.ts";
import type { Referrers, Roots, Source, Tags, Target } from "../model/content.ts";
import type { Descriptor } from "../model/descriptor.ts";
import { isLadingError, LimitExceededError } from "../model/errors.ts";
import type { CopyEvent } from "../model/events.ts";
import { isTag, parseReference } from "../model/reference.ts";
import { copy, type CopyOptions, keyOf } from "./copy.ts";

/** How many names one sync may be about. */
export const MAX_SYNC_NAMES = 100_000;

/** A place whose names can be listed: a repository of a registry, an OCI layout, an archive. */
export type ListedSource = Source & Partial<Referrers> & (Tags | Roots);

/** Options of {@linkcode sync}. */
export interface SyncOptions extends Omit<CopyOptions, "targetReference"> {
  /** Chooses the tags; default all of them. */
  readonly include?: ((tag: string) => boolean) | undefined;
  /** Goes on with the next tag when one fails; the result tells which did. Default `false`. */
  readonly keepGoing?: boolean | undefined;
}

/** A tag that was looked at. */
export interface SyncedTag {
  /** Its name in the source, and in the target but for what stands before the tag. */
  readonly reference: string;
  /** What it points at; absent where that could not be found out. */
  readonly descriptor?: Descriptor | undefined;
}

/** A tag that could not be copied. */
export interface FailedTag {
  /** Its name in the source. */
  readonly reference: string;
  /** Why. */
  readonly error: unknown;
}

/** What a sync came to. */
export interface SyncResult {
  /** The tags that were copied. */
  readonly copied: readonly SyncedTag[];
  /** The tags that pointed at the same image already. */
  readonly unchanged: readonly SyncedTag[];
  /** The tags that failed, where the sync kept going. */
  readonly failed: readonly FailedTag[];
  /** The bytes that came from the source. */
  readonly bytesFetched: number;
}

/** A tag is finished. */
export interface TagEvent {
  /** The kind of event. */
  readonly type: "tag";
  /** The tag. */
  readonly reference: string;
  /** What became of it. */
  readonly status: "copied" | "unchanged" | "failed";
}

/** What {@linkcode sync} reports while it works. */
export type SyncEvent = CopyEvent | TagEvent;

/**
 * Copies many tags of one place to another, in the order of their names. A tag that points at the
 * same image in the target is not touched; tags that only the target has stay there. What tags have
 * in common is moved once. Tags that stand in for the referrers API are no images: they are left out,
 * and each target keeps its own with `referrers`. With referrers, the tags that registries without an API for them keep their
 * lists under are left out: what is in the lists comes along with its subjects.
 *
 * @param source Where the images are: something that lists its names.
 * @param target Where they go.
 * @param options Which tags, and what {@linkcode copy} takes.
 * @returns The operation. It rejects with the first failure, unless it keeps going.
 * @throws {LimitExceededError} when there are more than 100,000 tags.
 *
 * @example Copy the releases of a repository
 * ```ts
 * import { memoryStore } from "@lading/lading/store";
 * import { randomImage } from "@lading/lading/testing";
 * import { sync } from "./mod.ts";
 *
 * const [from, to] = [memoryStore(), memoryStore()];
 * await (await randomImage("one")).pushTo(from, "1.0");
 * await (await randomImage("two")).pushTo(from, "nightly");
 * const { copied } = await sync(from, to, { include: (tag) => /^\d+\.\d+$/.test(tag) });
 * console.log(copied.map(({ reference }) => reference)); // [ "1.0" ]
 * ```
 */
export function sync(
  source: ListedSource,
  target: Target,
  options: SyncOptions = {},
): Operation<SyncResult, SyncEvent> {
  return startOperation<SyncResult, SyncEvent>(async ({ emit, signal }) => {
    const result: Synced = { copied: [], unchanged: [], failed: [], bytesFetched: 0 };
    for (const reference of await namesOf(source, options, signal)) {
      try {
        const status = await syncTag({ source, target, options, signal, emit }, reference, result);
        emit({ type: "tag", reference, status });
      } catch (error) {
        if (signal.aborted || options.keepGoing !== true) throw error;
        result.failed.push({ reference, error });
        emit({ type: "tag", reference, status: "failed" });
      }
    }
    return result;
  }, {
    signal: options.signal,
    coalesce: (event) => event.type === "tag" ? undefined : keyOf(event),
  });
}

/** A result that is being filled. */
interface Synced extends SyncResult {
  readonly copied: SyncedTag[];
  readonly unchanged: SyncedTag[];
  readonly failed: FailedTag[];
  bytesFetched: number;
}

interface SyncRun {
  readonly source: ListedSource;
  readonly target: Target;
  readonly options: SyncOptions;
  readonly signal: AbortSignal;
  readonly emit: (event: SyncEvent) => void;
}

async function syncTag(
  { source, target, options, signal, emit }: SyncRun,
  reference: string,
  result: Synced,
): Promise<"copied" | "unchanged"> {
  const targetReference = tagIn(reference);
  const before = await digestAt(target, targetReference, signal);
  const { platform = "all", referrers = false } = options;
  // With a platform, or referrers, only the copy finds out what is to be done.
  if (before !== undefined && platform === "all" && referrers === false) {
    const descriptor = await source.resolve(reference, { signal });
    if (descriptor.digest === before) {
      result.unchanged.push({ reference, descriptor });
      return "unchanged";
    }
  }
  const operation = copy(source, reference, target, { ...options, signal, targetReference });
  for await (const event of operation) emit(event);
  const { descriptor, bytesFetched } = await operation;
  result.bytesFetched += bytesFetched;
  const isSame = before === descriptor.digest && bytesFetched === 0;
  result[isSame ? "unchanged" : "copied"].push({ reference, descriptor });
  return isSame ? "unchanged" : "copied";
}

/** What a tag points at; `undefined` also where that cannot be told: the copy will fail, or mend it. */
async function digestAt(
  target: Target,
  reference: string,
  signal: AbortSignal,
): Promise<string | undefined> {
  try {
    return (await target.resolve(reference, { signal })).digest;
  } catch (error) {
    if (isLadingError(error)) return undefined;
    throw error;
  }
}

// distribution-spec, referrers tag schema; the digests of SHA-512 are cut.
const REFERRERS_TAG_REGEXP = /^sha(?:256|512)-[0-9a-f]{64}$/;

async function namesOf(
  source: ListedSource,
  { include = () => true }: SyncOptions,
  signal: AbortSignal,
): Promise<string[]> {
  const names = new Set<string>();
  for await (const name of listNames(source, signal)) {
    const tag = tagIn(name);
    // A list of referrers belongs to its registry: each target keeps one of its own, or none.
    if (REFERRERS_TAG_REGEXP.test(tag)) continue;
    if (include(tag)) names.add(name);
    if (names.size > MAX_SYNC_NAMES) {
      throw new LimitExceededError(`Cannot sync more than ${MAX_SYNC_NAMES} tags`, {
        limit: MAX_SYNC_NAMES,
        unit: "tags",
      });
    }
  }
  return [...names].sort();
}

async function* listNames(
  source: ListedSource,
  signal: AbortSignal,
): AsyncGenerator<string, void, undefined> {
  if ("tags" in source) return yield* source.tags({ signal });
  for await (const { reference } of source.roots({ signal })) {
    if (reference !== undefined) yield reference;
  }
}

/** The tag of a name: layouts and archives name images in full, too. */
function tagIn(name: string): string {
  return isTag(name) ? name : parseReference(name).tag ?? "latest";
}
