/**
 * Views of images: an {@linkcode Image}, an {@linkcode IndexView} and a {@linkcode Layer} are lazy,
 * immutable and verified, over any place that images can be read from. The file tree that the
 * layers make together can be listed, read, compared and exported without unpacking anything, and
 * unpacked without writing anywhere else. A single file is read by its ranges where a layer has a
 * proved table of contents (eStargz, zstd:chunked), or an index of it is kept.
 *
 * Edits give new views: nothing is stored before `push()` of `./ops`, what nothing changes keeps its
 * bytes, and the same edits give the same digest on every runtime and day.
 *
 * @example What is in an image
 * ```ts
 * import { memoryStore } from "@lading/lading/store";
 * import { randomImage } from "@lading/lading/testing";
 * import { loadImage } from "@lading/lading/image";
 *
 * const store = memoryStore();
 * await (await randomImage("seed")).pushTo(store, "demo:1");
 * const image = await loadImage(store, await store.resolve("demo:1"));
 * console.log((await image.config()).config?.Cmd); // [ "/bin/sh" ]
 * for (const layer of await image.layers()) {
 *   for await (const entry of layer.entries()) console.log(entry.type, entry.path, entry.size);
 * }
 * for await (const file of image.files()) console.log(file.path);
 * ```
 *
 * @example An image on another one
 * ```ts
 * import { append, emptyImage, layerFrom, mutate } from "@lading/lading/image";
 *
 * const base = emptyImage({ os: "linux", architecture: "amd64" });
 * const layer = await layerFrom([{ path: "main.js", body: "console.log('hello');\n" }], { prefix: "/app" });
 * const app = mutate(append(base, layer), { cmd: ["node", "/app/main.js"] });
 * console.log(await app.digest());
 * ```
 *
 * @module
 */
export type { Bytes, ByteSource, ByteStream } from "../model/bytes.ts";
export type {
  ByteRange,
  CallOptions,
  ContentSource,
  ExistsOptions,
  FetchOptions,
} from "../model/content.ts";
export type { Descriptor } from "../model/descriptor.ts";
export type {
  ContainerConfig,
  Healthcheck,
  HistoryEntry,
  ImageConfig,
  ParsedImageConfig,
  RootFS,
} from "../model/image_config.ts";
export type { ImageIndex, ParsedImageIndex } from "../model/image_index.ts";
export type {
  ArtifactManifest,
  ImageManifest,
  ParsedArtifactManifest,
  ParsedImageManifest,
  ParsedManifest,
} from "../model/manifest.ts";
export type { Platform } from "../model/platform.ts";
export type {
  ParsedSchema1,
  Schema1HistoryEntry,
  Schema1LayerRef,
  Schema1Manifest,
  Schema1Signature,
} from "../model/schema1.ts";
export type { GzipLevel } from "../compress/gzip.ts";
export type { UploadSpool, UploadStore } from "../server/upload_store.ts";
export type {
  DirectoryEntry,
  FileAttributes,
  FileInfo,
  FileSystem,
  FileType,
  FileWriter,
} from "../store/file_system.ts";
export type { RandomAccess } from "../store/random_access.ts";
export type { TarEntry, TarEntryType } from "../tar/entry.ts";
export type { TarFormat } from "../tar/header.ts";
export type { TarInput, TarInputType } from "../tar/writer.ts";
export { type Addition, append } from "./append.ts";
export { appendToIndex } from "./append_to_index.ts";
export { diff, type DiffOptions, type FileChange } from "./diff.ts";
export { directoryEntries, type DirectoryEntriesOptions } from "./directory_entries.ts";
export { emptyImage } from "./empty_image.ts";
export { exportRootfs } from "./export_rootfs.ts";
export { extract } from "./extract.ts";
export type { ExtractOptions, ExtractResult } from "./extract_options.ts";
export { fetchConfig } from "./fetch_config.ts";
export { fetchManifest } from "./fetch_manifest.ts";
export type { FileAspect } from "./file_aspect.ts";
export { filterIndex, type PlatformFilter } from "./filter_index.ts";
export { flatten } from "./flatten.ts";
export type { Image, PlatformMismatch } from "./image.ts";
export { loadImage, type LoadImageOptions } from "./load_image.ts";
export type { ImageFormat } from "../model/image_format.ts";
export type { IndexAddition } from "./index_addition.ts";
export { indexFrom, type IndexFromOptions } from "./index_from.ts";
export type { IndexView } from "./index_view.ts";
export { loadIndex } from "./load_index.ts";
export { isBasedOn } from "./is_based_on.ts";
export type { LayerThreads } from "../compress/layer_threads.ts";
export type { KernelChoice } from "../compress/stages.ts";
export { type Layer, type LayerReadOptions, openLayer } from "./layer.ts";
export { layerFrom } from "./layer_from.ts";
export { layerIndexDirectory, type LayerIndexDirectoryOptions } from "./layer_index_directory.ts";
export {
  type LayerIndexes,
  type MemoryLayerIndexes,
  memoryLayerIndexes,
  type MemoryLayerIndexesOptions,
} from "./layer_indexes.ts";
export type { LayerModes, LayerOptions, LayerOwner } from "./layer_options.ts";
export type { LayerEntries, LayerEntry, LayerSource } from "./layer_source.ts";
export { mapIndex } from "./map_index.ts";
export { mutate } from "./mutate.ts";
export type {
  ContainerConfigEdit,
  MutateOptions,
  PairsEdit,
  TimestampsEdit,
} from "./mutate_options.ts";
export { mutateIndex, type MutateIndexOptions } from "./mutate_index.ts";
export type { NewLayer } from "./new_layer.ts";
export { rebase, type RebaseOptions } from "./rebase.ts";
export { removeFromIndex } from "./remove_from_index.ts";
export { openTableEntry } from "./remote_file.ts";
export { type LayerFacts, removeLayers } from "./remove_layers.ts";
export { rewriteLayers, type RewriteLayersOptions } from "./rewrite_layers.ts";
export {
  type ImageFileOptions,
  loadRootfs,
  type LoadRootfsOptions,
  MAX_FILE_BYTES,
  type OpenFileOptions,
  type ReadFileOptions,
  type Rootfs,
  type RootfsOptions,
  type StatOptions,
} from "./rootfs.ts";
export type { RootfsEntry, RootfsEntryType } from "./rootfs_entry.ts";
export { squash } from "./squash.ts";
export type { FlattenOptions, SquashOptions } from "./squash_options.ts";
export { type LayerTableOptions, readLayerTable, type TableUse } from "./toc.ts";
export type { LayerTable, TableChunk, TableEntry } from "./layer_table.ts";
