import { type Operation, startOperation } from "../bytes/operation.ts";
import type { Target } from "../model/content.ts";
import type { Descriptor } from "../model/descriptor.ts";
import { NameTakenError } from "../model/errors.ts";
import type { CopyEvent } from "../model/events.ts";
import { copy, type CopyOptions, keyOf } from "./copy.ts";
import { GivenNames, type ListedSource, namesOf } from "./sync_names.ts";
import { type NamedTwice, tagBefore } from "./_tag_before.ts";

/** Options of {@linkcode sync}. */
export interface SyncOptions
  extends Omit<CopyOptions, "targetReference" | "existing" | "digestTags"> {
  /**
   * What happens to tags that point at other images in the target: `"replace"`, the default, moves
   * them; `"keep"` leaves them.
   */
  readonly existing?: "replace" | "keep" | undefined;
  /** Chooses the tags; default all of them. */
  readonly include?: ((tag: string) => boolean) | undefined;
  /**
   * Names each image in the target by its name in the source; default by the tag of that. Two images
   * that come to one name are an error.
   */
  readonly targetReference?: ((reference: string) => string) | undefined;
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
  /** The tags that were left with the other images that they point at. */
  readonly kept: readonly SyncedTag[];
  /** The tags that failed, where the sync kept going. */
  readonly failed: readonly FailedTag[];
  /** The bytes that came from the source. */
  readonly bytesFetched: number;
  /** The bytes of blobs that the target took over from the source by itself. */
  readonly bytesMounted: number;
}

/** A tag is finished. */
export interface TagEvent {
  /** The kind of event. */
  readonly type: "tag";
  /** The tag. */
  readonly reference: string;
  /** What became of it. */
  readonly status: "copied" | "unchanged" | "kept" | "failed";
}

/** What {@linkcode sync} reports while it works. */
export type SyncEvent = CopyEvent | TagEvent;

/**
 * Copies many tags of one place to another, in the order of their names. A tag that points at the
 * same image in the target is not touched; tags that only the target has stay there. What tags have
 * in common is moved once. Tags that stand in for the referrers API are no images: they are left out,
 * and each target keeps its own with `referrers`, where what they list comes along with its subjects.
 *
 * @param source Where the images are: something that lists its names.
 * @param target Where they go.
 * @param options Which tags, and what {@linkcode copy} takes.
 * @returns The operation. It rejects with the first failure, unless it keeps going.
 * @throws {LimitExceededError} when there are more than 100,000 tags.
 * @throws {NameTakenError} when two images would have one name in the target.
 *
 * @example Copy the releases of a repository
 * ```ts
 * import { memoryStore } from "@lading/lading/store";
 * import { randomImage } from "@lading/lading/testing";
 * import { sync } from "@lading/lading/ops";
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
    const result: Synced = {
      ...{ copied: [], unchanged: [], kept: [], failed: [] },
      ...{ bytesFetched: 0, bytesMounted: 0 },
    };
    const given = new GivenNames(source, options.targetReference);
    for (const reference of await namesOf(source, options.include, signal)) {
      try {
        const name = await given.give(reference, signal);
        const run = { source, target, options, signal, emit };
        const status = await syncTag(run, { reference, name }, result);
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
  readonly kept: SyncedTag[];
  readonly failed: FailedTag[];
  bytesFetched: number;
  bytesMounted: number;
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
  { reference, name }: NamedTwice,
  result: Synced,
): Promise<"copied" | "unchanged" | "kept"> {
  const looking = { ...options, isPushedNext: true, signal };
  const before = await tagBefore(source, target, { reference, name }, looking);
  if (before.unchanged !== undefined) {
    result.unchanged.push({ reference, descriptor: before.unchanged });
    return "unchanged";
  }
  const existing = options.existing === "keep" ? "refuse" : "replace";
  const operation = copy(source, reference, target, {
    ...options,
    signal,
    targetReference: name,
    existing,
  });
  try {
    let hasMoved = false;
    for await (const event of operation) {
      hasMoved ||= isMove(event);
      emit(event);
    }
    const { descriptor, bytesFetched, bytesMounted } = await operation;
    result.bytesFetched += bytesFetched;
    result.bytesMounted += bytesMounted;
    const isSame = before.digest === descriptor.digest && !hasMoved;
    result[isSame ? "unchanged" : "copied"].push({ reference, descriptor });
    return isSame ? "unchanged" : "copied";
  } catch (error) {
    if (!(error instanceof NameTakenError)) throw error;
    result.kept.push({ reference, descriptor: error.descriptor });
    return "kept";
  }
}

/** Tells whether the target has something now that it did not have. */
function isMove(event: CopyEvent): boolean {
  return event.type !== "resolved" && (event.status === "done" || event.status === "mounted");
}
