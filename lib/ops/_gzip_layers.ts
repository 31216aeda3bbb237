import { mapConcurrent } from "../bytes/map_concurrent.ts";
import { layerContent, openLayer } from "../image/layer.ts";
import { layerFrom } from "../image/layer_from.ts";
import type { ContentSource, Locator } from "../model/content.ts";
import type { Descriptor } from "../model/descriptor.ts";
import type { ImageFormat } from "../model/image_format.ts";
import { MEDIA_TYPE_OCI_LAYER_ZSTD } from "../model/media_types.ts";
import { isConverted } from "./_convert_graph.ts";
import type { CopyGraph, Route } from "./_copy_graph.ts";
import { blame } from "./_side.ts";

/** Layers of a graph that are stored in gzip instead of zstd. */
export interface GzipLayers {
  /** What they are then, by their digests in zstd. */
  readonly layers: ReadonlyMap<string, Descriptor>;
  /** Has the content of the graph, and that of these layers. */
  readonly source: ContentSource & Partial<Locator>;
}

/** How layers are read. */
interface Reading extends Pick<Route, "source" | "signal"> {
  readonly format: ImageFormat | undefined;
  readonly jobs: number;
}

/**
 * Finds out what layers are in gzip, where the format that is wanted knows no zstd: Docker's does not.
 * Each is read once for its digest, and once more when it moves; the archive in it stays the same, and
 * with it the diffID. Memory is fixed.
 */
export async function gzipLayers(
  { manifests }: CopyGraph,
  { source, format, jobs, signal }: Reading,
): Promise<GzipLayers> {
  const found = new Map<string, Descriptor>();
  for (const { parsed } of format === "docker" ? manifests : []) {
    if (parsed.kind !== "image" || !isConverted(parsed, "docker")) continue;
    for (const layer of parsed.value.layers) {
      if (layer.mediaType === MEDIA_TYPE_OCI_LAYER_ZSTD) found.set(layer.digest, layer);
    }
  }
  const layers = new Map<string, Descriptor>();
  const contents = new Map<string, ContentSource>();
  await mapConcurrent(found.values(), jobs, async (layer, _, stop) => {
    // It is opened again when it moves, which another signal ends.
    const open = () => openLayer(source, layer).uncompressed({ signal });
    try {
      const made = await layerFrom(open, { compression: "gzip", signal: stop });
      const descriptor = made.descriptor();
      layers.set(layer.digest, descriptor);
      contents.set(descriptor.digest, layerContent(made));
    } catch (error) {
      throw blame("source", error, layer, signal);
    }
  }, { signal });
  return { layers, source: contents.size === 0 ? source : withContents(source, contents) };
}

/** A place that has more content than another one. */
function withContents(
  source: ContentSource & Partial<Locator>,
  contents: ReadonlyMap<string, ContentSource>,
): ContentSource & Locator {
  return {
    exists: async (target, options) =>
      await (contents.get(target.digest) ?? source).exists(target, options),
    fetch: async (target, options) =>
      await (contents.get(target.digest) ?? source).fetch(target, options),
    locate: async (target, options) =>
      contents.has(target.digest) ? undefined : await source.locate?.(target, options),
  };
}
