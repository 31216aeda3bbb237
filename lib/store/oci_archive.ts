import type { ByteStream } from "../model/bytes.ts";
import type {
  CallOptions,
  FetchOptions,
  Referrers,
  ReferrersOptions,
  Root,
  Roots,
  Source,
} from "../model/content.ts";
import type { Descriptor } from "../model/descriptor.ts";
import { isDigestReference } from "../model/reference.ts";
import type { ArchiveFiles } from "./_archive.ts";
import { type ArchiveArguments, archiveOf, type ArchiveOptions } from "./archive_options.ts";
import { blobPath } from "./_archive_documents.ts";
import { ArchiveFileSystem } from "./_archive_file_system.ts";
import type { FileSystem } from "./file_system.ts";
import { Layout } from "./_layout.ts";
import type { ArchiveInput } from "./random_access.ts";

/** An OCI layout within an archive. Close it: one that was compressed takes space until then. */
export interface OCIArchive extends Source, Roots, Referrers, AsyncDisposable {
  /** Frees what the archive takes. */
  close(): Promise<void>;
}

/**
 * Opens a tar archive that holds an OCI image layout, as `skopeo`, `podman` and `buildctl` write
 * it. It may be compressed as a whole with gzip or zstd. References are those of a layout: names
 * of `index.json`, `@0` for its first entry, digests, and the empty one for the only image.
 *
 * The archive is read through once, at the first call; from then on files are read where they
 * are, and verified. Memory is a chunk for each stream, and some hundred bytes for each file.
 * Errors are those of the tar reader, and of a layout.
 *
 * @param fs Where the archive is.
 * @param path The archive.
 * @param options Hashing, and where to unpack.
 * @returns The images.
 */
export function ociArchive(fs: FileSystem, path: string, options?: ArchiveOptions): OCIArchive;
/**
 * Opens an archive that is no file, such as one dropped on a page, or one that comes as a stream.
 *
 * A stream is read forward, as far as what is asked for. Manifests and files up to 64 KiB are put
 * aside; a larger file is handed out straight from the stream when it is asked for before it comes
 * by, once, and the stream waits for its reader as long as he reads. What comes before it is asked
 * for is put aside too: in `temporary`, or in memory, up to `maxMemoryBytes`. The archives that
 * lading writes can be copied with one job without putting any layer aside.
 *
 * @param input The archive.
 * @param options Hashing, and where to unpack and to put aside.
 * @returns The images. Of a stream, calls reject with {@linkcode LimitExceededError} when more would
 * have to be put aside than memory allows, and with {@linkcode NotFoundError} when content is asked for again
 * that was handed out.
 */
export function ociArchive(input: ArchiveInput, options?: ArchiveOptions): OCIArchive;
export function ociArchive(...args: ArchiveArguments): OCIArchive {
  const { archive, options } = archiveOf(args, "OCI archive", false);
  return new LayoutInArchive(archive, options);
}

/** An OCI layout within an archive that somebody has opened. */
export class LayoutInArchive implements OCIArchive {
  readonly #archive: ArchiveFiles;
  readonly #layout: Layout;

  constructor(archive: ArchiveFiles, options: ArchiveOptions) {
    this.#archive = archive;
    // Links can lead to other files of the archive only.
    this.#layout = new Layout(new ArchiveFileSystem(archive), "", archive.place, {
      hasher: options.hasher,
      followLinks: true,
    });
  }

  async exists(target: Descriptor, options: CallOptions = {}): Promise<boolean> {
    await this.#archive.find(blobPath(target.digest), options);
    return await this.#layout.exists(target, options);
  }

  async fetch(target: Descriptor, options: FetchOptions = {}): Promise<ByteStream> {
    const { signal } = options;
    await this.#archive.find(blobPath(target.digest), { signal, isWanted: true });
    return await this.#layout.fetch(target, options);
  }

  async resolve(reference: string, options: CallOptions = {}): Promise<Descriptor> {
    await this.#findDocuments(options);
    if (isDigestReference(reference)) await this.#archive.find(blobPath(reference), options);
    return await this.#layout.resolve(reference, options);
  }

  async *roots(options: CallOptions = {}): AsyncGenerator<Root, void, undefined> {
    await this.#findDocuments(options);
    yield* this.#layout.roots(options);
  }

  async *referrers(
    subject: Descriptor,
    options: ReferrersOptions = {},
  ): AsyncGenerator<Descriptor, void, undefined> {
    await this.#archive.members(options.signal);
    yield* this.#layout.referrers(subject, options);
  }

  close(): Promise<void> {
    return this.#archive.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** Waits for the documents here, where the signal ends that. */
  async #findDocuments(options: CallOptions): Promise<void> {
    for (const path of ["oci-layout", "index.json"]) await this.#archive.find(path, options);
  }
}
