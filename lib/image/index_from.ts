import type { ContentSource } from "../model/content.ts";
import { NotFoundError } from "../model/errors.ts";
import { MEDIA_TYPE_OCI_INDEX } from "../model/media_types.ts";
import { assembleIndex } from "./_edit_index.ts";
import { formatOf, type ImageFormat, typeIn } from "../model/image_format.ts";
import type { Image } from "./image.ts";
import type { IndexAddition } from "./index_addition.ts";
import { indexEntries } from "./_index_entries.ts";
import { IndexViewOf } from "./_index_view_of.ts";
import type { IndexView } from "./index_view.ts";

/** Options of {@linkcode indexFrom}. */
export interface IndexFromOptions {
  /** Whose media type it has; default Docker's when everything in it has, else OCI's. */
  readonly format?: ImageFormat | undefined;
  /** Annotations of the index. */
  readonly annotations?: Readonly<Record<string, string>> | undefined;
}

/**
 * Makes an index of images, and of the entries of other indexes. Each image gets the platform that
 * its index said or its config says; its bytes stay as they are.
 *
 * @param manifests What goes in, in order of preference.
 * @param options The format, and annotations.
 * @returns The index; nothing is stored before it is pushed.
 *
 * @example An index of two images
 * ```ts
 * import { emptyImage, indexFrom } from "@lading/lading/image";
 *
 * const index = indexFrom([
 *   emptyImage({ os: "linux", architecture: "amd64" }),
 *   emptyImage({ os: "linux", architecture: "arm64" }),
 * ]);
 * console.log((await index.platforms()).length); // 2
 * ```
 */
export function indexFrom(
  manifests: readonly (Image | IndexView | IndexAddition)[],
  options: IndexFromOptions = {},
): IndexView {
  const { annotations } = options;
  const formats = new Set(manifests.map((item) => formatOf(typeOf(item))));
  const [only] = formats;
  const format = options.format ?? (formats.size === 1 && only === "docker" ? only : "oci");
  const mediaType = typeIn(format, MEDIA_TYPE_OCI_INDEX);
  return new IndexViewOf(mediaType, async (signal) => {
    const { entries, contents } = await indexEntries(manifests, signal);
    const value = {
      schemaVersion: 2,
      mediaType,
      manifests: entries,
      ...(annotations === undefined ? {} : { annotations }),
    } as const;
    return assembleIndex(mediaType, value, { content: NOTHING, contents });
  });
}

/** What an index has below it comes with what is put in. */
const NOTHING: ContentSource = {
  exists: () => Promise.resolve(false),
  fetch: ({ digest }) =>
    Promise.reject(new NotFoundError(`Cannot fetch ${digest}: the index has no such content`)),
};

function typeOf(item: Image | IndexView | IndexAddition): string {
  return "mediaType" in item ? item.mediaType : item.manifest.mediaType;
}
