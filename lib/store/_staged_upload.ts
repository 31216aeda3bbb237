import { iterate } from "../bytes/iterate.ts";
import { freeChunk, ownsChunks } from "../bytes/lineage.ts";
import { withSignal } from "../bytes/signal.ts";
import { letGo, openSource } from "../bytes/source.ts";
import { createHasher } from "../hash/create_hasher.ts";
import type { Hasher, HasherFactory } from "../hash/hasher.ts";
import type { Bytes, ByteSource } from "../model/bytes.ts";
import type { CallOptions, ContentUpload } from "../model/content.ts";
import type { Descriptor } from "../model/descriptor.ts";
import { formatDigest } from "../model/digest.ts";
import { quietly } from "./_files.ts";
import type { FileBeside } from "./_layout_files.ts";

/** The algorithm of digests that nobody has asked for. */
export const UPLOAD_ALGORITHM = "sha256";

/** Where the content of an upload waits until it is known what it is: nobody else finds it there. */
export interface Stage {
  /** Takes the next bytes, and keeps nothing of the chunk itself. */
  write(chunk: Bytes): Promise<void>;
  /** Puts what was taken in its place; what is there already stays. Nothing is staged afterwards. */
  store(content: Descriptor, signal: AbortSignal): Promise<void>;
  /** Gives up what was taken. */
  discard(): Promise<void>;
}

/**
 * Stages content in a file beside its place.
 *
 * @param file The file.
 * @param nameOf Tells its name in the end; `undefined` when the content is there already.
 */
export function stagedBeside(
  file: FileBeside,
  nameOf: (content: Descriptor) => Promise<string | undefined>,
): Stage {
  return {
    write: (chunk) => file.write(chunk),
    async store(content) {
      const name = await nameOf(content);
      if (name === undefined) return await file.abandon();
      await file.moveTo(name);
      await file.settle();
    },
    discard: () => file.abandon(),
  };
}

/** What an upload is about. */
export interface StagedUploadOptions {
  /** The store, for messages. */
  readonly place: string;
  readonly hasher: HasherFactory | undefined;
  /** Gives it up, whoever holds it. */
  readonly given?: AbortSignal | undefined;
}

/** Content on its way into a store. It is hashed as it comes; a failure gives it up. */
export class StagedUpload implements ContentUpload {
  readonly #stage: Stage;
  readonly #place: string;
  readonly #hasher: Hasher;
  readonly #cancelled = new AbortController();
  readonly #forget: () => void;
  #size = 0;
  #work: Promise<unknown> | undefined;
  #isOver = false;
  #end: () => void = () => {};
  /** Is fulfilled when nothing is staged any more. */
  readonly ended: Promise<void> = new Promise((resolve) => this.#end = resolve);

  constructor(stage: Stage, { place, hasher, given }: StagedUploadOptions) {
    this.#stage = stage;
    this.#place = place;
    this.#hasher = (hasher ?? createHasher)(UPLOAD_ALGORITHM);
    const cancel = (): void => void this.cancel();
    given?.addEventListener("abort", cancel, { once: true });
    this.#forget = () => given?.removeEventListener("abort", cancel);
    if (given?.aborted) cancel();
  }

  async append(content: ByteSource, options: CallOptions = {}): Promise<void> {
    try {
      await this.#run(options, async (signal) => {
        const stream = withSignal(await openSource(content), signal);
        const isOwner = ownsChunks(stream);
        for await (const chunk of iterate(stream)) {
          this.#hasher.update(chunk);
          this.#size += chunk.byteLength;
          await this.#stage.write(chunk);
          if (isOwner) freeChunk(chunk);
        }
        signal.throwIfAborted();
      });
    } catch (error) {
      await letGo(content, error);
      throw error;
    }
  }

  async finish(options: CallOptions = {}): Promise<Descriptor> {
    return await this.#run(options, async (signal) => {
      const content = {
        mediaType: "application/octet-stream",
        digest: formatDigest(UPLOAD_ALGORITHM, this.#hasher.digest()),
        size: this.#size,
      };
      await this.#stage.store(content, signal);
      this.#isOver = true;
      this.#finished();
      return content;
    });
  }

  async cancel(): Promise<void> {
    if (this.#isOver) return await this.ended;
    this.#isOver = true;
    this.#cancelled.abort();
    await quietly(Promise.resolve(this.#work));
    await this.#discard();
  }

  async #run<Result>(
    { signal }: CallOptions,
    work: (signal: AbortSignal) => Promise<Result>,
  ): Promise<Result> {
    if (this.#isOver || this.#work !== undefined) {
      const why = this.#isOver ? "the upload is over" : "it is busy; await it";
      throw new TypeError(`Cannot push a blob to ${this.#place}: ${why}`);
    }
    const cancelled = this.#cancelled.signal;
    const either = signal === undefined ? cancelled : AbortSignal.any([cancelled, signal]);
    try {
      either.throwIfAborted();
      const working = work(either);
      this.#work = working;
      return await working;
    } catch (error) {
      // Nobody can tell how much of it was taken.
      if (!this.#isOver) {
        this.#isOver = true;
        await this.#discard();
      }
      throw error;
    } finally {
      this.#work = undefined;
    }
  }

  async #discard(): Promise<void> {
    await quietly(this.#stage.discard());
    this.#finished();
  }

  #finished(): void {
    this.#forget();
    this.#end();
  }
}
