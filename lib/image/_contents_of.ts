import type { ContentSource } from "../model/content.ts";
import type { Descriptor } from "../model/descriptor.ts";
import { childDescriptors } from "../model/manifest.ts";
import { isIndexType, isManifestType } from "../model/media_types.ts";
import { fetchManifest } from "./fetch_manifest.ts";
import type { Image } from "./image.ts";
import type { IndexView } from "./index_view.ts";
import { walkIndexes } from "./walk_indexes.ts";

/** Tells an index from an image. */
export function isIndexView(view: Image | IndexView): view is IndexView {
  return isIndexType(view.mediaType);
}

/** Tells where everything that makes up an image or an index is, by digests. */
export async function contentsOf(
  view: Image | IndexView,
  signal: AbortSignal,
): Promise<Map<string, ContentSource>> {
  const content = await view.content({ signal });
  const contents = new Map<string, ContentSource>();
  const add = ({ digest }: Descriptor) => contents.set(digest, content);
  const root = await view.descriptor({ signal });
  add(root);
  if (!isIndexView(view)) {
    const { config, layers } = await view.manifest({ signal });
    [config, ...layers].forEach(add);
    return contents;
  }
  // The manifests below are read for what they name; an index of hundreds has few bytes of them.
  for await (const found of walkIndexes(content, await rootOf(view, signal), { signal })) {
    for (const child of found.parsed.value.manifests) {
      add(child);
      if (!isManifestType(child.mediaType)) continue;
      childDescriptors(await fetchManifest(content, child, { signal })).forEach(add);
    }
  }
  return contents;
}

async function rootOf(view: IndexView, signal: AbortSignal) {
  const [descriptor, content] = [await view.descriptor({ signal }), await view.content({ signal })];
  const parsed = await fetchManifest(content, descriptor, { signal });
  if (parsed.kind !== "index") throw new TypeError(`Cannot read ${descriptor.digest}: no index`);
  return { parsed, descriptor };
}
