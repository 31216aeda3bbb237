import { letGo } from "../bytes/source.ts";
import type { ByteSource, ByteStream } from "../model/bytes.ts";
import type {
  CallOptions,
  Deleter,
  ExistsOptions,
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
import type { ImageIndex } from "../model/image_index.ts";
import { positionIn } from "../model/place.ts";
import { isDigestReference } from "../model/reference.ts";
import type { FileSystem } from "./file_system.ts";
import type { OCILayoutOptions } from "./layout_options.ts";
import { abortable } from "./_abortable.ts";
import { failedBecause, joinPath } from "./_files.ts";
import { LayoutBlobs } from "./_layout_blobs.ts";
import { checkVersion, INDEX, indexLock, readIndex, readLayout } from "./_layout_document.ts";
import { type Edit, IndexEdits } from "./_layout_edits.ts";
import {
  type LayoutContext,
  layoutContext,
  sweep,
  TEMPORARY_PREFIX,
  writeBeside,
} from "./_layout_files.ts";
import {
  layoutHeader,
  namedRoots,
  rootsOf,
  withDigest,
  withName,
  without,
} from "./_layout_index.ts";
import { claimPrefix } from "./file_lock.ts";
import { referrerDescriptor } from "./_manifest_facts.ts";
import { findByName, findOnly, isNameFor, noSuchReference } from "./_names.ts";
import { type StagedUpload, UPLOAD_ALGORITHM } from "./_staged_upload.ts";

/** An OCI layout on any file system; `place` names it in messages. */
export class Layout implements Target, Roots, Deleter, Referrers, Uploader {
  readonly #context: LayoutContext;
  readonly #blobs: LayoutBlobs;
  readonly #edits: IndexEdits;
  readonly #pushes = new Map<string, Promise<void>>();
  readonly #prepared = new Map<string, Promise<void>>();

  constructor(fs: FileSystem, path: string, place: string, options: OCILayoutOptions) {
    this.#context = layoutContext(fs, path, place, options);
    this.#blobs = new LayoutBlobs(this.#context, options.hasher);
    this.#edits = new IndexEdits({
      ...indexLock(this.#context, options.lockStaleAfterMs),
      place,
      read: () => readIndex(this.#context),
    });
  }

  async exists(target: Descriptor, options: ExistsOptions = {}): Promise<boolean> {
    options.signal?.throwIfAborted();
    if (await this.#blobs.sizeOf(target.digest) !== target.size) return false;
    return options.isNamedNext !== true || await this.#blobs.renew(target.digest);
  }

  async fetch(target: Descriptor, options: FetchOptions = {}): Promise<ByteStream> {
    options.signal?.throwIfAborted();
    return await this.#blobs.read(target, options);
  }

  async push(expected: Descriptor, content: ByteSource, options: CallOptions = {}): Promise<void> {
    const { signal } = options;
    const { digest } = expected;
    try {
      signal?.throwIfAborted();
      // A blob is written once at a time. If that fails, the next one tries its own source.
      for (let push = this.#pushes.get(digest); push; push = this.#pushes.get(digest)) {
        await abortable(push.catch(() => {}), signal);
      }
      const push = this.#push(expected, content, signal)
        .finally(() => this.#pushes.delete(digest));
      this.#pushes.set(digest, push);
      await push;
    } catch (error) {
      await letGo(content, error);
      throw error;
    }
  }

  async #push(
    expected: Descriptor,
    content: ByteSource,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    if (await this.exists(expected, { isNamedNext: true })) return await letGo(content);
    await abortable(this.#prepare(digestAlgorithm(expected.digest)), signal);
    await this.#inPlace(this.#blobs.write(expected, content, signal));
  }

  async #inPlace<Value>(work: Promise<Value>): Promise<Value> {
    try {
      return await work;
    } catch (error) {
      // A directory that was taken away while this layout was in use is made again next time.
      if (failedBecause(error, "not-found")) this.#prepared.clear();
      throw error;
    }
  }

  /** Starts an upload; `given` gives it up, whoever holds it. */
  async startUpload(
    { signal }: CallOptions = {},
    given?: AbortSignal,
  ): Promise<StagedUpload> {
    signal?.throwIfAborted();
    await abortable(this.#prepare(UPLOAD_ALGORITHM), signal);
    return await this.#inPlace(this.#blobs.stage(given));
  }

  async resolve(reference: string, options: CallOptions = {}): Promise<Descriptor> {
    options.signal?.throwIfAborted();
    const index = await readLayout(this.#context);
    const { place } = this.#context;
    const named = namedRoots(index);
    if (reference === "") {
      return findOnly(index.manifests, named.map(({ name }) => name), place);
    }
    const found = isDigestReference(reference)
      ? await this.#findDigest(index, reference)
      : index.manifests[positionIn(reference) ?? -1] ??
        findByName(named, reference, place)?.descriptor;
    if (found === undefined) throw noSuchReference(reference, place);
    return found;
  }

  async tag(target: Descriptor, reference: string, options: CallOptions = {}): Promise<void> {
    const { signal } = options;
    signal?.throwIfAborted();
    await this.#blobs.check(target);
    const isName = isNameFor(target, reference);
    const edit: Edit = async (index) => {
      // Who collects garbage has the lock: what is there now is named before it could be collected.
      await this.#blobs.check(target);
      return isName ? withName(index, target, reference) : withDigest(index, target);
    };
    await this.#edits.apply(edit, signal);
  }

  async *roots(options: CallOptions = {}): AsyncGenerator<Root, void, undefined> {
    options.signal?.throwIfAborted();
    yield* rootsOf(await readLayout(this.#context));
  }

  async *referrers(
    subject: Descriptor,
    options: ReferrersOptions = {},
  ): AsyncGenerator<Descriptor, void, undefined> {
    const { signal, artifactType } = options;
    await readLayout(this.#context);
    for await (const blob of this.#blobs.list()) {
      signal?.throwIfAborted();
      const facts = await this.#blobs.factsOf(blob.digest);
      if (facts?.subject?.digest !== subject.digest) continue;
      if (artifactType !== undefined && facts.artifactType !== artifactType) continue;
      yield referrerDescriptor(blob, facts);
    }
  }

  /** Lists all content, also what no root leads to. */
  contents(): AsyncGenerator<Pick<Descriptor, "digest" | "size">, void, undefined> {
    return this.#blobs.list();
  }

  async delete(target: Descriptor, options: CallOptions = {}): Promise<void> {
    const { digest } = target;
    options.signal?.throwIfAborted();
    digestAlgorithm(digest);
    // The names first: none may point at a blob that is gone.
    if (await readIndex(this.#context) !== undefined) {
      await this.#edits.apply(
        (index) => without(index, (entry) => entry.digest === digest),
        options.signal,
      );
    }
    await this.#blobs.remove(digest);
  }

  async untag(reference: string, options: CallOptions = {}): Promise<void> {
    options.signal?.throwIfAborted();
    await readLayout(this.#context);
    await this.#edits.apply((index) => {
      const edited = without(index, (entry, name) => {
        return isDigestReference(reference)
          ? name === undefined && entry.digest === reference
          : name === reference;
      });
      if (edited === index) throw noSuchReference(reference, this.#context.place);
      return edited;
    }, options.signal);
  }

  async #findDigest(index: ImageIndex, digest: string): Promise<Descriptor | undefined> {
    const entry = index.manifests.find((manifest) => manifest.digest === digest);
    if (entry !== undefined) return entry;
    const facts = await this.#blobs.factsOf(digest);
    const size = await this.#blobs.sizeOf(digest);
    if (facts === undefined || size === undefined) return undefined;
    return { mediaType: facts.mediaType, digest, size };
  }

  /** Waits until nothing is under way here, what aborted calls have left behind included. */
  async settled(): Promise<void> {
    await Promise.allSettled([...this.#prepared.values(), ...this.#pushes.values()]);
    await this.#edits.settled();
  }

  /** Makes sure that there is a layout with a place for blobs of the algorithm. */
  async #prepare(algorithm: string): Promise<void> {
    const prepared = this.#prepared.get(algorithm) ?? this.#create(algorithm);
    this.#prepared.set(algorithm, prepared);
    try {
      await prepared;
    } catch (error) {
      this.#prepared.delete(algorithm);
      throw error;
    }
  }

  async #create(algorithm: string): Promise<void> {
    const { fs, path, isDurable } = this.#context;
    const directory = this.#blobs.directoryOf(algorithm);
    await fs.makeDirectory(directory, { recursive: true });
    if (isDurable) await fs.syncDirectory(joinPath(path, "blobs"));
    if (!await checkVersion(this.#context)) {
      // The index first: where there is an oci-layout, there is a valid index.json.
      await this.#edits.apply((index) => index);
      const header = layoutHeader();
      const file = { name: "oci-layout", size: header.byteLength };
      await writeBeside(this.#context, path, file, (write) => write(header));
    }
    await sweep(this.#context, directory, TEMPORARY_PREFIX);
    await sweep(this.#context, path, TEMPORARY_PREFIX, claimPrefix(INDEX));
  }
}
