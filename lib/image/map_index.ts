import type { ContentSource } from "../model/content.ts";
import type { Descriptor } from "../model/descriptor.ts";
import {
  isIndexType,
  MEDIA_TYPE_DOCKER_MANIFEST,
  MEDIA_TYPE_OCI_MANIFEST,
} from "../model/media_types.ts";
import { isAttestation } from "../model/platform_match.ts";
import { contentsOf } from "./_contents_of.ts";
import { editIndex } from "./_edit_index.ts";
import type { Image } from "./image.ts";
import { loadImage } from "./load_image.ts";
import type { IndexView } from "./index_view.ts";
import { loadIndex } from "./load_index.ts";

/**
 * Edits every image of an index, those of indexes in it too. Entries keep what is said of them, such
 * as platform and annotations. Attestations are left out where anything changes, as they speak of
 * images that are not there any more; what is no image stays as it is.
 *
 * @param index The index.
 * @param edit Gives the new image for one, such as `(image) => flatten(image)`.
 * @returns The new index; the old one is unchanged, and nothing is stored before it is pushed.
 *
 * @example A label for every platform
 * ```ts
 * import { emptyImage, indexFrom, mapIndex, mutate } from "@lading/lading/image";
 *
 * const index = indexFrom([emptyImage({ os: "linux", architecture: "amd64" })]);
 * const labelled = mapIndex(index, (image) => mutate(image, { labels: { team: "a" } }));
 * const image = await labelled.image();
 * console.log((await image.config()).config?.Labels?.["team"]); // a
 * ```
 */
export function mapIndex(
  index: IndexView,
  edit: (image: Image, entry: Descriptor) => Image | Promise<Image>,
): IndexView {
  return editIndex(index, async (before, signal) => {
    const content = await index.content({ signal });
    const contents = new Map<string, ContentSource>();
    const entries: Descriptor[] = [];
    for (const entry of before.manifests) {
      const view = isAttestation(entry) ? undefined : await edited(content, entry, edit, signal);
      if (view === undefined) {
        entries.push(entry);
        continue;
      }
      const { mediaType, digest, size } = await view.descriptor({ signal });
      // What an entry may carry in its `data` is the old manifest.
      const { data: _data, ...about } = entry;
      entries.push(digest === entry.digest ? entry : { ...about, mediaType, digest, size });
      if (digest === entry.digest) continue;
      for (const [digest, place] of await contentsOf(view, signal)) contents.set(digest, place);
    }
    const isSame = entries.every(({ digest }, i) => digest === before.manifests[i]?.digest);
    if (isSame) return { value: before };
    const manifests = entries.filter((entry) => !isAttestation(entry));
    return { value: { ...before, manifests }, contents };
  });
}

async function edited(
  content: ContentSource,
  entry: Descriptor,
  edit: (image: Image, entry: Descriptor) => Image | Promise<Image>,
  signal: AbortSignal,
): Promise<Image | IndexView | undefined> {
  const { mediaType } = entry;
  if (isIndexType(mediaType)) return mapIndex(await loadIndex(content, entry, { signal }), edit);
  const isImage = mediaType === MEDIA_TYPE_OCI_MANIFEST || mediaType === MEDIA_TYPE_DOCKER_MANIFEST;
  return isImage ? await edit(await loadImage(content, entry, { signal }), entry) : undefined;
}
