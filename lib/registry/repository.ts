import { SingleFlight } from "../bytes/single_flight.ts";
import { streamOf } from "../bytes/stream_from.ts";
import { embeddedContent } from "../hash/embedded.ts";
import type { Bytes, ByteSource, ByteStream } from "../model/bytes.ts";
import type {
  CallOptions,
  ContentStore,
  Deleter,
  FetchOptions,
  Locator,
  Mounter,
  MountOptions,
  NamedContent,
  NamedFetcher,
  NamedPusher,
  Referrers,
  ReferrersOptions,
  RepositoryName,
  ResolveOptions,
  Resolver,
  Tagger,
  Uploader,
} from "../model/content.ts";
import type { Descriptor } from "../model/descriptor.ts";
import { NotFoundError, RegistryError, SizeMismatchError } from "../model/errors.ts";
import type { Platform } from "../model/platform.ts";
import { DEFAULT_REGISTRY, isTag } from "../model/reference.ts";
import { fetchBlob, hasBlob, resolveBlob } from "./blobs.ts";
import { pullScopes, quotedName, type RepositoryContext } from "./_context.ts";
import { manifestName } from "./_manifest_name.ts";
import {
  getManifest,
  hasManifest,
  headManifest,
  isManifest,
  type Manifest,
  type ManifestOptions,
} from "./manifests.ts";
import { PAGE_SIZE, readPages, textsOf } from "./pages.ts";
import { chooseImage, listPlatforms } from "./platforms.ts";
import { putManifest, readManifestSource, tagManifest } from "./push_manifest.ts";
import { deleteContent, removeTag } from "./deleting.ts";
import { type RateLimit, readRateLimit } from "./rate_limit.ts";
import { mountBlob } from "./mount.ts";
import { listReferrers } from "./referrers.ts";
import { keepReferrer, referrerIn } from "./referrers_tag.ts";
import { spanOf } from "../bytes/span.ts";
import { BlobUpload, type ResumeUploadOptions, type StartUploadOptions } from "./blob_upload.ts";
import { type PushOptions, uploadBlob } from "./upload.ts";
import type { UploadSession } from "./_upload_session.ts";
import type { UploadState } from "./upload_state.ts";

/** Options of {@linkcode Repository.image}. */
export interface ImageOptions extends CallOptions {
  /** The platform to choose from an index; needed when it has images for several. */
  readonly platform?: Platform | undefined;
}

/** Options of lists that come in pages. */
export interface ListOptions extends CallOptions {
  /** How many entries a page is asked to have; default 1,000. */
  readonly pageSize?: number | undefined;
}

/** The uploads under way by each client, of whichever of its repositories. */
const UPLOADS = new WeakMap<object, SingleFlight<string, void>>();

function uploadsBy({ client }: RepositoryContext): SingleFlight<string, void> {
  const uploads = UPLOADS.get(client) ?? new SingleFlight<string, void>();
  UPLOADS.set(client, uploads);
  return uploads;
}

/**
 * A repository of a registry: content and names. References are tags, digests, or both as
 * `tag@digest`. Everything that is read is verified; what is asked for by digest cannot be anything
 * else. Made by `Registry.repository`.
 */
export class Repository
  implements
    ContentStore,
    Resolver,
    NamedFetcher,
    Tagger,
    NamedPusher,
    Referrers,
    Mounter,
    Locator,
    Uploader,
    Deleter {
  /** The registry's name: `docker.io`. */
  readonly registry: string;
  /** The repository's name in the registry: `library/alpine`. */
  readonly name: string;
  readonly #context: RepositoryContext;
  /** The manifest pushed last: it is the one that gets a tag, and reading it back may be too early. */
  #pushed: { readonly digest: string; readonly raw: Bytes } | undefined;
  /** The uploads that were opened in place of mounts, by the digests of what is pushed next. */
  readonly #opened = new Map<string, UploadSession>();

  /**
   * Takes over what the registry has prepared.
   *
   * @param context The registry's client and the names.
   * @ignore
   */
  constructor(context: RepositoryContext) {
    this.#context = context;
    this.registry = context.client.endpoint.name;
    this.name = context.name;
  }

  /**
   * Finds the descriptor of a manifest, by its header alone where that is possible. The digest is
   * the registry's word until the manifest is fetched by it.
   *
   * @param reference A tag or a digest.
   * @param options A signal, and whether the manifest may be fetched for it.
   * @returns The descriptor: media type, digest and size.
   * @throws {NotFoundError} when there is no such manifest.
   * @throws {InvalidReferenceError} when the reference is none.
   * @throws {RegistryError} when the registry fails, or does not tell the digest.
   */
  async resolve(reference: string, options: ResolveOptions = {}): Promise<Descriptor> {
    const name = manifestName(reference);
    const { client } = this.#context;
    try {
      const found = await headManifest(this.#context, name, options);
      if (found !== undefined) return found;
    } catch (error) {
      if (!(error instanceof NotFoundError) || options.allowGet === false) throw error;
      // A header says no more than 404; the body names what is missing.
      return (await getManifest(this.#context, name, options)).descriptor;
    }
    if (!(options.allowGet ?? this.registry !== DEFAULT_REGISTRY)) {
      const url = `${client.endpoint.origin}/v2/${this.name}/manifests/${name.text}`;
      throw new RegistryError(
        `Cannot resolve ${quotedName(this.#context, name.text)}: the registry does not tell the ` +
          "digest without a pull; allow it by allowGet",
        { status: 200, method: "HEAD", url },
      );
    }
    client.emit({
      type: "fallback",
      registry: this.registry,
      reason: "the header of the manifest does not tell its digest; the manifest is fetched",
    });
    return (await getManifest(this.#context, name, options)).descriptor;
  }

  /**
   * Gets a manifest: the bytes, what they are and what they say. They are verified before they are
   * parsed, at most 4 MiB, and held in memory.
   *
   * @param reference A tag or a digest.
   * @param options The media types to ask for, and a signal.
   * @returns The manifest; its size is that of the bytes, whatever a list or a header said.
   * @throws {NotFoundError} when there is no such manifest.
   * @throws {DigestMismatchError} when the bytes have another digest than was asked for, or than the
   * registry says.
   * @throws {InvalidManifestError} when the bytes are no manifest.
   */
  async manifest(reference: string, options: ManifestOptions = {}): Promise<Manifest> {
    return await getManifest(this.#context, manifestName(reference), options);
  }

  /**
   * Finds the descriptor of a manifest that is read next, and reads it in the same request. Not on
   * Docker Hub, where each manifest that is read counts against the quota of pulls: whoever has it
   * already need not read it.
   *
   * @param reference A tag or a digest.
   * @param options A signal.
   * @returns The descriptor, and the bytes where they were read.
   * @throws {NotFoundError} when there is no such manifest.
   * @throws {DigestMismatchError} when the bytes have another digest than was asked for, or than the
   * registry says.
   * @throws {InvalidManifestError} when the bytes are no manifest.
   * @throws {InvalidReferenceError} when the reference is none.
   */
  async fetchNamed(reference: string, options: CallOptions = {}): Promise<NamedContent> {
    return this.registry === DEFAULT_REGISTRY
      ? { descriptor: await this.resolve(reference, options) }
      : await this.manifest(reference, options);
  }

  /**
   * Gets the manifest of one image: of an index, the one for a platform. Indexes in indexes are
   * searched too, up to five levels.
   *
   * @param reference A tag or a digest.
   * @param options The platform, and a signal.
   * @returns The manifest of the image.
   * @throws {PlatformNotFoundError} when the index has no image for the platform.
   * @throws {TypeError} when the index has several images and no platform was given.
   * @throws {NotFoundError} when there is no such manifest.
   */
  async image(reference: string, options: ImageOptions = {}): Promise<Manifest> {
    const manifest = await this.manifest(reference, { signal: options.signal });
    return await chooseImage(this.#context, manifest, options.platform, options);
  }

  /**
   * Lists the platforms that there are images for: those of an index and of the indexes in it, or
   * the one that the config of an image names. Attestations are none.
   *
   * @param target The descriptor of a manifest or an index.
   * @param options A signal.
   * @returns The platforms, in the order of the index.
   * @throws {NotFoundError} when the manifest is not there.
   */
  async platforms(target: Descriptor, options: CallOptions = {}): Promise<Platform[]> {
    const manifest = await this.manifest(target.digest, { signal: options.signal });
    return await listPlatforms(this.#context, manifest, options);
  }

  /**
   * Finds out how large a blob is, of which only the digest is known. The registry is believed until
   * the blob is fetched, which proves it.
   *
   * @param digest The digest.
   * @param options A signal.
   * @returns The descriptor, with `application/octet-stream` as its type: registries do not say more.
   * @throws {NotFoundError} when it is not there.
   * @throws {RegistryError} when the registry does not say how large it is.
   * @throws {InvalidDigestError} when the digest is none.
   */
  async resolveBlob(digest: string, options: CallOptions = {}): Promise<Descriptor> {
    return await resolveBlob(this.#context, digest, options);
  }

  /**
   * Tells whether a manifest or a blob is there.
   *
   * @param target The descriptor; its media type tells which of both it is.
   * @param options A signal.
   * @returns Whether the registry has it in this repository.
   * @throws {RegistryError} when what answers is no registry, or the registry does not tell.
   */
  async exists(target: Descriptor, options: CallOptions = {}): Promise<boolean> {
    return isManifest(target)
      ? await hasManifest(this.#context, target.digest, options)
      : await hasBlob(this.#context, target, options);
  }

  /**
   * Opens a manifest or a blob. A body that breaks off is continued with a range, without losing the
   * hash of what came before. Blobs stream, one chunk in memory; manifests and blobs up to 256 KiB
   * are held until they are proved. `urls` of the descriptor are not used; its `data` is, when it is
   * what the descriptor says.
   *
   * @param target The descriptor.
   * @param options A range, and a signal that also ends the stream.
   * @returns The bytes; the stream errors instead of closing when size or digest do not match.
   * @throws {NotFoundError} when it is not there.
   * @throws {RangeError} when the range is none, or starts behind the content.
   */
  async fetch(target: Descriptor, options: FetchOptions = {}): Promise<ByteStream> {
    options.signal?.throwIfAborted();
    const embedded = embeddedContent(target);
    if (embedded !== undefined) return slice(embedded, target, options);
    if (!isManifest(target)) return await fetchBlob(this.#context, target, options);
    const { raw, parsed } = await this.manifest(target.digest, { signal: options.signal });
    // Schema 1 is signed anew for each answer: its digest is proved, its length is not fixed.
    if (parsed.kind !== "schema1" && raw.byteLength !== target.size) {
      throw new SizeMismatchError(
        `Cannot read ${target.digest}: it has ${raw.byteLength} bytes, expected ${target.size}`,
        { expected: target.size, actual: raw.byteLength, descriptor: target },
      );
    }
    return slice(raw, { ...target, size: raw.byteLength }, options);
  }

  /**
   * Stores a manifest or a blob. It is verified before it is sent, or on its way out. Blobs are sent
   * whether the registry has them or not: ask {@linkcode Repository.exists} before. The same blob is
   * sent once at a time. Memory is one chunk: streams of more than 1 MiB are not held, and cannot be
   * sent again after a failure; a function that opens the content can. Where the registry has a part,
   * only the rest is sent again. An upload that fails is given back, unless `upload.onState` keeps it
   * for another process. A manifest with a subject is listed among the referrers, in a registry
   * without the API for them under the tag that stands in for it. Where such a registry ignores
   * conditions, two processes that push at the same time about the same subject find and mend what
   * they overwrite of each other, unless one takes far longer to write the tag than the other.
   *
   * @param expected What the content is.
   * @param content The content.
   * @param options How a blob is sent, and a signal.
   * @throws {DigestMismatchError} when the content has another digest.
   * @throws {SizeMismatchError} when the content has another size.
   * @throws {UploadError} when the registry does not take a blob.
   * @throws {InvalidManifestError} when a manifest is none, or of another kind than its descriptor says.
   * @throws {RegistryError} when the registry does not take a manifest.
   */
  async push(
    expected: Descriptor,
    content: ByteSource,
    options: PushOptions = {},
  ): Promise<void> {
    if (!isManifest(expected)) return await this.#pushBlob(expected, content, options);
    await this.#pushManifest(expected, content, expected.digest, options);
  }

  /**
   * Stores a manifest under its digest and a tag, in one request where the digest is a SHA-256.
   *
   * @param expected What the content is.
   * @param content The manifest.
   * @param reference A tag, or the digest of the manifest.
   * @param options A signal.
   * @throws {DigestMismatchError} when the content has another digest.
   * @throws {SizeMismatchError} when the content has another size.
   * @throws {InvalidManifestError} when it is no manifest, or of another kind than its descriptor says.
   * @throws {InvalidReferenceError} when the reference is none.
   * @throws {RegistryError} when the registry does not take it.
   */
  async pushNamed(
    expected: Descriptor,
    content: ByteSource,
    reference: string,
    options: CallOptions = {},
  ): Promise<void> {
    const { tag } = manifestName(reference);
    // Under a tag alone, registries file it by its SHA-256.
    const isOne = tag === reference && expected.digest.startsWith("sha256:");
    await this.#pushManifest(expected, content, isOne ? tag : expected.digest, options);
    if (!isOne) await this.tag(expected, reference, options);
  }

  async #pushManifest(
    expected: Descriptor,
    content: ByteSource,
    name: string,
    options: CallOptions,
  ): Promise<void> {
    const raw = await readManifestSource(expected, content, options);
    const headers = await putManifest(this.#context, name, expected, raw, options);
    this.#pushed = { digest: expected.digest, raw };
    // With this header the registry says that it lists the manifest among the referrers itself.
    const referrer = headers.has("oci-subject") ? undefined : referrerIn(raw, expected);
    if (referrer !== undefined) await keepReferrer(this.#context, referrer, options);
  }

  async #pushBlob(
    expected: Descriptor,
    content: ByteSource,
    options: PushOptions,
  ): Promise<void> {
    const { digest } = expected;
    const { signal } = options;
    const opened = this.#opened.get(digest);
    this.#opened.delete(digest);
    let isOwn = false;
    const work = (signal: AbortSignal) => {
      isOwn = true;
      return uploadBlob(this.#context, expected, content, { ...options, signal }, opened);
    };
    try {
      for (;;) {
        try {
          return await uploadsBy(this.#context).run(`${this.name}@${digest}`, work, signal);
        } catch (error) {
          // Somebody else's upload may have failed for want of its content: this one has its own.
          if (isOwn || signal?.aborted) throw error;
        }
      }
    } finally {
      // Somebody else's upload of the same blob has served for this one.
      if (!isOwn) opened?.cancel();
      if (content instanceof ReadableStream && !content.locked) content.cancel().catch(() => {});
    }
  }

  /**
   * Starts the upload of a blob whose content comes in pieces, or whose digest is not known yet.
   *
   * @param options The digest or its algorithm, the size of chunks, and a signal for the start.
   * @returns The upload; it has to be finished or cancelled.
   * @throws {NotFoundError} when there is no such repository.
   * @throws {UploadError} when the registry opens no upload.
   *
   * @example Store what is made on the way
   * ```ts
   * import { Registry } from "@lading/lading/registry";
   * import { memoryStore } from "@lading/lading/store";
   * import { registryHandler } from "@lading/lading/server";
   *
   * const transport = registryHandler(memoryStore()); // any registry; by default fetch
   * const repository = new Registry("localhost:5000", { transport }).repository("demo");
   * const upload = await repository.startUpload();
   * await upload.append(new TextEncoder().encode("hel"));
   * await upload.append(new TextEncoder().encode("lo"));
   * const blob = await upload.finish();
   * console.log(blob.digest); // sha256:2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824
   * ```
   */
  async startUpload(options: StartUploadOptions = {}): Promise<BlobUpload> {
    return await BlobUpload.start(this.#context, options);
  }

  /**
   * Continues an upload from its state, also one of {@linkcode Repository.push} and of another
   * process. The content goes on at the {@linkcode BlobUpload.offset} of the result.
   *
   * @param state The state, as it was read from JSON.
   * @param options The size of chunks, and a signal for the start.
   * @returns The upload; it has to be finished or cancelled.
   * @throws {TypeError} when the state is none, or of another repository.
   * @throws {UploadError} when the registry does not have the upload any more.
   */
  async resumeUpload(state: UploadState, options: ResumeUploadOptions = {}): Promise<BlobUpload> {
    return await BlobUpload.resume(this.#context, state, options);
  }

  /**
   * Gives a name to a manifest. The bytes are stored again under the tag, exactly as they are. In
   * registries that know no tags beside a digest, the tag of a manifest under SHA-512 leads to its
   * SHA-256.
   *
   * @param target The manifest.
   * @param reference A tag; with the digest of the manifest nothing is to be done.
   * @param options A signal.
   * @throws {NotFoundError} when the manifest is not there.
   * @throws {InvalidReferenceError} when the reference is none, or another digest.
   */
  async tag(target: Descriptor, reference: string, options: CallOptions = {}): Promise<void> {
    const name = manifestName(reference);
    const { digest } = target;
    if (name.digest !== undefined && name.digest !== digest) {
      throw new TypeError(`Cannot tag ${digest}: the reference is another digest, ${name.digest}`);
    }
    const raw = this.#pushed?.digest === digest
      ? this.#pushed.raw
      : (await this.manifest(digest, { signal: options.signal })).raw;
    if (name.tag !== undefined) {
      await tagManifest(this.#context, name.tag, target, raw, options);
    }
  }

  /**
   * Takes a blob over from another repository of this registry, without moving a byte.
   *
   * @param target The blob.
   * @param from The name of the other repository, as it is in this registry: `library/alpine`.
   * @param options Whether the blob is pushed next where it is not taken over, and a signal.
   * @returns Whether it is there now; where not, for whatever reason, it has to be pushed.
   * @throws {DigestMismatchError} when the registry took something else.
   * @throws {InvalidReferenceError} when `from` is no repository.
   */
  async mount(target: Descriptor, from: string, options: MountOptions = {}): Promise<boolean> {
    const { isMounted, session } = await mountBlob(this.#context, target, from, options);
    if (session === undefined) return isMounted;
    const isKept = options.isPushedNext === true;
    const unwanted = isKept ? this.#opened.get(target.digest) : session;
    if (isKept) this.#opened.set(target.digest, session);
    unwanted?.cancel();
    return isMounted;
  }

  /**
   * Tells where content of this repository is: here. Copies into other repositories of the registry
   * ask for it, and mount blobs.
   *
   * @returns The names of the registry and of this repository.
   */
  locate(): Promise<RepositoryName> {
    return Promise.resolve({ registry: this.registry, name: this.name });
  }

  /**
   * Deletes a manifest with every tag of it, or a blob. Content that is not there is no error. An
   * index leaves its images; blobs that other images of the repository need go all the same. A
   * manifest with a subject is taken off the tag of the referrers, where there is one.
   *
   * @param target The content; its media type tells whether it is a manifest.
   * @param options A signal.
   * @throws {RegistryError} when the registry does not allow it.
   */
  async delete(target: Descriptor, options: CallOptions = {}): Promise<void> {
    await deleteContent(this.#context, target, options);
  }

  /**
   * Removes a tag and keeps its manifest. Where the registry only deletes by digest, the tag is put
   * on an empty image first, which is deleted with it.
   *
   * @param reference The tag.
   * @param options A signal.
   * @throws {NotFoundError} when there is no such tag.
   * @throws {InvalidReferenceError} when the reference is no tag.
   * @throws {RegistryError} when the registry does not allow it; the tag stands as it was.
   */
  async untag(reference: string, options: CallOptions = {}): Promise<void> {
    await removeTag(this.#context, reference, options);
  }

  /**
   * Lists the tags, page by page as they are asked for, each once. The order is the registry's.
   * Entries that are no tags are left out.
   *
   * @param options The size of pages, and a signal.
   * @returns The tags; memory grows with their number.
   * @throws {NotFoundError} when there is no such repository.
   * @throws {LimitExceededError} after 1,000 pages.
   */
  async *tags(options: ListOptions = {}): AsyncGenerator<string, void, undefined> {
    const { client, name, fullName } = this.#context;
    const action = `list the tags of ${JSON.stringify(fullName)}`;
    const seen = new Set<string>();
    const pages = readPages(client, {
      call: {
        action,
        url: client.url(`/v2/${name}/tags/list?n=${pageSizeOf(options)}`),
        scopes: pullScopes(this.#context),
        headers: { accept: "application/json" },
        signal: options.signal,
      },
      isSized: true,
      entries: (raw, answer) => textsOf(raw, answer, "tags", isTag, action),
    });
    for await (const page of pages) {
      for (const tag of page) {
        if (seen.has(tag)) continue;
        seen.add(tag);
        yield tag;
      }
    }
  }

  /**
   * Asks how many pulls the registry still takes, as Docker Hub tells it. Asking counts as none.
   *
   * @param reference A tag or a digest of this repository.
   * @param options A signal.
   * @returns What the registry says; nothing where it has no limit, or does not tell.
   * @throws {NotFoundError} when there is no such manifest.
   */
  async rateLimit(reference: string, options: CallOptions = {}): Promise<RateLimit> {
    return await readRateLimit(this.#context, reference, options);
  }

  /**
   * Lists the manifests whose subject is a given one, each once. Where the registry has no referrers
   * API, the tag that stands in for it is read (distribution-spec, referrers tag schema). Sizes are
   * taken from the manifests themselves.
   *
   * @param subject The subject; only its digest counts.
   * @param options The type of artifact, and a signal.
   * @returns The descriptors; none when nothing refers to the subject.
   */
  referrers(
    subject: Descriptor,
    options: ReferrersOptions = {},
  ): AsyncGenerator<Descriptor, void, undefined> {
    return listReferrers(this.#context, subject, options);
  }
}

/** The page size that was asked for. */
export function pageSizeOf({ pageSize = PAGE_SIZE }: ListOptions): number {
  if (Number.isInteger(pageSize) && pageSize > 0) return pageSize;
  throw new RangeError(`Cannot list pages of ${pageSize} entries: give a positive integer`);
}

function slice(content: Bytes, target: Descriptor, { range }: FetchOptions): ByteStream {
  const { start, end } = spanOf(range, target.size);
  return streamOf(content.subarray(start, end));
}
