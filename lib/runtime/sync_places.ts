import { type Operation, startOperation } from "../bytes/operation.ts";
import type { Source } from "../model/content.ts";
import { LadingError } from "../model/errors.ts";
import { keyOf } from "../ops/copy.ts";
import {
  type ListedSource,
  sync,
  type SyncEvent,
  type SyncOptions,
  type SyncResult,
} from "../ops/sync.ts";
import { type CopyPlacesOptions, withPlaces } from "./copy_places.ts";

/** Options of {@linkcode syncPlaces}. */
export interface SyncPlacesOptions
  extends CopyPlacesOptions, Pick<SyncOptions, "include" | "keepGoing"> {}

/**
 * Copies many tags of one place to another: of a repository, a layout or an archive. What the target
 * has is not moved, and tags that only the target has stay.
 *
 * @param from The place of the images, without a tag: `ghcr.io/acme/app`, `oci:./images`.
 * @param to The place they go to.
 * @param options Which tags, the platform, the concurrency and how to open the places.
 * @returns The operation.
 */
export function syncPlaces(
  from: string,
  to: string,
  options: SyncPlacesOptions = {},
): Operation<SyncResult, SyncEvent> {
  return startOperation<SyncResult, SyncEvent>(
    ({ emit, signal }) =>
      withPlaces(from, to, options, async ({ source, target, platform, mountFrom }) => {
        const { include, keepGoing, jobs, referrers } = options;
        const operation = sync(listed(source.content, from), target.content, {
          signal,
          include,
          keepGoing,
          jobs,
          referrers,
          mountFrom,
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

function listed(source: Source, from: string): ListedSource {
  if ("tags" in source || "roots" in source) return source as ListedSource;
  throw new LadingError("UNSUPPORTED_PLACE", `Cannot sync "${from}": it does not list its images`);
}
