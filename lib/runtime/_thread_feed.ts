import core from "#wasm";
import type { Feed } from "../bytes/feed.ts";
import { ownsChunks } from "../bytes/lineage.ts";
import type { ArchiveHandlers, ArchiveTask } from "../compress/archive_task.ts";
import type { Bytes, ByteStream } from "../model/bytes.ts";
import type { CallOptions } from "../model/content.ts";
import type { HostThread } from "./_host_thread.ts";
import { ThreadChunks } from "./_thread_chunks.ts";
import { errorOf, type FromThread, threadDied, type ThreadPiece } from "./_thread_messages.ts";

/** A buffer that came, and how far it was handed out. */
interface Batch {
  readonly buffer: ArrayBuffer;
  readonly pieces: readonly ThreadPiece[];
  next: number;
  offset: number;
}

/** The side of a thread that asks: one layer. */
export class ThreadFeed implements Feed {
  readonly lends = true;
  readonly #thread: HostThread;
  readonly #reader: ReadableStreamDefaultReader<Bytes>;
  readonly #ownsChunks: boolean;
  readonly #handlers: ArchiveHandlers;
  readonly #leave: (isGood: boolean) => void;
  readonly #chunks: ThreadChunks;
  readonly #batches: Batch[] = [];
  readonly #forget: () => void;
  #end: (FromThread & { readonly type: "end" }) | undefined;
  #wake: (() => void) | undefined;
  #broke: { readonly error: unknown } | undefined;
  #failure: { readonly error: unknown } | undefined;
  #isClosed = false;

  /** @param leave Is told that the thread is free again, or that it is not to be used any more. */
  constructor(
    thread: HostThread,
    stored: ByteStream,
    task: ArchiveTask,
    handlers: ArchiveHandlers,
    { signal }: CallOptions,
    leave: (isGood: boolean) => void,
  ) {
    this.#thread = thread;
    this.#ownsChunks = ownsChunks(stored);
    this.#reader = stored.getReader();
    this.#chunks = new ThreadChunks(thread);
    this.#handlers = handlers;
    this.#leave = leave;
    thread.listener = {
      message: (message) => this.#take(message),
      died: (cause) => this.#abandon(threadDied(cause)),
    };
    const abort = () => this.#abandon(signal?.reason);
    signal?.addEventListener("abort", abort, { once: true });
    this.#forget = () => signal?.removeEventListener("abort", abort);
    if (signal?.aborted) {
      this.#fail(signal.reason, true);
      return;
    }
    const { algorithm, maxOutputBytes, kernel } = task;
    thread.post({ type: "read", task: { algorithm, maxOutputBytes, kernel }, module: core });
    this.#pump();
  }

  next(): Bytes | undefined | Promise<Bytes | undefined> {
    if (this.#failure !== undefined) throw this.#failure.error;
    if (this.#isClosed) return undefined;
    const batch = this.#batch();
    if (batch !== undefined) return this.#piece(batch);
    return this.#end === undefined ? this.#wait() : this.#finish(this.#end);
  }

  async cancel(reason: unknown): Promise<void> {
    if (this.#isClosed) return;
    this.#close(false);
    await this.#reader.cancel(reason);
  }

  /** Gives the buffer that still has pieces; one that has none goes back to the thread. */
  #batch(): Batch | undefined {
    const batch = this.#batches[0];
    if (batch === undefined || batch.next < batch.pieces.length) return batch;
    this.#batches.shift();
    const { buffer } = batch;
    this.#thread.post({ type: "buffer", buffer }, [buffer]);
    return this.#batches[0];
  }

  #piece(batch: Batch): Bytes {
    const { length = 0, stored = 0 } = batch.pieces[batch.next++] ?? {};
    const piece = new Uint8Array(batch.buffer, batch.offset, length);
    batch.offset += length;
    this.#count(stored);
    return piece;
  }

  #count(stored: number): void {
    if (stored > 0) this.#handlers.stored?.(stored);
  }

  #finish({ stored, end }: FromThread & { readonly type: "end" }): undefined {
    try {
      this.#count(stored);
      if (end.type === "failed") throw errorOf(end.failure);
      if (end.type === "broken") throw this.#broke?.error;
      if (end.type === "done") this.#handlers.end?.(end.summary);
      this.#close(true);
    } catch (error) {
      this.#fail(error, true);
      throw error;
    }
  }

  async #wait(): Promise<Bytes | undefined> {
    // Only who waits keeps the process alive.
    this.#thread.hold(true);
    await new Promise<void>((wake) => this.#wake = wake);
    if (!this.#isClosed) this.#thread.hold(false);
    return await this.next();
  }

  #take(message: FromThread): void {
    if (message.type === "used") return this.#chunks.used(message.buffer);
    if (message.type === "pieces") {
      const { buffer, pieces } = message;
      this.#batches.push({ buffer, pieces, next: 0, offset: 0 });
    } else if (message.type === "end") {
      this.#end = message;
      this.#chunks.stop();
    }
    this.#wake?.();
  }

  /** Sends the source to the thread, as far ahead as it may. */
  async #pump(): Promise<void> {
    try {
      for (;;) {
        const { done, value } = await this.#reader.read();
        if (this.#isOver()) return;
        if (done) return this.#thread.post({ type: "end" });
        await this.#chunks.send(value, this.#ownsChunks);
      }
    } catch (error) {
      if (this.#isOver()) return;
      this.#broke = { error };
      this.#thread.post({ type: "break" });
    }
  }

  #isOver(): boolean {
    return this.#isClosed || this.#end !== undefined;
  }

  /** Fails at once, whatever the thread is at. */
  #abandon(error: unknown): void {
    if (this.#isClosed) return;
    this.#fail(error, false);
  }

  #fail(error: unknown, isGood: boolean): void {
    this.#failure = { error };
    this.#close(isGood);
    this.#reader.cancel(error).catch(() => {});
  }

  #close(isGood: boolean): void {
    this.#isClosed = true;
    this.#forget();
    this.#batches.length = 0;
    this.#leave(isGood);
    this.#chunks.stop();
    this.#wake?.();
  }
}
