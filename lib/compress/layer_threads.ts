import type { Feed } from "../bytes/feed.ts";
import type { HashAlgorithm } from "../hash/hasher.ts";
import type { StreamHasher } from "../hash/hasher.ts";
import type { ByteStream } from "../model/bytes.ts";
import type { CallOptions } from "../model/content.ts";
import type { ArchiveHandlers, ArchiveTask } from "./archive_task.ts";

/** Threads that layers can be read in; `layerThreads()` of the entries of the runtimes makes them. */
export interface LayerThreads {
  /** How many layers are read at the same time. */
  readonly size: number;
  /** Layers of fewer bytes as stored are not worth a thread. */
  readonly minBytes: number;
  /**
   * Takes a thread that has nothing to do.
   *
   * @param bytes The bytes of the layer as it is stored.
   * @returns The thread; `undefined` when all of them are at work, when none is worth its start yet,
   * or when the host has none, and then the layer is read where it was asked for. It never waits for
   * another layer: who reads one slowly, or not at all, keeps nobody from the others.
   */
  take(bytes: number): Promise<LayerThread | undefined>;
}

/** A thread that was taken, for one layer: to be read, or to be hashed as it is stored. */
export interface LayerThread {
  /**
   * Decompresses a layer in the thread, and hashes what comes out. What the feed gives, counts and
   * throws is what it would without a thread.
   *
   * @param stored The layer as it is stored; it is locked from now on.
   * @param task What is to be done.
   * @param handlers Who is told.
   * @param options A signal, which also ends the feed.
   * @returns The uncompressed layer, lent. The thread is free again when the feed has ended; after a
   * cancel, or an abort, it ends at once.
   */
  read(
    stored: ByteStream,
    task: ArchiveTask,
    handlers: ArchiveHandlers,
    options: CallOptions,
  ): Feed;
  /**
   * Makes a hasher that works in the thread.
   *
   * @param algorithm The algorithm.
   * @returns The hasher; bytes that it was given are copied, and may change at once.
   */
  hasher(algorithm: HashAlgorithm): StreamHasher;
  /** Gives the thread back, which ends it when a hash is not done. A feed does that itself. */
  leave(): void;
}
