import { through } from "../bytes/through.ts";
import { gunzipWithCheckpoints, openAt } from "../compress/checkpoints.ts";
import type { Checkpoints } from "../compress/checkpoint.ts";
import type { ByteStream } from "../model/bytes.ts";
import type { CallOptions } from "../model/content.ts";
import type { ArchiveSource } from "./_archive_source.ts";
import type { CheckpointCache } from "./checkpoint_cache.ts";
import type { FileMeta } from "./_layer_files.ts";
import { type Layer, layerContent, openLayer } from "./layer.ts";
import { peekCompression } from "./_peek_compression.ts";
import { rangesOf } from "./toc.ts";

/**
 * Gives a view of a layer that takes checkpoints when it is read to its end; the layer itself when
 * the cache has some, or the layer can have none. A layer whose diffID nobody knows yet is read once
 * more for it.
 */
export async function checkpointedLayer(
  layer: Layer,
  cache: CheckpointCache,
  options: CallOptions,
): Promise<Layer> {
  if (await knownCheckpoints(layer, cache) !== undefined) return layer;
  const descriptor = layer.descriptor();
  const isGzip = /gzip$/.test(descriptor.mediaType);
  if (!isGzip) return layer;
  const content = layerContent(layer);
  const source: typeof content & ArchiveSource = {
    exists: (target, call) => content.exists(target, call),
    fetch: (target, call) => content.fetch(target, call),
    async openArchive(_target, call) {
      const { compression, whole } = await peekCompression(await layer.compressed(call));
      if (compression !== "gzip") {
        await whole.cancel().catch(() => {});
        return undefined;
      }
      const { stream, checkpoints } = gunzipWithCheckpoints(whole, {
        everyBytes: cache.everyBytes,
      });
      return through(stream, {
        chunk: (chunk) => chunk,
        end() {
          const found = checkpoints();
          if (found !== undefined) cache.set(descriptor.digest, found);
        },
      });
    },
  };
  return openLayer(source, descriptor, await layer.diffID(options));
}

/** Opens a file by checkpoints of its layer; nothing when there are none, or it has holes. */
export async function openByCheckpoints(
  layer: Layer,
  cache: CheckpointCache,
  { bodyOffset, size }: FileMeta,
  options: CallOptions,
): Promise<ByteStream | undefined> {
  const known = await knownCheckpoints(layer, cache);
  if (known === undefined || bodyOffset === undefined) return undefined;
  if (bodyOffset + size > known.size) return undefined;
  return openAt(known, rangesOf(layer), bodyOffset, size, options);
}

/** Gives what the cache has, if it can be of this layer. */
async function knownCheckpoints(
  layer: Layer,
  cache: CheckpointCache,
): Promise<Checkpoints | undefined> {
  const { digest, size } = layer.descriptor();
  const known = await cache.get(digest);
  return known?.compressedSize === size ? known : undefined;
}
