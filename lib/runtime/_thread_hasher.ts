import type { HashAlgorithm } from "../hash/hasher.ts";
import type { StreamHasher } from "../hash/hasher.ts";
import type { Bytes } from "../model/bytes.ts";
import type { HostThread } from "./_host_thread.ts";
import { ThreadChunks } from "./_thread_chunks.ts";
import { type FromThread, threadDied } from "./_thread_messages.ts";

/** Hashes content in a thread: chunks are copied, and go on to who reads them at once. */
export class ThreadHasher implements StreamHasher {
  readonly algorithm: HashAlgorithm;
  readonly #thread: HostThread;
  readonly #chunks: ThreadChunks;
  #hash: Bytes | undefined;
  #failure: Error | undefined;
  #wake: (() => void) | undefined;

  constructor(thread: HostThread, algorithm: HashAlgorithm) {
    this.algorithm = algorithm;
    this.#thread = thread;
    this.#chunks = new ThreadChunks(thread);
    thread.listener = {
      message: (message) => this.#take(message),
      died: (cause) => this.#fail(cause),
    };
    thread.hold(true);
    thread.post({ type: "hash", algorithm });
  }

  /** Whether the digest was given, so that the thread has nothing left to do. */
  get isDone(): boolean {
    return this.#hash !== undefined;
  }

  update(chunk: Bytes): void | Promise<void> {
    if (this.#failure !== undefined) throw this.#failure;
    const sent = this.#chunks.send(chunk, false);
    return sent?.then(() => {
      if (this.#failure !== undefined) throw this.#failure;
    });
  }

  async digest(): Promise<Bytes> {
    this.#thread.post({ type: "end" });
    while (this.#hash === undefined) {
      if (this.#failure !== undefined) throw this.#failure;
      await new Promise<void>((wake) => this.#wake = wake);
    }
    return this.#hash;
  }

  #take(message: FromThread): void {
    if (message.type === "used") return this.#chunks.used(message.buffer);
    if (message.type !== "end" || message.end.type !== "hashed") return;
    this.#hash = message.end.hash;
    this.#wake?.();
  }

  #fail(cause: unknown): void {
    this.#failure = threadDied(cause);
    this.#chunks.stop();
    this.#wake?.();
  }
}
