import type { ContentSource } from "../model/content.ts";
import type { Descriptor } from "../model/descriptor.ts";
import { isConfigType } from "../model/media_types.ts";
import type { Platform } from "../model/platform.ts";
import { contentsOf, isIndexView } from "./_contents_of.ts";
import type { Image } from "./image.ts";
import type { IndexAddition } from "./index_addition.ts";
import type { IndexView } from "./index_view.ts";

/** Entries to be added to an index, and where what they lead to is. */
export interface IndexEntries {
  readonly entries: readonly Descriptor[];
  readonly contents: ReadonlyMap<string, ContentSource>;
}

/** Works out the entries for images and indexes. */
export async function indexEntries(
  additions: readonly (Image | IndexView | IndexAddition)[],
  signal: AbortSignal,
): Promise<IndexEntries> {
  const entries: Descriptor[] = [];
  const contents = new Map<string, ContentSource>();
  for (const item of additions) {
    const addition: IndexAddition = "mediaType" in item ? { manifest: item } : item;
    for (const [digest, content] of await contentsOf(addition.manifest, signal)) {
      contents.set(digest, content);
    }
    entries.push(...await entriesOf(addition, signal));
  }
  return { entries, contents };
}

async function entriesOf(
  { manifest: view, platform, annotations, nested = false }: IndexAddition,
  signal: AbortSignal,
): Promise<readonly Descriptor[]> {
  if (isIndexView(view) && !nested) {
    const { manifests } = await view.manifest({ signal });
    return manifests.map((entry) => annotated(entry, annotations));
  }
  // What else a descriptor says is of the place it was found in, such as a name there.
  const { mediaType, digest, size, artifactType, platform: known } = await view
    .descriptor({ signal });
  const runsOn = platform ?? known ??
    (isIndexView(view) ? undefined : await ownPlatform(view, signal));
  const entry: Descriptor = {
    mediaType,
    digest,
    size,
    ...(artifactType === undefined ? {} : { artifactType }),
    ...(runsOn === undefined ? {} : { platform: runsOn }),
  };
  return [annotated(entry, annotations)];
}

function annotated(entry: Descriptor, annotations: IndexAddition["annotations"]): Descriptor {
  if (annotations === undefined) return entry;
  return { ...entry, annotations: { ...entry.annotations, ...annotations } };
}

async function ownPlatform(image: Image, signal: AbortSignal): Promise<Platform | undefined> {
  const { config } = await image.manifest({ signal });
  return isConfigType(config.mediaType) ? await image.platform({ signal }) : undefined;
}
