import type { Feed } from "../bytes/feed.ts";
import type { ArchiveHandlers, ArchiveTask } from "../compress/archive_task.ts";
import type { LayerThread, LayerThreads } from "../compress/layer_threads.ts";
import type { HashAlgorithm } from "../hash/hasher.ts";
import type { StreamHasher } from "../hash/hasher.ts";
import type { ByteStream } from "../model/bytes.ts";
import type { CallOptions } from "../model/content.ts";
import { type HostThread, startThread } from "./_host_thread.ts";
import { ThreadFeed } from "./_thread_feed.ts";
import { ThreadHasher } from "./_thread_hasher.ts";
import { THREAD_SOURCE } from "./_thread_source.ts";

/** Layers of fewer bytes, as stored, are read where they are asked for: that takes milliseconds. */
export const MIN_THREAD_BYTES: number = 1024 * 1024;

/**
 * How many times as many bytes have to come before one more thread is started for them. To start it
 * and to warm up its code takes some 40 ms, which so many give back.
 */
const START_FACTOR = 16;

/** Options of {@linkcode layerThreads}. */
export interface LayerThreadsOptions {
  /**
   * Layers of fewer bytes as stored are not worth a thread; default {@linkcode MIN_THREAD_BYTES}. The
   * start of a thread is worth 16 times as many, of one layer or of several one after the other: an
   * image of a few MB is read as if there were none.
   */
  readonly minBytes?: number | undefined;
}

/** Threads that were made by {@linkcode layerThreads}. */
export interface HostThreads extends LayerThreads, AsyncDisposable {
  /**
   * Ends the threads. What is being read is read to its end; what comes later is read without them.
   */
  close(): Promise<void>;
}

/**
 * Makes threads that layers are decompressed and hashed in, side by side: for `validate()`,
 * `exportRootfs()`, `extract()` and whatever else reads layers. `pull()` and `copy()`, which do not
 * look into layers, have them hashed there. The results are the same with and without them, errors and
 * counts included. Only one thread is worth it too: it works while this one reads and writes.
 *
 * One is started for every 16 MiB of layers, as stored, up to their number, and stays for the next
 * layer until they are closed; they keep no process alive. Each takes at most 4 MiB for the bytes on
 * their way, beside what a worker of the host takes. Where the host has none (workerd), or a page
 * forbids them (its `Content-Security-Policy` needs `worker-src blob:`), or all of them are at work,
 * layers are read where they are asked for.
 *
 * @param size How many layers are read at the same time.
 * @param options What is worth a thread.
 * @returns The threads; close them.
 * @throws {RangeError} when `size` is no positive integer.
 *
 * @example Validate an image in two threads
 * ```ts
 * import { layerThreads, memoryStore, validate } from "@lading/lading";
 * import { randomImage } from "@lading/lading/testing";
 *
 * const store = memoryStore();
 * await (await randomImage("seed")).pushTo(store, "demo:1");
 * const threads = layerThreads(2);
 * try {
 *   console.log((await validate(store, "demo:1", { threads })).ok); // true
 * } finally {
 *   await threads.close();
 * }
 * ```
 */
export function layerThreads(size: number, options: LayerThreadsOptions = {}): HostThreads {
  if (!Number.isInteger(size) || size < 1) {
    throw new RangeError(`Cannot make ${size} threads: give a positive integer`);
  }
  return new ThreadPool(size, options.minBytes ?? MIN_THREAD_BYTES);
}

class ThreadPool implements HostThreads {
  readonly size: number;
  readonly minBytes: number;
  readonly #idle: HostThread[] = [];
  #count = 0;
  /** Bytes that came and were no thread's start yet. */
  #waiting = 0;
  #isClosed = false;

  constructor(size: number, minBytes: number) {
    this.size = size;
    this.minBytes = minBytes;
  }

  async take(bytes: number): Promise<LayerThread | undefined> {
    const thread = this.#idle.pop() ?? await this.#start(bytes);
    return thread && new TakenThread(thread, (isGood) => this.#leave(thread, isGood));
  }

  close(): Promise<void> {
    this.#isClosed = true;
    for (const thread of this.#idle.splice(0)) thread.end();
    return Promise.resolve();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #start(bytes: number): Promise<HostThread | undefined> {
    if (this.#isClosed || this.#count >= this.size) return undefined;
    const startBytes = START_FACTOR * this.minBytes;
    this.#waiting += bytes;
    if (this.#waiting < startBytes) return undefined;
    this.#waiting -= startBytes;
    this.#count++;
    const thread = await readyThread();
    if (thread === undefined) this.#count--;
    return thread;
  }

  #leave(thread: HostThread, isGood: boolean): void {
    thread.hold(false);
    if (isGood && !this.#isClosed) {
      thread.listener = { message() {}, died: () => this.#forget(thread) };
      this.#idle.push(thread);
      return;
    }
    thread.end();
    this.#count--;
  }

  #forget(thread: HostThread): void {
    const at = this.#idle.indexOf(thread);
    if (at < 0) return;
    this.#idle.splice(at, 1);
    this.#count--;
  }
}

class TakenThread implements LayerThread {
  readonly #thread: HostThread;
  readonly #leave: (isGood: boolean) => void;
  #hasher: ThreadHasher | undefined;
  #hasLeft = false;

  constructor(thread: HostThread, leave: (isGood: boolean) => void) {
    this.#thread = thread;
    this.#leave = leave;
  }

  read(
    stored: ByteStream,
    task: ArchiveTask,
    handlers: ArchiveHandlers,
    options: CallOptions,
  ): Feed {
    return new ThreadFeed(this.#thread, stored, task, handlers, options, this.#leave);
  }

  hasher(algorithm: HashAlgorithm): StreamHasher {
    return this.#hasher = new ThreadHasher(this.#thread, algorithm);
  }

  leave(): void {
    if (this.#hasLeft) return;
    this.#hasLeft = true;
    this.#leave(this.#hasher === undefined || this.#hasher.isDone);
  }
}

/** Starts a thread and waits until it listens; gives `undefined` where that cannot be had. */
function readyThread(): Promise<HostThread | undefined> {
  return new Promise((resolve) => {
    const thread = startThread(THREAD_SOURCE, {
      message: () => {
        thread?.hold(false);
        resolve(thread);
      },
      died: () => resolve(undefined),
    });
    if (thread === undefined) resolve(undefined);
  });
}
