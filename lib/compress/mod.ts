/**
 * Compressed layers: gzip in any number of members, zstd with skippable frames, and a writer whose
 * output is the same on every runtime. Formats are told apart by their first bytes, output is
 * bounded, and every stream is driven by the reads of its consumer. With checkpoints any part of a
 * gzip stream is read from its middle, proved.
 *
 * @example Compress and decompress
 * ```ts
 * import { decompress, gzip } from "@lading/lading/compress";
 *
 * const compressed = gzip(new Blob(["hello"]).stream());
 * console.log(await new Response(decompress(compressed)).text()); // hello
 * ```
 *
 * @module
 */
export type { Feed } from "../bytes/feed.ts";
export type { StreamHasher, StreamHasherFactory } from "../hash/hasher.ts";
export type { Bytes, ByteStream } from "../model/bytes.ts";
export type { CallOptions } from "../model/content.ts";
export {
  type DeflateLevel,
  type Deflater,
  type DeflaterOptions,
  type HashAlgorithm,
  type Hasher,
  type InflateBoundary,
  type Inflater,
  type InflaterOptions,
  type Kernel,
  type KernelHasherOptions,
  loadKernel,
  type LoadKernelOptions,
  type ResumableHasher,
} from "../kernel/mod.ts";
export { MAX_OUTPUT_BYTES } from "./_output_cap.ts";
export {
  buildCheckpoints,
  type CheckpointedStream,
  type CheckpointOptions,
  decodeCheckpoints,
  encodeCheckpoints,
  type FetchRange,
  gunzipWithCheckpoints,
  MAX_CHECKPOINTS,
  openAt,
  type OpenAtOptions,
} from "./checkpoints.ts";
export type { Checkpoint, Checkpoints } from "./checkpoint.ts";
export type { ArchiveHandlers, ArchiveSummary, ArchiveTask } from "./archive_task.ts";
export { decompress, type DecompressOptions } from "./decompress.ts";
export { type Compression, detectCompression, DETECTION_BYTES } from "./detect.ts";
export { gunzip, type GunzipOptions, GunzipStream } from "./gunzip.ts";
export { gzip, type GzipLevel, type GzipOptions, GzipStream } from "./gzip.ts";
export type { LayerThread, LayerThreads } from "./layer_threads.ts";
export { MAX_ZSTD_WINDOW_BYTES, unzstd, type UnzstdOptions } from "./unzstd.ts";
export { zstd, type ZstdLevel, type ZstdOptions, ZstdStream } from "./zstd.ts";
export type { KernelChoice } from "./stages.ts";
