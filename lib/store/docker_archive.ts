import { streamOf } from "../bytes/stream_from.ts";
import { withSignal } from "../bytes/signal.ts";
import { verified } from "../bytes/verify.ts";
import type { HasherFactory } from "../hash/hasher.ts";
import type { ByteStream } from "../model/bytes.ts";
import type { CallOptions, FetchOptions, Root, Roots, Source } from "../model/content.ts";
import type { Descriptor } from "../model/descriptor.ts";
import { digestAlgorithm } from "../model/digest.ts";
import { isLadingError, NotFoundError } from "../model/errors.ts";
import { positionIn } from "../model/place.ts";
import { isDigestReference } from "../model/reference.ts";
import type { ArchiveFiles } from "./_archive.ts";
import { type ArchiveArguments, archiveOf, type ArchiveOptions } from "./archive_options.ts";
import {
  type ImageEntry,
  type KnownConfigs,
  type PresentedImage,
  presentImage,
  readEntries,
} from "./_docker_images.ts";
import { streamFile } from "./_files.ts";
import type { FileSystem } from "./file_system.ts";
import { findByName, findOnly, noSuchReference } from "./_names.ts";
import { LayoutInArchive } from "./oci_archive.ts";
import { spanOf } from "../bytes/span.ts";
import { checkSize } from "./_check_size.ts";
import type { ArchiveInput } from "./random_access.ts";
import { type RecordedManifests, recordedManifests } from "./_recorded_manifests.ts";
import type { FileMember, TarMembers } from "./_tar_members.ts";

/** The images of an archive. Close it: one that was compressed takes space until then. */
export interface DockerArchive extends Source, Roots, AsyncDisposable {
  /** Frees what the archive takes. */
  close(): Promise<void>;
}

/**
 * Opens a tar archive that `docker save`, `podman save` or `skopeo` wrote, of any age: layers that
 * are links to others, names that begin with `./`, `manifest.json` in any place, the archives of
 * Docker 25 and later that are OCI layouts too (there, `manifest.json` is believed). It may be
 * compressed as a whole with gzip or zstd.
 *
 * `manifest.json` says which config and layers are an image; it names files, not digests, so the
 * digests are computed. Where the archive is a layout too and has exactly one manifest of just these,
 * the image is presented by it, with the digest it had before it was archived; else by a manifest of
 * version 2, schema 2, made of them. References are the names of an image in any spelling that docker
 * takes, `@0` for the first image of `manifest.json`, the digest of a manifest, and the empty one for
 * the only image. An archive without `manifest.json` is read as an OCI layout.
 *
 * The archive is read through once, at the first call; from then on files are read where they
 * are, and verified. Memory is a chunk for each stream, and some hundred bytes for each file.
 *
 * @param fs Where the archive is.
 * @param path The archive.
 * @param options Hashing, and where to unpack.
 * @returns The images. Its calls reject with {@linkcode InvalidManifestError} when `manifest.json`
 * lists no image or is damaged, {@linkcode NotFoundError} when there is none or a file is missing,
 * {@linkcode DigestMismatchError} when a file is not what its name or the config says, and
 * {@linkcode UnsafePathError} for names that lead out of the archive.
 */
export function dockerArchive(
  fs: FileSystem,
  path: string,
  options?: ArchiveOptions,
): DockerArchive;
/**
 * Opens an archive that is no file, such as one dropped on a page, or one that comes as a stream.
 * Names and digests are known at the end of a stream only, so its files are put aside: in
 * `temporary`, or in memory, up to `maxMemoryBytes`.
 *
 * @param input The archive.
 * @param options Hashing, and where to unpack and to put aside.
 * @returns The images. Of a stream, calls reject with {@linkcode LimitExceededError} when more would
 * have to be put aside than memory allows.
 */
export function dockerArchive(input: ArchiveInput, options?: ArchiveOptions): DockerArchive;
export function dockerArchive(...args: ArchiveArguments): DockerArchive {
  const { archive, options } = archiveOf(args, "docker archive", true);
  return new ImagesInArchive(archive, options);
}

/** What is known once the archive was read through. */
interface Contents {
  readonly members: TarMembers;
  readonly entries: readonly ImageEntry[];
  readonly files: ReadonlyMap<string, FileMember>;
  readonly recorded: RecordedManifests;
  readonly configs: KnownConfigs;
  readonly images: Map<number, PresentedImage>;
}

class ImagesInArchive implements DockerArchive {
  readonly #archive: ArchiveFiles;
  readonly #hasher: HasherFactory | undefined;
  readonly #layout: LayoutInArchive;
  #contents: Contents | undefined;

  constructor(archive: ArchiveFiles, options: ArchiveOptions) {
    this.#archive = archive;
    this.#hasher = options.hasher;
    this.#layout = new LayoutInArchive(archive, options);
  }

  async exists(target: Descriptor, options: CallOptions = {}): Promise<boolean> {
    digestAlgorithm(target.digest);
    const contents = await this.#read(options.signal);
    if (contents === undefined) return await this.#layout.exists(target, options);
    const found = contents.files.get(target.digest) ??
      (await this.#imageOf(contents, target.digest))?.descriptor;
    return found?.size === target.size;
  }

  async fetch(target: Descriptor, options: FetchOptions = {}): Promise<ByteStream> {
    digestAlgorithm(target.digest);
    const contents = await this.#read(options.signal);
    if (contents === undefined) return await this.#layout.fetch(target, options);
    const what = `${target.digest} of ${this.#archive.place}`;
    const member = contents.files.get(target.digest);
    if (member === undefined) {
      const image = await this.#imageOf(contents, target.digest);
      if (image === undefined) throw new NotFoundError(`Cannot read ${what}: it is not there`);
      checkSize(image.raw.byteLength, target, what);
      const { start, end } = spanOf(options.range, image.raw.byteLength);
      return withSignal(streamOf(image.raw.slice(start, end)), options.signal);
    }
    checkSize(member.size, target, what);
    const span = spanOf(options.range, member.size);
    const content = streamFile(await this.#archive.open(member), span);
    const isWhole = options.range === undefined;
    const proved = isWhole ? verified(content, target, { hasher: this.#hasher, what }) : content;
    return withSignal(proved, options.signal);
  }

  async resolve(reference: string, options: CallOptions = {}): Promise<Descriptor> {
    const contents = await this.#read(options.signal);
    if (contents === undefined) return await this.#layout.resolve(reference, options);
    if (isDigestReference(reference)) {
      const image = await this.#imageOf(contents, reference);
      if (image !== undefined) return image.descriptor;
      throw noSuchReference(reference, this.#archive.place);
    }
    return (await this.#present(contents, this.#find(contents, reference))).descriptor;
  }

  async *roots(options: CallOptions = {}): AsyncGenerator<Root, void, undefined> {
    const contents = await this.#read(options.signal);
    if (contents === undefined) return yield* this.#layout.roots(options);
    for (const [index, { tags }] of contents.entries.entries()) {
      const { descriptor } = await this.#present(contents, index);
      if (tags.length === 0) yield { descriptor };
      for (const reference of tags) yield { descriptor, reference };
    }
  }

  async close(): Promise<void> {
    this.#contents = undefined;
    await this.#archive.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** Reads the archive through; `undefined` when it is an OCI layout and nothing else. */
  async #read(signal: AbortSignal | undefined): Promise<Contents | undefined> {
    signal?.throwIfAborted();
    if (this.#contents !== undefined) return this.#contents;
    const members = await this.#archive.members(signal);
    const entries = await readEntries(this.#archive, members);
    if (entries === undefined) {
      if (members.find("index.json") !== undefined) return undefined;
      // What a program writes that fails before `| lading` has no entries.
      const [first] = members.names();
      const reason = first === undefined
        ? "it is empty"
        : "it has no manifest.json; write it again with Docker 1.10 or later";
      throw new NotFoundError(`Cannot open ${this.#archive.place}: ${reason}`);
    }
    const files = new Map<string, FileMember>();
    for (const file of members.files()) {
      if (file.digest !== undefined) files.set(file.digest, file);
    }
    const recorded = await recordedManifests(this.#archive, members, files);
    const [configs, images]: [KnownConfigs, Map<number, PresentedImage>] = [new Map(), new Map()];
    return this.#contents ??= { members, entries, files, recorded, configs, images };
  }

  /** The image that a reference means, by its place in `manifest.json`. */
  #find({ entries }: Contents, reference: string): number {
    const { place } = this.#archive;
    const roots = entries.flatMap(({ tags }, index) => {
      return tags.map((name) => ({ name, digest: `@${index}`, index }));
    });
    if (reference === "") {
      const images = entries.map((_entry, index) => ({ digest: `@${index}`, index }));
      return findOnly(images, roots.map(({ name }) => name), place).index;
    }
    const found = positionIn(reference) ?? findByName(roots, reference, place)?.index;
    if (found === undefined || found >= entries.length) throw noSuchReference(reference, place);
    return found;
  }

  async #present(contents: Contents, index: number): Promise<PresentedImage> {
    const known = contents.images.get(index);
    if (known !== undefined) return known;
    const entry = contents.entries[index];
    if (entry === undefined) throw noSuchReference(`@${index}`, this.#archive.place);
    const image = await presentImage(this.#archive, contents, entry);
    contents.images.set(index, image);
    return image;
  }

  /** The image whose manifest has a digest. One that is damaged does not stand in the way. */
  async #imageOf(contents: Contents, digest: string): Promise<PresentedImage | undefined> {
    for (const index of contents.entries.keys()) {
      try {
        const image = await this.#present(contents, index);
        if (image.descriptor.digest === digest) return image;
      } catch (error) {
        if (!isLadingError(error)) throw error;
      }
    }
    return undefined;
  }
}
