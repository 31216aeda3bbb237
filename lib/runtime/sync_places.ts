import { type Operation, startOperation } from "../bytes/operation.ts";
import type { Source } from "../model/content.ts";
import { InvalidReferenceError, LadingError } from "../model/errors.ts";
import type { Place } from "../model/place.ts";
import type { Platform } from "../model/platform.ts";
import { familiarName, parseReference } from "../model/reference.ts";
import { keyOf } from "../ops/copy.ts";
import { planSync, type SyncPlan } from "../ops/plan_sync.ts";
import { sync, type SyncEvent, type SyncOptions, type SyncResult } from "../ops/sync.ts";
import { isListed, type ListedSource, tagIn } from "../ops/sync_names.ts";
import { type CopyPlacesOptions, withPlaces } from "./copy_places.ts";
import type { OpenedTarget } from "./open.ts";

/** Options of {@linkcode syncPlaces}. */
export interface SyncPlacesOptions
  extends
    Omit<CopyPlacesOptions, "existing" | "digestTags">,
    Pick<SyncOptions, "include" | "keepGoing" | "existing"> {}

type Naming = SyncOptions["targetReference"];

/** Opened places, and what images are called in the second. */
interface NamedPlaces {
  readonly source: ListedSource;
  readonly target: OpenedTarget;
  readonly platform: Platform | "all" | undefined;
  readonly targetReference: Naming;
}

/** Copies many tags between places, and tells what that would be. */
export interface SyncPlaces {
  /**
   * Copies many tags of one place to another: of a repository, a layout or an archive. What the target
   * has is not moved, and tags that only the target has stay. Docker names images in full: its
   * archives and engines get the name of the repository with each tag, that of `to` where it has one.
   *
   * @param from The place of the images, without a tag: `ghcr.io/acme/app`, `oci:./images`.
   * @param to The place they go to.
   * @param options Which tags, what becomes of those that are there, the platform, the concurrency
   * and how to open the places.
   * @returns The operation.
   * @throws {InvalidReferenceError} when a place names one image.
   */
  (from: string, to: string, options?: SyncPlacesOptions): Operation<SyncResult, SyncEvent>;
  /**
   * Tells what a sync would do, and moves nothing.
   *
   * @param from The place of the images.
   * @param to The place they would go to.
   * @param options As for the sync.
   * @returns The tags, the blobs and manifests, and the bytes to copy.
   */
  plan(from: string, to: string, options?: SyncPlacesOptions): Promise<SyncPlan>;
}

/** Opens both places; an archive that is there already counts as what has to stay. */
function withBoth<Result>(
  from: string,
  to: string,
  options: SyncPlacesOptions,
  use: (places: NamedPlaces) => Promise<Result>,
): Promise<Result> {
  const existing = options.existing === "keep" ? "refuse" : "replace";
  return withPlaces(
    from,
    to,
    { ...options, existing },
    async ({ source, target, platform }) => {
      const targetReference = namesFor(source.place, target.place, [from, to]);
      return await use({
        source: listed(source.content, from),
        ...{ target, platform, targetReference },
      });
    },
  );
}

function startSync(
  from: string,
  to: string,
  options: SyncPlacesOptions = {},
): Operation<SyncResult, SyncEvent> {
  const { include, keepGoing, existing, jobs, referrers, format, threads } = options;
  return startOperation<SyncResult, SyncEvent>(
    ({ emit, signal }) =>
      withBoth(from, to, options, async ({ source, target, platform, targetReference }) => {
        const operation = sync(source, target.content, {
          ...{ signal, include, keepGoing, existing, jobs, referrers, format, threads },
          ...{ platform, targetReference },
        });
        for await (const event of operation) emit(event);
        const result = await operation;
        await target.commit({ signal });
        return result;
      }),
    {
      signal: options.signal,
      coalesce: (event) => event.type === "tag" ? undefined : keyOf(event),
    },
  );
}

function plan(from: string, to: string, options: SyncPlacesOptions = {}): Promise<SyncPlan> {
  const { signal, include, keepGoing, existing, referrers, format } = options;
  return withBoth(
    from,
    to,
    options,
    ({ source, target, platform, targetReference }) =>
      planSync(source, target.content, {
        ...{ signal, include, keepGoing, existing, referrers, format },
        ...{ platform, targetReference },
      }),
  );
}

/** Copies many tags between places, and plans that. */
export const syncPlaces: SyncPlaces = /* @__PURE__ */ Object.assign(
  (from: string, to: string, options?: SyncPlacesOptions) => startSync(from, to, options),
  { plan },
);

function listed(source: Source, from: string): ListedSource {
  if (isListed(source)) return source;
  throw new LadingError("UNSUPPORTED_PLACE", `Cannot sync "${from}": it does not list its images`);
}

/**
 * Chooses the names in the target; `undefined` leaves it to the tags.
 *
 * @throws {InvalidReferenceError} when a place names one image: that would not be taken alone.
 */
function namesFor(from: Place, to: Place, texts: readonly [string, string]): Naming {
  for (const [place, text] of [[from, texts[0]], [to, texts[1]]] as const) {
    if (!namesImage(place, place === to)) continue;
    throw new InvalidReferenceError(
      `Cannot sync ${JSON.stringify(text)}: it names one image; leave its name out and choose ` +
        "among all with include, or copy it",
      { input: text },
    );
  }
  // Docker names images in full, and would take a tag alone for a repository.
  if (to.transport !== "docker-archive" && to.transport !== "docker-daemon") return undefined;
  const repository = repositoryOf(to) ?? repositoryOf(from);
  return repository === undefined
    ? (reference) => reference
    : (reference) => `${repository}:${tagIn(reference)}`;
}

/** Tells whether a place is one image of those that are there. */
function namesImage(place: Place, isTarget: boolean): boolean {
  if (place.transport === "dir" || place.reference === undefined) return false;
  const isPath = place.transport === "oci" || place.transport === "oci-archive" ||
    (place.transport === "docker-archive" && !isTarget);
  if (isPath) return true;
  const { tag, digest } = parseReference(place.reference);
  return tag !== undefined || digest !== undefined;
}

/** The repository that a place names, as Docker writes it. */
function repositoryOf(place: Place): string | undefined {
  if (place.transport === "dir" || place.reference === undefined) return undefined;
  if (place.transport === "oci" || place.transport === "oci-archive") return undefined;
  return familiarName(parseReference(place.reference));
}
