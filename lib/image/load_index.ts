import type { CallOptions, ContentSource } from "../model/content.ts";
import type { Descriptor } from "../model/descriptor.ts";
import { UnsupportedMediaTypeError } from "../model/errors.ts";
import { fetchManifest } from "./fetch_manifest.ts";
import { IndexViewOf } from "./_index_view_of.ts";
import type { IndexView } from "./index_view.ts";

/**
 * Loads the view of an index: reads the index itself.
 *
 * @param source Where the index is.
 * @param descriptor The index, as `resolve` gave it.
 * @param options A signal.
 * @returns The view.
 * @throws {UnsupportedMediaTypeError} when it is no index.
 * @throws {NotFoundError} when it is not there.
 * @throws {DigestMismatchError} when it is not what its descriptor says.
 */
export async function loadIndex(
  source: ContentSource,
  descriptor: Descriptor,
  options: CallOptions = {},
): Promise<IndexView> {
  const parsed = await fetchManifest(source, descriptor, options);
  const { mediaType } = parsed;
  if (parsed.kind === "index") {
    const parts = { descriptor, parsed, content: source };
    return new IndexViewOf(mediaType, () => Promise.resolve(parts));
  }
  throw new UnsupportedMediaTypeError(
    `Cannot open ${descriptor.digest} as an index: it is ${mediaType}`,
    { mediaType },
  );
}
