import type { Operation } from "../bytes/operation.ts";
import { openSource } from "../bytes/source.ts";
import { readAll } from "../bytes/read_all.ts";
import { streamOf } from "../bytes/stream_from.ts";
import { through } from "../bytes/through.ts";
import { verified } from "../bytes/verify.ts";
import type { Engine } from "../engine/engine.ts";
import type { EngineEvent } from "../engine/events.ts";
import type { LoadResult } from "../engine/load.ts";
import type { ByteSource, ByteStream } from "../model/bytes.ts";
import type { CallOptions, FetchOptions, Root, Target } from "../model/content.ts";
import type { Descriptor } from "../model/descriptor.ts";
import { NotFoundError } from "../model/errors.ts";
import { MAX_MANIFEST_BYTES, type ParsedManifest } from "../model/manifest.ts";
import { parseManifest } from "../model/parse_manifest.ts";
import { isIndexType, isManifestType } from "../model/media_types.ts";
import type { Platform } from "../model/platform.ts";
import { type TarInput, writeTar } from "../tar/writer.ts";
import { archiveDocuments, blobPath } from "./_engine_archive.ts";

/** Options of {@linkcode engineTarget}. */
export interface EngineTargetOptions {
  /** Whose image of an index the engine gets; default the engine's own platform. */
  readonly platform?: Platform | undefined;
}

/** An engine that images are written to. Commit what was written, or abort. */
export interface EngineTarget extends Target, AsyncDisposable {
  /**
   * Tells whose image of an index the engine gets.
   *
   * @param options A signal.
   * @returns The platform that was asked for, else the engine's own.
   */
  platform(options?: CallOptions): Promise<Platform>;
  /**
   * Ends what is sent, and waits until the engine has the images.
   *
   * @param options A signal.
   * @returns What the engine loaded; `undefined` when nothing was tagged.
   * @throws {LoadError} when the engine does not load it.
   */
  commit(options?: CallOptions): Promise<LoadResult | undefined>;
  /**
   * Ends what is sent; the engine loads nothing. Does nothing after a commit.
   *
   * @param reason Why.
   */
  abort(reason?: unknown): Promise<void>;
}

/**
 * Writes images into an engine: content is sent to it as the archive that it loads, as it is pushed,
 * one piece after the other, and is kept nowhere. Memory is that of the manifests and a chunk. The
 * engine loads nothing before `commit()`. Content is proved on its way; a piece that is not what was
 * announced, or that fails, ends the whole.
 *
 * @param engine The engine.
 * @param options Whose image of an index it gets.
 * @returns The target. Its `tag()` rejects with {@linkcode PlatformNotFoundError} when an index has
 * no image for the platform, with {@linkcode UnsupportedMediaTypeError} for what is no image, and
 * with {@linkcode NotFoundError} when a part of it was not pushed.
 */
export function engineTarget(engine: Engine, options: EngineTargetOptions = {}): EngineTarget {
  return new LoadedImages(engine, options);
}

class LoadedImages implements EngineTarget {
  readonly #engine: Engine;
  readonly #stored = new Map<string, Descriptor>();
  readonly #manifests = new Map<string, ParsedManifest>();
  readonly #roots: Root[] = [];
  readonly #pieces: TarInput[] = [];
  #wake: () => void = () => {};
  #turn: Promise<void> = Promise.resolve();
  #load: Operation<LoadResult, EngineEvent> | undefined;
  #platform: Platform | undefined;
  #isComplete = false;
  #failure: { readonly error: unknown } | undefined;

  constructor(engine: Engine, { platform }: EngineTargetOptions) {
    this.#engine = engine;
    this.#platform = platform;
  }

  async platform({ signal }: CallOptions = {}): Promise<Platform> {
    return this.#platform ??= await this.#engine.platform({ signal });
  }

  exists(target: Descriptor): Promise<boolean> {
    return Promise.resolve(this.#stored.has(target.digest));
  }

  fetch(target: Descriptor, options: FetchOptions = {}): Promise<ByteStream> {
    options.signal?.throwIfAborted();
    const manifest = this.#manifests.get(target.digest);
    if (manifest !== undefined && options.range === undefined) {
      return Promise.resolve(streamOf(manifest.raw));
    }
    return Promise.reject(
      new NotFoundError(
        `Cannot read ${target.digest} back from the engine at ${this.#engine.name}: it is sent`,
      ),
    );
  }

  resolve(reference: string): Promise<Descriptor> {
    const found = this.#roots.find((root) => root.reference === reference)?.descriptor ??
      this.#stored.get(reference);
    if (found !== undefined) return Promise.resolve(found);
    return Promise.reject(new NotFoundError(`Cannot find ${JSON.stringify(reference)}: it is new`));
  }

  async push(expected: Descriptor, content: ByteSource, options: CallOptions = {}): Promise<void> {
    options.signal?.throwIfAborted();
    const before = this.#turn;
    let leave = () => {};
    this.#turn = new Promise((resolve) => leave = resolve);
    try {
      await before;
      this.#check();
      if (this.#stored.has(expected.digest)) {
        if (content instanceof ReadableStream) await content.cancel();
        return;
      }
      await this.#send(expected, await openSource(content), options);
      this.#stored.set(expected.digest, expected);
    } finally {
      leave();
    }
  }

  async tag(target: Descriptor, reference: string, options: CallOptions = {}): Promise<void> {
    options.signal?.throwIfAborted();
    this.#check();
    const root = { descriptor: target, reference };
    const platform = await this.platform(options);
    // What cannot be loaded is refused here, before the rest is sent.
    archiveDocuments([root], this.#manifests, this.#stored, platform);
    this.#roots.push(root);
  }

  async commit(options: CallOptions = {}): Promise<LoadResult | undefined> {
    await this.#turn;
    this.#check();
    if (this.#roots.length === 0) {
      await this.abort();
      return undefined;
    }
    const platform = await this.platform(options);
    const sent = [this.#manifests, this.#stored] as const;
    this.#pieces.push(...archiveDocuments(this.#roots, ...sent, platform));
    this.#isComplete = true;
    const load = this.#started();
    this.#wake();
    const onAbort = (): void => load.abort(options.signal?.reason);
    options.signal?.addEventListener("abort", onAbort, { once: true });
    if (options.signal?.aborted === true) onAbort();
    try {
      return await load;
    } finally {
      options.signal?.removeEventListener("abort", onAbort);
    }
  }

  async abort(reason?: unknown): Promise<void> {
    if (this.#isComplete) return;
    this.#failure ??= { error: new TypeError("Cannot write to the engine: it was given up") };
    this.#load?.abort(reason);
    this.#wake();
    await this.#load?.catch(() => {});
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.abort();
  }

  async #send(expected: Descriptor, stream: ByteStream, { signal }: CallOptions): Promise<void> {
    const path = blobPath(expected.digest);
    const proved = verified(stream, expected);
    const { mediaType, digest, size } = expected;
    if (isIndexType(mediaType) || isManifestType(mediaType)) {
      const what = `the manifest ${digest}`;
      const raw = await readAll(proved, { maxBytes: MAX_MANIFEST_BYTES, what, signal });
      this.#manifests.set(digest, parseManifest(raw, mediaType));
      this.#pieces.push({ path, body: raw });
      this.#wake();
      return;
    }
    const load = this.#started();
    await new Promise<void>((resolve, reject) => {
      const fail = (error: unknown): void => {
        this.#failure ??= { error };
        reject(error);
      };
      const body = through(proved, { chunk: (chunk) => chunk, end: resolve, error: fail });
      this.#pieces.push({ path, size, body });
      this.#wake();
      // The engine may refuse before all is sent.
      load.catch(fail);
    });
  }

  /** Begins to send with the first piece. */
  #started(): Operation<LoadResult, EngineEvent> {
    return this.#load ??= this.#engine.images.load(writeTar(this.#inputs()));
  }

  async *#inputs(): AsyncGenerator<TarInput, void, undefined> {
    for (;;) {
      const piece = this.#pieces.shift();
      // An archive that ends well would be loaded.
      if (this.#failure !== undefined) throw this.#failure.error;
      if (piece !== undefined) yield piece;
      else if (this.#isComplete) return;
      else await new Promise<void>((resolve) => this.#wake = resolve);
    }
  }

  #check(): void {
    if (this.#failure !== undefined) throw this.#failure.error;
    if (this.#isComplete) throw new TypeError("Cannot write to the engine: it was committed");
  }
}
