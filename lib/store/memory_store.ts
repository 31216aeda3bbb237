// deno-lint-ignore-file require-await -- async methods turn what is thrown into rejections
import { readAll } from "../bytes/read_all.ts";
import { letGo, openSource } from "../bytes/source.ts";
import { streamFrom } from "../bytes/stream_from.ts";
import { verified } from "../bytes/verify.ts";
import { withSignal } from "../bytes/signal.ts";
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
import { digestAlgorithm } from "../model/digest.ts";
import { NotFoundError } from "../model/errors.ts";
import { MAX_MANIFEST_BYTES } from "../model/manifest.ts";
import { isDigestReference } from "../model/reference.ts";
import {
  isResolvable,
  type ManifestFacts,
  manifestFacts,
  referrerDescriptor,
} from "./_manifest_facts.ts";
import { type MemoryBlob, MemoryBlobs } from "./_memory_blobs.ts";
import { MemoryContent, MemoryPool } from "./_memory_content.ts";
import { findByName, findOnly, isNameFor, noSuchReference } from "./_names.ts";
import { type Stage, StagedUpload } from "./_staged_upload.ts";
import { type Span, spanOf } from "../bytes/span.ts";
import { checkSize } from "./_check_size.ts";

/** How much of a stored blob goes into one chunk: the usual size of a read from a socket. */
const CHUNK_BYTES = 64 * 1024;

const PLACE = "the memory store";

/** Options of {@linkcode memoryStore}. */
export interface MemoryStoreOptions {
  /** Makes the hasher that proves what is pushed. */
  readonly hasher?: HasherFactory | undefined;
  /**
   * The most bytes of content to hold; no limit by default. With a limit the store is a cache, such as
   * `proxyHandler` of `./server` fills: content that was read longest ago makes room, and takes the
   * names that stand for it along. Content that is pushed counts by its announced size from the start;
   * what there is no room for even so is refused with a {@linkcode LimitExceededError}.
   */
  readonly maxBytes?: number | undefined;
}

/** A store in memory: everything that a {@linkcode Target} can be, in every runtime. */
export type MemoryStore = Target & Roots & Deleter & Referrers & Uploader;

/**
 * Makes an empty store in memory. Content is verified when it is pushed and kept whole, so the
 * store needs as much memory as it holds content, which `maxBytes` bounds; what it hands out are
 * copies. Content pushed is found by its digest, and becomes a root when it is tagged.
 *
 * References are kept as they are given; where no root has the very name asked for, any spelling
 * that docker takes for the same image is found too. The empty reference means the only image.
 *
 * @param options How content is hashed, and how much of it is kept.
 * @returns The store.
 * @throws {RangeError} when `maxBytes` is no number of bytes.
 */
export function memoryStore(options: MemoryStoreOptions = {}): MemoryStore {
  return new Memory(options);
}

class Memory implements MemoryStore {
  readonly #hasher: HasherFactory | undefined;
  readonly #blobs: MemoryBlobs;
  readonly #names = new Map<string, Descriptor>();
  readonly #unnamed = new Map<string, Descriptor>();
  readonly #facts = new Map<string, ManifestFacts>();

  constructor(options: MemoryStoreOptions) {
    const { hasher, maxBytes = Infinity } = options;
    if (!(maxBytes >= 0)) {
      throw new RangeError(`Cannot bound the memory store: ${maxBytes} is no number of bytes`);
    }
    this.#hasher = hasher;
    this.#blobs = new MemoryBlobs(maxBytes, (digest) => this.#forget(digest));
  }

  async exists(target: Descriptor, options: CallOptions = {}): Promise<boolean> {
    options.signal?.throwIfAborted();
    digestAlgorithm(target.digest);
    return this.#blobs.get(target.digest)?.bytes.byteLength === target.size;
  }

  async fetch(target: Descriptor, options: FetchOptions = {}): Promise<ByteStream> {
    options.signal?.throwIfAborted();
    const { bytes } = this.#blob(target.digest);
    checkSize(bytes.byteLength, target, target.digest);
    this.#blobs.use(target.digest);
    const span = spanOf(options.range, bytes.byteLength);
    return withSignal(streamFrom(copies(bytes, span)), options.signal);
  }

  async push(expected: Descriptor, content: ByteSource, options: CallOptions = {}): Promise<void> {
    const { signal } = options;
    signal?.throwIfAborted();
    if (await this.exists(expected)) {
      if (content instanceof ReadableStream) await content.cancel();
      return;
    }
    const { digest, size, mediaType } = expected;
    const proved = verified(await openSource(content), expected, { hasher: this.#hasher });
    try {
      this.#blobs.reserve(size, digest);
    } catch (error) {
      await letGo(proved, error);
      throw error;
    }
    try {
      const bytes = await readAll(proved, { maxBytes: size, what: digest, signal });
      // A single chunk arrives as it is, and may belong to the caller.
      this.#blobs.set(digest, { bytes: bytes.slice(), mediaType });
    } finally {
      this.#blobs.release(size);
    }
  }

  async startUpload(options: CallOptions = {}): Promise<ContentUpload> {
    options.signal?.throwIfAborted();
    const staged = new MemoryContent(new MemoryPool());
    const clear = (): void => {
      this.#blobs.release(staged.size);
      staged.clear();
    };
    const stage: Stage = {
      write: async (chunk) => {
        this.#blobs.reserve(chunk.byteLength, "the upload");
        staged.write(chunk);
      },
      store: async ({ mediaType, digest, size }) => {
        if (this.#blobs.get(digest) === undefined) {
          this.#blobs.set(digest, { bytes: staged.read(0, size), mediaType });
        }
        clear();
      },
      discard: async () => clear(),
    };
    return new StagedUpload(stage, { place: PLACE, hasher: this.#hasher });
  }

  async resolve(reference: string, options: CallOptions = {}): Promise<Descriptor> {
    options.signal?.throwIfAborted();
    const named = [...this.#names].map(([name, descriptor]) => {
      return { name, descriptor, digest: descriptor.digest };
    });
    if (reference === "") {
      const all = [...this.#names.values(), ...this.#unnamed.values()];
      return findOnly(all, [...this.#names.keys()], PLACE);
    }
    const found = isDigestReference(reference)
      ? this.#byDigest(reference)
      : findByName(named, reference, PLACE)?.descriptor;
    if (found === undefined) throw noSuchReference(reference, PLACE);
    return found;
  }

  async tag(target: Descriptor, reference: string, options: CallOptions = {}): Promise<void> {
    options.signal?.throwIfAborted();
    const { bytes } = this.#blob(target.digest);
    checkSize(bytes.byteLength, target, target.digest);
    const roots = isNameFor(target, reference) ? this.#names : this.#unnamed;
    roots.set(reference, target);
  }

  async *roots(options: CallOptions = {}): AsyncGenerator<Root, void, undefined> {
    options.signal?.throwIfAborted();
    for (const [reference, descriptor] of [...this.#names]) yield { descriptor, reference };
    for (const descriptor of [...this.#unnamed.values()]) yield { descriptor };
  }

  async *referrers(
    subject: Descriptor,
    options: ReferrersOptions = {},
  ): AsyncGenerator<Descriptor, void, undefined> {
    const { signal, artifactType } = options;
    for (const digest of this.#blobs.digests()) {
      signal?.throwIfAborted();
      const facts = this.#manifest(digest);
      if (facts?.subject?.digest !== subject.digest) continue;
      if (artifactType !== undefined && facts.artifactType !== artifactType) continue;
      yield referrerDescriptor({ digest, size: this.#blob(digest).bytes.byteLength }, facts);
    }
  }

  async delete(target: Descriptor, options: CallOptions = {}): Promise<void> {
    options.signal?.throwIfAborted();
    this.#blobs.delete(target.digest);
    this.#forget(target.digest);
  }

  async untag(reference: string, options: CallOptions = {}): Promise<void> {
    options.signal?.throwIfAborted();
    const roots = isDigestReference(reference) ? this.#unnamed : this.#names;
    if (!roots.delete(reference)) throw noSuchReference(reference, PLACE);
  }

  /** Forgets what is known of content that is not there any more. */
  #forget(digest: string): void {
    for (const [name, descriptor] of this.#names) {
      if (descriptor.digest === digest) this.#names.delete(name);
    }
    this.#unnamed.delete(digest);
    this.#facts.delete(digest);
  }

  #blob(digest: string): MemoryBlob {
    digestAlgorithm(digest);
    const blob = this.#blobs.get(digest);
    if (blob !== undefined) return blob;
    throw new NotFoundError(`Cannot find ${digest} in ${PLACE}`);
  }

  #byDigest(digest: string): Descriptor | undefined {
    const root = this.#unnamed.get(digest) ??
      [...this.#names.values()].find((descriptor) => descriptor.digest === digest);
    if (root !== undefined) return root;
    const size = this.#blobs.get(digest)?.bytes.byteLength;
    const mediaType = this.#manifest(digest)?.mediaType;
    return size === undefined || mediaType === undefined ? undefined : { mediaType, digest, size };
  }

  /** Reads a manifest once. Layers are told from it by their first byte. */
  #manifest(digest: string): ManifestFacts | undefined {
    const known = this.#facts.get(digest);
    const blob = this.#blobs.get(digest);
    if (known !== undefined || blob === undefined) return known;
    const { bytes, mediaType } = blob;
    if (bytes.byteLength > MAX_MANIFEST_BYTES || !startsAsJSON(bytes)) return undefined;
    const facts = manifestFacts(bytes, isResolvable(mediaType) ? mediaType : undefined);
    if (facts !== undefined) this.#facts.set(digest, facts);
    return facts;
  }
}

/** Tells whether the first byte behind white space is `{`. */
function startsAsJSON(bytes: Bytes): boolean {
  return bytes.find((byte) => byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09) ===
    0x7b;
}

function* copies(bytes: Bytes, { start, end }: Span): Generator<Bytes, void, undefined> {
  for (let at = start; at < end; at += CHUNK_BYTES) {
    yield bytes.slice(at, Math.min(at + CHUNK_BYTES, end));
  }
}
