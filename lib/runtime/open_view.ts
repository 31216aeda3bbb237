import { loadImage } from "../image/load_image.ts";
import type { IndexView } from "../image/index_view.ts";
import { loadIndex } from "../image/load_index.ts";
import { isIndexType } from "../model/media_types.ts";
import { type OpenedImage, type OpenOptions, openSource } from "./open.ts";
import { type OpenedView, openedView } from "./opened_view.ts";

/** An index that was opened; close it, or open it with `await using`. */
export type OpenedIndex = IndexView & OpenedView;

/**
 * Opens what a place names as it is: an index where it is one, an image otherwise.
 *
 * @param text The place.
 * @param options How to open it.
 * @returns The index or the image; close it as what {@linkcode openImage} gives.
 * @throws {NotFoundError} when there is no such image.
 */
export async function openView(
  text: string,
  options: OpenOptions = {},
): Promise<OpenedImage | OpenedIndex> {
  const { signal } = options;
  const place = openSource(text, options);
  const { content, reference } = place;
  return await openedView(place, async () => {
    const descriptor = await content.resolve(reference, { signal });
    return isIndexType(descriptor.mediaType)
      ? await loadIndex(content, descriptor, { signal })
      : await loadImage(content, descriptor, { signal });
  });
}

/**
 * Opens an index.
 *
 * @param text The place of the index.
 * @param options How to open it.
 * @returns The index; close it as what {@linkcode openImage} gives.
 * @throws {NotFoundError} when there is no such index.
 * @throws {UnsupportedMediaTypeError} when it is no index.
 */
export async function openIndex(text: string, options: OpenOptions = {}): Promise<OpenedIndex> {
  const { signal } = options;
  const place = openSource(text, options);
  const { content, reference } = place;
  return await openedView(
    place,
    async () => await loadIndex(content, await content.resolve(reference, { signal }), { signal }),
  );
}
