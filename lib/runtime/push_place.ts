import { type Operation, startOperation } from "../bytes/operation.ts";
import type { Image } from "../image/image.ts";
import type { IndexView } from "../image/index_view.ts";
import type { CopyEvent } from "../model/events.ts";
import { type CopyResult, keyOf } from "../ops/copy.ts";
import { push, type PushOptions } from "../ops/push.ts";
import { type OpenOptions, openTarget } from "./open.ts";
import { pinnedReference } from "./pinned_reference.ts";

/** Options of {@linkcode pushPlace}. */
export interface PushPlaceOptions extends OpenOptions, Pick<PushOptions, "jobs" | "mountFrom"> {}

/**
 * Pushes an image or an index, also one that was edited and is stored nowhere yet, to a place. What
 * is there is not moved; names go last.
 *
 * @param image The image or the index.
 * @param to The place: `registry.acme.dev/app:2`, `oci:./app:2`, `docker-archive:app.tar:app:2`.
 * @param options The concurrency, the repository to mount blobs from where the image does not tell,
 * and how to open the place.
 * @returns The operation; its `reference` is digest-pinned: `registry.acme.dev/app@sha256:…`, of
 * a layout or an archive `oci:./app@sha256:…`, of an engine and `dir:` the digest.
 */
export function pushPlace(
  image: Image | IndexView,
  to: string,
  options: PushPlaceOptions = {},
): Operation<CopyResult, CopyEvent> {
  const { jobs, mountFrom } = options;
  return startOperation<CopyResult, CopyEvent>(async ({ emit, signal }) => {
    const target = openTarget(to, options);
    try {
      const name = target.reference === "" ? undefined : target.reference;
      const operation = push(image, target.content, name, { jobs, mountFrom, signal });
      for await (const event of operation) emit(event);
      const result = await operation;
      await target.commit({ signal });
      return { ...result, reference: pinnedReference(to, result.descriptor.digest) };
    } finally {
      await target.close();
    }
  }, { signal: options.signal, coalesce: keyOf });
}
