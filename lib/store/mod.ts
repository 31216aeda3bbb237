/**
 * Places on this side of the wire where content lives: memory, OCI layouts, buckets such as those of
 * Cloudflare R2, skopeo's directories, and the archives that `docker save`, `podman` and `skopeo`
 * write, which are read as files or as streams, and written. Layouts, directories and archives work
 * on a {@linkcode FileSystem}, so the same code serves disks, memory and browsers. What is read is
 * verified; what is written becomes visible once it is proved.
 *
 * @example Store an artifact and find it by its name
 * ```ts
 * import { memoryStore } from "@lading/lading/store";
 *
 * const store = memoryStore();
 * const raw = new TextEncoder().encode(
 *   '{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[]}',
 * );
 * const descriptor = {
 *   mediaType: "application/vnd.oci.image.index.v1+json",
 *   digest: "sha256:dff9de10919148711140d349bf03f1a99eb06f94b03e51715ccebfa7cdc518e2",
 *   size: raw.byteLength,
 * };
 * await store.push(descriptor, raw);
 * await store.tag(descriptor, "empty:1");
 * console.log((await store.resolve("empty:1")).digest);
 * ```
 *
 * @module
 */
export type { Bytes, ByteSource, ByteStream } from "../model/bytes.ts";
export type {
  ByteRange,
  CallOptions,
  ContentSource,
  ContentStore,
  Deleter,
  ExistsOptions,
  FetchOptions,
  Referrers,
  ReferrersOptions,
  ResolveOptions,
  Resolver,
  Root,
  Roots,
  Source,
  Tagger,
  Target,
} from "../model/content.ts";
export type { Descriptor } from "../model/descriptor.ts";
export { LadingError, type LadingErrorOptions } from "../model/errors.ts";
export type {
  HeldAs,
  SharedRegistry,
  SharedRepositories,
  SharedUpload,
  SharedUploads,
} from "../model/shared_registry.ts";
export type { Platform } from "../model/platform.ts";
export type {
  HashAlgorithm,
  Hasher,
  HasherFactory,
  StreamHasher,
  StreamHasherFactory,
} from "../hash/hasher.ts";
export { verified, type VerifiedOptions } from "../bytes/verify.ts";
export {
  type DirectoryEntry,
  type FileAttributes,
  type FileInfo,
  type FileSystem,
  FileSystemError,
  type FileSystemErrorOptions,
  type FileSystemReason,
  type FileType,
  type FileWriter,
  type UnnamedFile,
} from "./file_system.ts";
export { fileContent } from "./file_content.ts";
export { memoryFileSystem, type MemoryFileSystemOptions } from "./memory_file_system.ts";
export type {
  Bucket,
  BucketGetOptions,
  BucketListOptions,
  BucketObject,
  BucketObjectBody,
  BucketPage,
  BucketPutOptions,
} from "./bucket.ts";
export { BucketError } from "./bucket_error.ts";
export {
  type BucketStore,
  bucketStore,
  type BucketStoreOptions,
  MAX_BUCKET_CONTENT_BYTES,
} from "./bucket_store.ts";
export {
  type ImageDirectory,
  imageDirectory,
  type ImageDirectoryOptions,
} from "./image_directory.ts";
export type {
  ImageDirectoryTarget,
  ImageDirectoryTargetOptions,
} from "./image_directory_target.ts";
export { imageDirectoryTarget } from "./open_image_directory_target.ts";
export { type MemoryStore, memoryStore, type MemoryStoreOptions } from "./memory_store.ts";
export {
  collectGarbage,
  type CollectGarbageOptions,
  type GarbageResult,
} from "./collect_garbage.ts";
export { type OCILayout, ociLayout } from "./oci_layout.ts";
export type { OCILayoutOptions } from "./layout_options.ts";
export type { ArchiveInput, RandomAccess, RandomInput } from "./random_access.ts";
export type { ArchiveOptions } from "./archive_options.ts";
export { type DockerArchive, dockerArchive } from "./docker_archive.ts";
export { type OCIArchive, ociArchive } from "./oci_archive.ts";
export type { ArchiveTarget, ArchiveTargetOptions } from "./archive_target.ts";
export { dockerArchiveTarget, ociArchiveTarget } from "./open_archive_target.ts";
export { type WriteArchiveOptions, writeDockerArchive, writeOCIArchive } from "./write_archive.ts";
