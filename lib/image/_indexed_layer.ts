import { through } from "../bytes/through.ts";
import type { Checkpoints } from "../compress/checkpoint.ts";
import { gunzipWithCheckpoints, openAt } from "../compress/checkpoints.ts";
import { decompress } from "../compress/decompress.ts";
import type { LayerThreads } from "../compress/layer_threads.ts";
import type { ByteStream } from "../model/bytes.ts";
import type { CallOptions, ContentSource } from "../model/content.ts";
import type { TarEntry } from "../tar/entry.ts";
import type { ArchiveSource } from "./_archive_source.ts";
import { expectedDiffID, type Layer, layerContent, openLayer } from "./layer.ts";
import type { FileMeta, TreeEntry } from "./_layer_files.ts";
import { decodeIndex, IndexRecorder, type LayerIndex } from "./_layer_index.ts";
import type { LayerIndexes } from "./layer_indexes.ts";
import { peekCompression } from "./_peek_compression.ts";
import { rangesOf } from "./toc.ts";

/** Options of {@linkcode treeEntries}. */
export interface TreeEntriesOptions extends CallOptions {
  readonly layerIndexes?: LayerIndexes | undefined;
  readonly threads?: LayerThreads | undefined;
}

/** Gives the entries of a layer for a tree: by its index where it has one. */
export function treeEntries(layer: Layer, options: TreeEntriesOptions): AsyncIterable<TreeEntry> {
  const { layerIndexes, threads, signal } = options;
  return layerIndexes === undefined
    ? layer.entries({ threads, signal })
    : indexedEntries(layer, layerIndexes, { threads, signal });
}

async function* indexedEntries(
  layer: Layer,
  indexes: LayerIndexes,
  { threads, signal }: Omit<TreeEntriesOptions, "layerIndexes">,
): AsyncGenerator<TreeEntry, void, undefined> {
  const index = await indexOf(layer, indexes, { signal });
  if (index !== undefined) yield* await index.entries();
  // A thread does not say where it could be inflated from.
  else if (threads !== undefined) yield* layer.entries({ threads, signal });
  else yield* recordedEntries(layer, indexes, { signal });
}

/**
 * Gives the index that is kept of a layer. Only one of the very bytes counts, and only when they were
 * proved to be what this image says that they are.
 */
export async function indexOf(
  layer: Layer,
  indexes: LayerIndexes | undefined,
  options: CallOptions,
): Promise<LayerIndex | undefined> {
  const { digest, size } = layer.descriptor();
  const kept = await indexes?.get(digest);
  const index = kept === undefined ? undefined : decodeIndex(kept);
  if (index?.digest !== digest || index.size !== size) return undefined;
  const diffID = await expectedDiffID(layer, options);
  return diffID === undefined || diffID === index.diffID ? index : undefined;
}

/** Reads the entries of a layer; once they have ended, and the layer is proved, its index is kept. */
export async function* recordedEntries(
  layer: Layer,
  indexes: LayerIndexes,
  { signal }: CallOptions,
): AsyncGenerator<TarEntry, void, undefined> {
  const descriptor = layer.descriptor();
  const diffID = await expectedDiffID(layer, { signal });
  const recorder = new IndexRecorder();
  const source = new CheckpointedContent(layer, indexes.everyBytes);
  for await (const entry of openLayer(source, descriptor, diffID).entries({ signal })) {
    recorder.add(entry);
    yield entry;
  }
  const index = await recorder.finish({ ...descriptor, diffID }, source.checkpoints);
  if (index !== undefined) await indexes.set(descriptor.digest, index);
}

/** Opens a file by the index of its layer; nothing when that is no gzip, or the file has holes. */
export function openByIndex(
  layer: Layer,
  index: LayerIndex,
  { bodyOffset, size }: FileMeta,
  options: CallOptions,
): ByteStream | undefined {
  const checkpoints = bodyOffset === undefined ? undefined : index.checkpoints();
  if (checkpoints === undefined || bodyOffset === undefined) return undefined;
  return openAt(checkpoints, rangesOf(layer), bodyOffset, size, options);
}

/** The content of a layer, of which checkpoints are taken while it is decompressed. */
class CheckpointedContent implements ContentSource, ArchiveSource {
  /** The checkpoints, once the layer was read to its end; none of what is no gzip. */
  checkpoints: Checkpoints | undefined;
  readonly #layer: Layer;
  readonly #content: ContentSource;
  readonly #everyBytes: number | undefined;

  constructor(layer: Layer, everyBytes: number | undefined) {
    this.#layer = layer;
    this.#content = layerContent(layer);
    this.#everyBytes = everyBytes;
  }

  exists(...args: Parameters<ContentSource["exists"]>): Promise<boolean> {
    return this.#content.exists(...args);
  }

  fetch(...args: Parameters<ContentSource["fetch"]>): Promise<ByteStream> {
    return this.#content.fetch(...args);
  }

  async openArchive(_target: unknown, options: CallOptions): Promise<ByteStream> {
    const { compression, whole } = await peekCompression(await this.#layer.compressed(options));
    if (compression !== "gzip") return decompress(whole);
    const { stream, checkpoints } = gunzipWithCheckpoints(whole, { everyBytes: this.#everyBytes });
    return through(stream, {
      chunk: (chunk) => chunk,
      end: () => void (this.checkpoints = checkpoints()),
    });
  }
}
