import { inLargePieces } from "../bytes/large_pieces.ts";
import { mapConcurrent } from "../bytes/map_concurrent.ts";
import { readAll } from "../bytes/read_all.ts";
import { withSignal } from "../bytes/signal.ts";
import { letGo, openSource } from "../bytes/source.ts";
import { spanOf } from "../bytes/span.ts";
import { verified } from "../bytes/verify.ts";
import type { HasherFactory } from "../hash/hasher.ts";
import type { Bytes, ByteSource, ByteStream } from "../model/bytes.ts";
import type {
  CallOptions,
  ContentUpload,
  Deleter,
  FetchOptions,
  Referrers,
  ReferrersOptions,
  Root,
  Roots,
  Target,
  Uploader,
} from "../model/content.ts";
import type { Descriptor } from "../model/descriptor.ts";
import { parseDigest } from "../model/digest.ts";
import { InvalidReferenceError, LimitExceededError, NotFoundError } from "../model/errors.ts";
import { childDescriptors, MAX_MANIFEST_BYTES } from "../model/manifest.ts";
import { parseManifest } from "../model/parse_manifest.ts";
import { isDigestReference } from "../model/reference.ts";
import type { SharedRegistry } from "../model/shared_registry.ts";
import type { Bucket, BucketPutOptions } from "./bucket.ts";
import { BucketError } from "./bucket_error.ts";
import {
  contentKey,
  descriptorObject,
  descriptorOf,
  digestAtEnd,
  digestPath,
  NAMES,
  referrersPrefix,
  unnamedKey,
} from "./_bucket_keys.ts";
import { BucketObjects } from "./_bucket_objects.ts";
import { BucketRepositories, repositoryOf } from "./_bucket_repositories.ts";
import { BucketUploads, UPLOADS } from "./_bucket_uploads.ts";
import { checkSize } from "./_check_size.ts";
import { quietly, uniqueName } from "./_files.ts";
import {
  isResolvable,
  type ManifestFacts,
  manifestFacts,
  referrerDescriptor,
} from "./_manifest_facts.ts";
import { findByName, findOnly, isNameFor, isNameText, noSuchReference } from "./_names.ts";
import { type Stage, StagedUpload } from "./_staged_upload.ts";

/** R2 takes so much with one request: 5 MiB less than 5 GiB. */
export const MAX_BUCKET_CONTENT_BYTES: number = 5 * 1024 ** 3 - 5 * 1024 ** 2;

/** Content up to this size is written at once; anything longer streams. */
const SMALL_BYTES = 64 * 1024;

/** R2 and S3 take keys of so many bytes. */
const MAX_KEY_BYTES = 1024;

/** Room for the longest key of our own: a repository name behind a digest. */
const MAX_PREFIX_BYTES = 512;

/** A Worker has six connections at a time. */
const MAX_CONNECTIONS = 6;

const PLACE = "the bucket";

/** Options of {@linkcode bucketStore}. */
export interface BucketStoreOptions {
  /** What the keys of the store begin with, such as `images/`; nothing by default. */
  readonly prefix?: string | undefined;
  /** Makes the hasher that proves what is pushed and fetched. */
  readonly hasher?: HasherFactory | undefined;
}

/** A store in a bucket: everything that a {@linkcode Target} can be, and a registry's own notes. */
export type BucketStore = Target & Roots & Deleter & Referrers & Uploader & SharedRegistry;

/**
 * Opens a bucket as a store, such as the `R2Bucket` of a Worker. Nothing is read before the first
 * call, and nothing is remembered between calls: any number of stores over one bucket, in isolates
 * that come and go, see the same.
 *
 * - Content is `blobs/sha256/<hex>`. It is proved while it is read, and while it is written, by its
 *   size and digest; the bucket is told the digest too. What is not proved never becomes an object.
 * - Each name is an object, `names/<reference>`: a descriptor of media type, digest and size, which
 *   is its metadata too. Each referrer, each root without a name, and each thing that a repository
 *   of a registry holds is one too. So every change is one write, and no two writers share an object
 *   but those who write the same name.
 * - References are kept as they are given. Another spelling that docker takes for the same image is
 *   found by listing the names; the empty reference means the only image.
 * - A manifest is found as a referrer when it was pushed with its media type.
 * - With `registryHandler`, what repositories hold and the uploads under way are kept in the bucket
 *   too: a new handler for every request is one registry. An upload in pieces is copied once, within
 *   the bucket, when it ends. Uploads that were given up are removed after a day; a lifecycle rule on
 *   `uploads/` does the same.
 *
 * Memory is one chunk for each blob that moves, 4 MiB for each manifest, and 8 MiB for each upload of
 * a registry or of unknown digest that is under way. Deleting lists all names, and is safe as long as
 * nobody names or pushes the same content meanwhile. Content has at most
 * {@linkcode MAX_BUCKET_CONTENT_BYTES} bytes.
 *
 * @param bucket The bucket.
 * @param options Where in the bucket, and how content is hashed.
 * @returns The store.
 * @throws {RangeError} when the prefix is longer than 512 bytes.
 *
 * @example A registry on Workers and R2
 * ```ts
 * import { registryHandler } from "@lading/lading/server";
 * import { type Bucket, bucketStore } from "@lading/lading/store";
 *
 * export default {
 *   fetch: (request: Request, env: { IMAGES: Bucket }): Promise<Response> =>
 *     registryHandler(bucketStore(env.IMAGES))(request),
 * };
 * ```
 */
export function bucketStore(bucket: Bucket, options: BucketStoreOptions = {}): BucketStore {
  const { prefix = "" } = options;
  if (byteLength(prefix) > MAX_PREFIX_BYTES) {
    throw new RangeError(
      `Cannot open the bucket: the prefix is longer than ${MAX_PREFIX_BYTES} bytes`,
    );
  }
  return new BucketContent(bucket, prefix, options.hasher);
}

class BucketContent implements BucketStore {
  readonly repositories: BucketRepositories;
  readonly uploads: BucketUploads;
  readonly #objects: BucketObjects;
  readonly #prefixBytes: number;
  readonly #hasher: HasherFactory | undefined;

  constructor(bucket: Bucket, prefix: string, hasher: HasherFactory | undefined) {
    this.#objects = new BucketObjects(bucket, prefix);
    this.#prefixBytes = byteLength(prefix);
    this.#hasher = hasher;
    this.repositories = new BucketRepositories(this.#objects);
    this.uploads = new BucketUploads(this.#objects);
  }

  async exists(target: Descriptor, options: CallOptions = {}): Promise<boolean> {
    const object = await this.#objects.head(contentKey(target.digest), options.signal);
    return object?.size === target.size;
  }

  async fetch(target: Descriptor, options: FetchOptions = {}): Promise<ByteStream> {
    const { range, signal } = options;
    const key = contentKey(target.digest);
    const { start, end } = spanOf(range, target.size);
    const part = range === undefined ? {} : { range: { offset: start, length: end - start } };
    const object = await this.#objects.get(key, part, signal);
    if (object === undefined) throw notThere(target.digest);
    try {
      checkSize(object.size, target, nameOf(target.digest));
    } catch (error) {
      await letGo(object.body, error);
      throw error;
    }
    const body = inLargePieces(object.body, end - start);
    const content = range === undefined ? this.#verified(body, target) : body;
    return withSignal(content, signal);
  }

  async push(expected: Descriptor, content: ByteSource, options: CallOptions = {}): Promise<void> {
    const { signal } = options;
    try {
      const key = contentKey(expected.digest);
      const isManifest = isResolvable(expected.mediaType) && expected.size <= MAX_MANIFEST_BYTES;
      const object = await this.#objects.head(key, signal);
      // What a manifest refers to is noted when it comes as one: bytes may have been there before.
      const isNoted = !isManifest || isResolvable(object?.httpMetadata?.contentType ?? "");
      if (object?.size === expected.size && isNoted) return await letGo(content);
      checkLength(expected);
      const stream = this.#verified(withSignal(await openSource(content), signal), expected);
      const { mediaType, size } = expected;
      if (size > SMALL_BYTES && !isManifest) {
        const write = this.#objects.putStream(key, stream, size, proofOf(expected), signal);
        return await this.#unlessStored(expected, write, options);
      }
      const bytes = await readAll(stream, { maxBytes: size, what: expected.digest, signal });
      // The note first: one that leads to nothing is passed over, one that is missing stays so.
      const subject = isManifest ? manifestFacts(bytes, mediaType)?.subject : undefined;
      if (subject !== undefined) {
        const note = referrersPrefix(subject.digest) + digestPath(expected.digest);
        await this.#objects.put(note, NOTHING, {}, signal);
      }
      const write = this.#objects.put(key, bytes, proofOf(expected), signal);
      await this.#unlessStored(expected, write, options);
    } catch (error) {
      await letGo(content, error);
      throw error;
    }
  }

  async startUpload({ signal }: CallOptions = {}): Promise<ContentUpload> {
    signal?.throwIfAborted();
    // No repository has this name: no client of a registry finds it.
    const id = uniqueName("lading");
    const upload = await this.uploads.begin("", id);
    const stage: Stage = {
      write: (chunk) => upload.append(chunk),
      store: async (content, signal) => {
        if (!await upload.flush()) {
          throw new BucketError(`Cannot push a blob to ${PLACE}: somebody else writes to it`, {
            key: UPLOADS + id,
          });
        }
        await this.push(content, await upload.source(), { signal });
        // What stays is removed with what was given up.
        await quietly(upload.remove());
      },
      discard: () => upload.remove(),
    };
    return new StagedUpload(stage, { place: PLACE, hasher: this.#hasher });
  }

  /** R2 takes one write of a key at a time: somebody else may have stored the same meanwhile. */
  async #unlessStored(
    expected: Descriptor,
    write: Promise<unknown>,
    options: CallOptions,
  ): Promise<void> {
    try {
      await write;
    } catch (error) {
      if (!(error instanceof BucketError)) throw error;
      const isStored = await this.exists(expected, options).catch(() => false);
      if (!isStored) throw error;
    }
  }

  async resolve(reference: string, options: CallOptions = {}): Promise<Descriptor> {
    const { signal } = options;
    const found = isDigestReference(reference)
      ? await this.#resolveDigest(reference, signal)
      : await this.#resolveName(reference, signal);
    if (found === undefined) throw noSuchReference(reference, PLACE);
    return found;
  }

  async tag(target: Descriptor, reference: string, options: CallOptions = {}): Promise<void> {
    const { signal } = options;
    signal?.throwIfAborted();
    const isName = isNameFor(target, reference);
    const key = isName ? NAMES + reference : unnamedKey(target.digest);
    if (this.#prefixBytes + byteLength(key) > MAX_KEY_BYTES) {
      throw new InvalidReferenceError(
        `Cannot tag ${JSON.stringify(reference.slice(0, 256))}: the name is longer than a key of ` +
          "a bucket",
        { input: reference },
      );
    }
    const object = await this.#objects.head(contentKey(target.digest), signal);
    if (object === undefined) throw notThere(target.digest);
    checkSize(object.size, target, nameOf(target.digest));
    const repository = isName ? repositoryOf(reference) : undefined;
    if (repository !== undefined) await this.#hold(repository, target, signal);
    const { value, options: kept } = descriptorObject(target);
    await this.#objects.put(key, value, kept, signal);
  }

  async *roots(options: CallOptions = {}): AsyncGenerator<Root, void, undefined> {
    const { signal } = options;
    signal?.throwIfAborted();
    for await (const { name, descriptor } of this.#names(signal)) {
      yield { descriptor, reference: name };
    }
    yield* this.#unnamed(signal);
  }

  async *referrers(
    subject: Descriptor,
    options: ReferrersOptions = {},
  ): AsyncGenerator<Descriptor, void, undefined> {
    const { signal, artifactType } = options;
    for await (const { key } of this.#objects.list(referrersPrefix(subject.digest), signal)) {
      const digest = digestAtEnd(key);
      const found = digest === undefined ? undefined : await this.#manifest(digest, signal);
      if (digest === undefined || found === undefined) continue;
      const { facts, raw } = found;
      if (facts.subject?.digest !== subject.digest) continue;
      if (artifactType !== undefined && facts.artifactType !== artifactType) continue;
      yield referrerDescriptor({ digest, size: raw.byteLength }, facts);
    }
  }

  async delete(target: Descriptor, options: CallOptions = {}): Promise<void> {
    const { signal } = options;
    const { digest } = target;
    const key = contentKey(digest);
    const subject = (await this.#manifest(digest, signal))?.facts.subject;
    // The names first: none may point at content that is gone.
    const names = [unnamedKey(digest)];
    for await (const { name, descriptor } of this.#names(signal)) {
      if (descriptor.digest === digest) names.push(NAMES + name);
    }
    await this.#objects.delete(names, signal);
    await this.#objects.delete([key], signal);
    if (subject === undefined) return;
    await this.#objects.delete([referrersPrefix(subject.digest) + digestPath(digest)], signal);
  }

  async untag(reference: string, options: CallOptions = {}): Promise<void> {
    const { signal } = options;
    signal?.throwIfAborted();
    const isDigest = isDigestReference(reference);
    if (!isDigest && !isNameText(reference)) throw noSuchReference(reference, PLACE);
    const key = isDigest ? unnamedKey(reference) : NAMES + reference;
    if (await this.#objects.head(key, signal) === undefined) {
      throw noSuchReference(reference, PLACE);
    }
    await this.#objects.delete([key], signal);
  }

  async #resolveName(
    reference: string,
    signal: AbortSignal | undefined,
  ): Promise<Descriptor | undefined> {
    signal?.throwIfAborted();
    if (reference !== "" && !isNameText(reference)) return undefined;
    const exact = reference === ""
      ? undefined
      : await this.repositories.named(reference, { signal });
    if (exact !== undefined) return exact;
    const named = [];
    for await (const { name, descriptor } of this.#names(signal)) {
      named.push({ name, descriptor, digest: descriptor.digest });
    }
    if (reference !== "") return findByName(named, reference, PLACE)?.descriptor;
    const all = named.map(({ descriptor }) => descriptor);
    for await (const { descriptor } of this.#unnamed(signal)) all.push(descriptor);
    return findOnly(all, named.map(({ name }) => name), PLACE);
  }

  async #resolveDigest(
    digest: string,
    signal: AbortSignal | undefined,
  ): Promise<Descriptor | undefined> {
    const found = await this.#manifest(digest, signal);
    if (found !== undefined) {
      return { mediaType: found.facts.mediaType, digest, size: found.raw.byteLength };
    }
    const root = await this.#objects.head(unnamedKey(digest), signal);
    return root && descriptorOf(root);
  }

  async *#names(
    signal: AbortSignal | undefined,
  ): AsyncGenerator<{ readonly name: string; readonly descriptor: Descriptor }, void, undefined> {
    for await (const object of this.#objects.list(NAMES, signal)) {
      const descriptor = descriptorOf(object);
      if (descriptor !== undefined) yield { name: object.key.slice(NAMES.length), descriptor };
    }
  }

  async *#unnamed(signal: AbortSignal | undefined): AsyncGenerator<Root, void, undefined> {
    for await (const object of this.#objects.list("roots/", signal)) {
      const descriptor = descriptorOf(object);
      if (descriptor !== undefined) yield { descriptor };
    }
  }

  /** Reads a manifest, proved; `undefined` when the content is none, or absent. */
  async #manifest(
    digest: string,
    signal: AbortSignal | undefined,
  ): Promise<{ readonly raw: Bytes; readonly facts: ManifestFacts } | undefined> {
    const object = await this.#objects.get(contentKey(digest), {}, signal);
    if (object === undefined) return undefined;
    const { size, body, httpMetadata } = object;
    if (size > MAX_MANIFEST_BYTES) {
      await letGo(body);
      return undefined;
    }
    const mediaType = httpMetadata?.contentType ?? "";
    const content = this.#verified(body, { mediaType, digest, size });
    const raw = await readAll(content, { maxBytes: size, what: nameOf(digest), signal });
    const facts = manifestFacts(raw, isResolvable(mediaType) ? mediaType : undefined);
    return facts && { raw, facts };
  }

  /**
   * Notes that a repository holds a manifest and what it is made of. The manifest goes last: where it
   * is held, all of it is.
   */
  async #hold(
    repository: string,
    target: Descriptor,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    const { digest, mediaType } = target;
    if (!isResolvable(mediaType)) return;
    if (await this.repositories.held(repository, digest, "manifest", { signal })) return;
    const found = await this.#manifest(digest, signal);
    if (found === undefined) return;
    const children = childDescriptors(parseManifest(found.raw, found.facts.mediaType));
    const blobs = children.filter((child) => !isResolvable(child.mediaType));
    await mapConcurrent(
      blobs,
      MAX_CONNECTIONS,
      (blob, _index, signal) => this.repositories.hold(repository, blob, "blob", { signal }),
      { signal },
    );
    for (const child of children) {
      await this.#hold(repository, child, signal);
    }
    await this.repositories.hold(repository, target, "manifest", { signal });
  }

  #verified(stream: ByteStream, descriptor: Descriptor): ByteStream {
    const what = nameOf(descriptor.digest);
    return verified(stream, descriptor, { hasher: this.#hasher, what });
  }
}

const NOTHING = new Uint8Array(0);

/** The bucket checks the digest on its own, and gives the content out as what it is. */
function proofOf({ digest, mediaType }: Descriptor): BucketPutOptions {
  const { algorithm, encoded } = parseDigest(digest);
  return { [algorithm]: encoded, httpMetadata: { contentType: mediaType } };
}

function checkLength({ digest, size }: Descriptor): void {
  if (size <= MAX_BUCKET_CONTENT_BYTES) return;
  throw new LimitExceededError(
    `Cannot store ${digest}: its ${size} bytes are more than the limit of ` +
      `${MAX_BUCKET_CONTENT_BYTES} for one object`,
    { limit: MAX_BUCKET_CONTENT_BYTES, unit: "bytes" },
  );
}

function nameOf(digest: string): string {
  return `${digest} of ${PLACE}`;
}

function notThere(digest: string): NotFoundError {
  return new NotFoundError(`Cannot read ${nameOf(digest)}: it is not there`);
}

function byteLength(text: string): number {
  return new TextEncoder().encode(text).byteLength;
}
