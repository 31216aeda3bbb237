import type { Image } from "../image/image.ts";
import { loadImage } from "../image/load_image.ts";
import type { IndexView } from "../image/index_view.ts";
import { loadIndex } from "../image/load_index.ts";
import { isIndexType } from "../model/media_types.ts";
import { type OpenOptions, openSource } from "./open.ts";

/**
 * Opens what a place names as it is: an index where it is one, an image otherwise.
 *
 * @param text The place.
 * @param options How to open it.
 * @returns The index or the image. An archive stays open as long as it is used.
 * @throws {NotFoundError} when there is no such image.
 */
export async function openView(
  text: string,
  options: OpenOptions = {},
): Promise<Image | IndexView> {
  const { signal } = options;
  const { content, reference } = openSource(text, options);
  const descriptor = await content.resolve(reference, { signal });
  return isIndexType(descriptor.mediaType)
    ? await loadIndex(content, descriptor, { signal })
    : await loadImage(content, descriptor, { signal });
}

/**
 * Opens an index.
 *
 * @param text The place of the index.
 * @param options How to open it.
 * @returns The index. An archive stays open as long as it is used.
 * @throws {NotFoundError} when there is no such index.
 * @throws {UnsupportedMediaTypeError} when it is no index.
 */
export async function openIndex(text: string, options: OpenOptions = {}): Promise<IndexView> {
  const { signal } = options;
  const { content, reference } = openSource(text, options);
  return await loadIndex(content, await content.resolve(reference, { signal }), { signal });
}
