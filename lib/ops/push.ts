import type { Operation } from "../bytes/operation.ts";
import type { Image } from "../image/image.ts";
import type { IndexView } from "../image/index_view.ts";
import type { CallOptions, ContentSource, Locator, Source, Target } from "../model/content.ts";
import type { CopyEvent } from "../model/events.ts";
import { copy, type CopyOptions, type CopyResult } from "./copy.ts";

/** Options of {@linkcode push}. */
export type PushOptions = Omit<CopyOptions, "platform" | "targetReference">;

/**
 * Pushes an image or an index, also one that was edited and is stored nowhere yet, to any place.
 * Blobs go first, then manifests, those in an index before it, then the name: when anything fails
 * nothing was named. What the target has is not read, the base is mounted where it is in another
 * repository of the same registry, and what is new is made while it is sent: memory is that of the
 * manifests.
 *
 * @param image The image or the index.
 * @param target Where it goes.
 * @param reference Its name there; without one, or with a digest, it is recorded by its digest.
 * @param options The concurrency and a signal.
 * @returns The operation of {@linkcode copy}: the descriptor and the name it has now.
 * @throws {RangeError} when `jobs` is no positive integer.
 *
 * @example Push an edited image
 * ```ts
 * import { emptyImage, mutate } from "@lading/lading/image";
 * import { memoryStore } from "@lading/lading/store";
 * import { push } from "@lading/lading/ops";
 *
 * const image = mutate(emptyImage({ os: "linux", architecture: "amd64" }), { cmd: ["/app"] });
 * const store = memoryStore();
 * const { descriptor, reference } = await push(image, store, "app:1");
 * console.log(reference, (await store.resolve("app:1")).digest === descriptor.digest); // app:1 true
 * ```
 */
export function push(
  image: Image | IndexView,
  target: Target,
  reference?: string,
  options: PushOptions = {},
): Operation<CopyResult, CopyEvent> {
  return copy(sourceOf(image), reference ?? "", target, {
    ...options,
    platform: "all",
    targetReference: reference,
  });
}

/** Makes a place of an image: there is nothing else to find in it. */
function sourceOf(image: Image | IndexView): Source & Locator {
  const content = async (options?: CallOptions): Promise<ContentSource & Partial<Locator>> =>
    await image.content(options);
  return {
    resolve: async (_, options) => await image.descriptor(options),
    exists: async (target, options) => await (await content(options)).exists(target, options),
    fetch: async (target, options) => await (await content(options)).fetch(target, options),
    locate: async (target, options) => await (await content(options)).locate?.(target, options),
  };
}
