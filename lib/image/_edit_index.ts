import type { ContentSource } from "../model/content.ts";
import type { ImageIndex } from "../model/image_index.ts";
import { parseImageIndex } from "../model/parse_image_index.ts";
import { describe, held, write } from "./_edit_image.ts";
import { type IndexParts, IndexViewOf } from "./_index_view_of.ts";
import type { IndexView } from "./index_view.ts";
import { OverlayContent } from "./_overlay_content.ts";

/** What an edit changes. */
export interface IndexEdit {
  /** The index. */
  readonly value: ImageIndex;
  /** Where what is new below it is, by digests. */
  readonly contents?: ReadonlyMap<string, ContentSource> | undefined;
}

/** Makes the view of an edited index. The edit is worked out at the first use of the view. */
export function editIndex(
  base: IndexView,
  edit: (before: ImageIndex, signal: AbortSignal) => Promise<IndexEdit>,
): IndexView {
  return new IndexViewOf(base.mediaType, async (signal) => {
    const [before, content] = [await base.manifest({ signal }), await base.content({ signal })];
    const { value, contents } = await edit(before, signal);
    if (value !== before) return assembleIndex(base.mediaType, value, { content, contents });
    const parsed = parseImageIndex(await base.rawManifest({ signal }), base.mediaType);
    return { descriptor: await base.descriptor({ signal }), parsed, content };
  });
}

/** Writes an index, and lays it over the content that is there. */
export function assembleIndex(
  mediaType: string,
  value: ImageIndex,
  { content, contents = new Map() }: Pick<IndexEdit, "contents"> & {
    readonly content: ContentSource;
  },
): IndexParts {
  const raw = write(value);
  const parsed = parseImageIndex(raw, mediaType);
  const { artifactType } = value;
  const about = artifactType === undefined ? { mediaType } : { mediaType, artifactType };
  const descriptor = describe(about, raw);
  const over = new Map([...contents, [descriptor.digest, held(raw)] as const]);
  return { descriptor, parsed, content: new OverlayContent(content, over) };
}
