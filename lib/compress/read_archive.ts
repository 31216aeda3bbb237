import { type Feed, feedOf, tapped } from "../bytes/feed.ts";
import type { Bytes, ByteStream } from "../model/bytes.ts";
import type { CallOptions } from "../model/content.ts";
import { formatDigest } from "../model/digest.ts";
import type { ArchiveHandlers, ArchiveTask } from "./archive_task.ts";
import { decompressFeed } from "./decompress.ts";
import type { LayerThreads } from "./layer_threads.ts";
import { outputCap } from "./_output_cap.ts";
import { type Stages, stagesOf } from "./stages.ts";

/** Options of {@linkcode readArchive}. */
export interface ReadArchiveOptions extends ArchiveTask, CallOptions {
  /** The bytes of the layer as it is stored. */
  readonly size: number;
  /** Threads to do it in; without them it is done here. */
  readonly threads?: LayerThreads | undefined;
  /** Decompresses gzip in place of the kernel alone; then it is done here. */
  readonly gunzip?: ((source: Feed) => Feed) | undefined;
}

/**
 * Decompresses a layer and hashes what comes out: one pass, in a thread where there is one to take.
 *
 * @param stored The layer as it is stored; it is locked from now on.
 * @param options What is to be done, and where.
 * @param handlers Who is told.
 * @returns The uncompressed layer.
 * @throws {RangeError} when `maxOutputBytes` is no number of bytes.
 */
export function readArchive(
  stored: ByteStream,
  options: ReadArchiveOptions,
  handlers: ArchiveHandlers,
): Feed {
  const { size, threads, gunzip, signal, ...task } = options;
  const readHere = () =>
    archiveFeed(feedOf(stored), stagesOf(task.kernel), { ...task, gunzip }, handlers);
  if (threads === undefined || gunzip !== undefined || size < threads.minBytes) return readHere();
  // What is wrong with the options is told at once, here as there.
  outputCap(task.maxOutputBytes);
  return new OpeningFeed(stored, async () => {
    const thread = await threads.take(size);
    return thread?.read(stored, task, handlers, { signal }) ?? readHere();
  });
}

/** Does the pass on the thread that it is called on. */
export function archiveFeed(
  stored: Feed,
  { kernel, hasher: hashers }: Stages,
  { algorithm, maxOutputBytes, gunzip }: ArchiveTask & Pick<ReadArchiveOptions, "gunzip">,
  handlers: ArchiveHandlers,
): Feed {
  const archive = decompressFeed(
    handlers.stored === undefined
      ? stored
      : tapped(stored, { piece: ({ byteLength }) => handlers.stored?.(byteLength) }),
    { maxOutputBytes, kernel, gunzip },
  );
  const hasher = algorithm === undefined ? undefined : hashers(algorithm);
  return tapped(archive, {
    piece: (piece) => hasher?.update(piece),
    end: async () => {
      const digest = hasher && formatDigest(hasher.algorithm, await hasher.digest());
      handlers.end?.({ digest, compression: archive.compression ?? "none" });
    },
  });
}

/** A feed that is opened by the first call. */
class OpeningFeed implements Feed {
  readonly #stored: ByteStream;
  readonly #open: () => Promise<Feed>;
  #inner: Feed | undefined;
  #isCancelled = false;
  #reason: unknown;

  constructor(stored: ByteStream, open: () => Promise<Feed>) {
    this.#stored = stored;
    this.#open = open;
  }

  get lends(): boolean {
    return this.#inner?.lends ?? false;
  }

  next(): Bytes | undefined | Promise<Bytes | undefined> {
    return this.#inner === undefined ? this.#first() : this.#inner.next();
  }

  async cancel(reason: unknown): Promise<void> {
    this.#isCancelled = true;
    this.#reason = reason;
    // One that is being opened is cancelled when it is open.
    if (this.#inner !== undefined) await this.#inner.cancel(reason);
    else if (!this.#stored.locked) await this.#stored.cancel(reason);
  }

  async #first(): Promise<Bytes | undefined> {
    if (!this.#isCancelled) this.#inner = await this.#open();
    return await this.#unlessCancelled(this.#inner);
  }

  async #unlessCancelled(inner: Feed | undefined): Promise<Bytes | undefined> {
    if (!this.#isCancelled) return await inner?.next();
    await inner?.cancel(this.#reason);
    return undefined;
  }
}
