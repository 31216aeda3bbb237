/**
 * Operations on whole images: copying them between any two places, walking what they are made of,
 * and proving that everything in them is consistent.
 *
 * @example Copy an image, with progress
 * ```ts
 * import { memoryStore } from "@lading/lading/store";
 * import { randomImage } from "@lading/lading/testing";
 * import { copy } from "@lading/lading/ops";
 *
 * const from = memoryStore();
 * const to = memoryStore();
 * await (await randomImage("seed")).pushTo(from, "demo:1");
 * const operation = copy(from, "demo:1", to, { targetReference: "copy:1" });
 * for await (const event of operation) console.log(event.type);
 * console.log((await operation).blobs); // 3
 * ```
 *
 * @module
 */
export type { Operation } from "../bytes/operation.ts";
export type { Bytes, ByteSource, ByteStream } from "../model/bytes.ts";
export type {
  ByteRange,
  CallOptions,
  ContentSource,
  ContentStore,
  ExistsOptions,
  FetchOptions,
  ResolveOptions,
  Resolver,
  Source,
  Tagger,
  Tags,
  Target,
} from "../model/content.ts";
export type { Descriptor } from "../model/descriptor.ts";
export { CopyError, LadingError, type LadingErrorOptions } from "../model/errors.ts";
export type { BlobEvent, CopyEvent, ManifestEvent, ResolvedEvent } from "../model/events.ts";
export type { ImageIndex, ParsedImageIndex } from "../model/image_index.ts";
export type {
  ArtifactManifest,
  ImageManifest,
  ParsedArtifactManifest,
  ParsedImageManifest,
  ParsedManifest,
} from "../model/manifest.ts";
export type { ImageFormat } from "../model/image_format.ts";
export type { Platform } from "../model/platform.ts";
export type {
  ParsedSchema1,
  Schema1HistoryEntry,
  Schema1LayerRef,
  Schema1Manifest,
  Schema1Signature,
} from "../model/schema1.ts";
export { copy, type CopyOptions, type CopyResult, DEFAULT_JOBS } from "./copy.ts";
export type { ReferrersChoice } from "./referrers_choice.ts";
export { push, type PushOptions } from "./push.ts";
export { pull, type PullOptions } from "./pull.ts";
export {
  MAX_GRAPH_BYTES,
  walk,
  type Walked,
  type WalkedBlob,
  type WalkedManifest,
  type WalkOptions,
} from "./walk.ts";
export type { Problem, ProblemCode } from "./problem.ts";
export {
  MAX_PROBLEMS,
  validate,
  type ValidateOptions,
  type ValidationReport,
  type ValidationStats,
} from "./validate.ts";
export {
  type FailedTag,
  sync,
  type SyncedTag,
  type SyncEvent,
  type SyncOptions,
  type SyncResult,
  type TagEvent,
} from "./sync.ts";
export { type ArtifactFile, type ArtifactOptions, pushArtifact } from "./push_artifact.ts";
export { pushBlob, type PushBlobOptions } from "./push_blob.ts";
export { pushManifest, type PushManifestOptions } from "./push_manifest.ts";
export {
  fetchArtifact,
  type FetchArtifactOptions,
  type StoredArtifact,
  type StoredFile,
} from "./fetch_artifact.ts";
export {
  saveArtifact,
  type SaveArtifactOptions,
  type SavedArtifact,
  type SavedFile,
} from "./save_artifact.ts";
export { type ReferrerNode, referrerTree } from "./referrer_tree.ts";
export { deleteReferrers, type DeleteReferrersOptions } from "./delete_referrers.ts";
export { type ListedSource, MAX_SYNC_NAMES } from "./sync_names.ts";
export { type PlannedTag, planSync, type PlanSyncOptions, type SyncPlan } from "./plan_sync.ts";
export { type CopyPlan, planCopy } from "./plan_copy.ts";
export type { PlannedContent } from "./planned_contents.ts";
export type {
  DirectoryEntry,
  FileAttributes,
  FileInfo,
  FileSystem,
  FileType,
  FileWriter,
} from "../store/file_system.ts";
export type { RandomAccess } from "../store/random_access.ts";
export type { LayerThreads } from "../compress/layer_threads.ts";
export type { KernelChoice } from "../compress/stages.ts";
