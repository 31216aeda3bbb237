import { type Operation, startOperation } from "../bytes/operation.ts";
import type { Source } from "../model/content.ts";
import { LadingError } from "../model/errors.ts";
import { keyOf } from "../ops/copy.ts";
import { planSync, type SyncPlan } from "../ops/plan_sync.ts";
import { sync, type SyncEvent, type SyncOptions, type SyncResult } from "../ops/sync.ts";
import { isListed, type ListedSource } from "../ops/sync_names.ts";
import { type CopyPlacesOptions, type Places, withPlaces } from "./copy_places.ts";

/** Options of {@linkcode syncPlaces}. */
export interface SyncPlacesOptions
  extends
    Omit<CopyPlacesOptions, "existing" | "digestTags">,
    Pick<SyncOptions, "include" | "keepGoing" | "existing"> {}

/** Copies many tags between places, and tells what that would be. */
export interface SyncPlaces {
  /**
   * Copies many tags of one place to another: of a repository, a layout or an archive. What the target
   * has is not moved, and tags that only the target has stay.
   *
   * @param from The place of the images, without a tag: `ghcr.io/acme/app`, `oci:./images`.
   * @param to The place they go to.
   * @param options Which tags, what becomes of those that are there, the platform, the concurrency
   * and how to open the places.
   * @returns The operation.
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
  use: (source: ListedSource, places: Places) => Promise<Result>,
): Promise<Result> {
  const existing = options.existing === "keep" ? "refuse" : "replace";
  return withPlaces(
    from,
    to,
    { ...options, existing },
    async (places) => await use(listed(places.source.content, from), places),
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
      withBoth(from, to, options, async (source, { target, platform }) => {
        const operation = sync(source, target.content, {
          ...{ signal, include, keepGoing, existing, jobs, referrers, format, threads },
          platform,
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
    (source, { target, platform }) =>
      planSync(source, target.content, {
        ...{ signal, include, keepGoing, existing, referrers, format },
        platform,
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
