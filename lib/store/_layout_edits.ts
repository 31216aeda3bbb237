import type { ImageIndex } from "../model/image_index.ts";
import type { Bytes } from "../model/bytes.ts";
import { EMPTY_INDEX, formatLayoutIndex } from "./_layout_index.ts";
import { type LockOptions, replaceLocked } from "./file_lock.ts";

/** Makes the next state of an index; the very same object says that nothing changes. */
export type Edit = (index: ImageIndex) => ImageIndex | Promise<ImageIndex>;

interface WaitingEdit {
  readonly edit: Edit;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/** What {@linkcode IndexEdits} works on. */
export interface IndexEditsOptions extends LockOptions {
  /** The layout, for messages. */
  readonly place: string;
  /** Reads `index.json` as it is; `undefined` when there is none yet. */
  readonly read: () => Promise<ImageIndex | undefined>;
}

/**
 * Changes `index.json`. Changes that come up while another one is being written wait for it and
 * are then written together, under one lock: a hundred tags cost two or three writes.
 */
export class IndexEdits {
  readonly #options: IndexEditsOptions;
  readonly #waiting = new Set<WaitingEdit>();
  #running: Promise<void> | undefined;

  constructor(options: IndexEditsOptions) {
    this.#options = options;
  }

  /** Makes a change; once it has begun to be written, the signal is too late. */
  apply(edit: Edit, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const abort = () => {
        if (this.#waiting.delete(entry)) reject(signal?.reason);
      };
      const settled =
        <Args extends unknown[]>(settle: (...args: Args) => void) => (...args: Args) => {
          signal?.removeEventListener("abort", abort);
          settle(...args);
        };
      const entry = { edit, resolve: settled(resolve), reject: settled(reject) };
      if (signal?.aborted) return reject(signal.reason);
      signal?.addEventListener("abort", abort, { once: true });
      this.#waiting.add(entry);
      this.#running ??= this.#run();
    });
  }

  async #run(): Promise<void> {
    while (this.#waiting.size > 0) await this.#writeOnce();
    this.#running = undefined;
  }

  /** Waits until nothing is written any more, also for changes that were given up. */
  async settled(): Promise<void> {
    await this.#running;
  }

  async #writeOnce(): Promise<void> {
    const accepted = new Set<WaitingEdit>();
    const failed = new Map<WaitingEdit, unknown>();
    const update = async () => {
      // After a lost lock, those who were accepted before begin again with the others.
      for (const entry of this.#waiting) accepted.add(entry);
      this.#waiting.clear();
      return await this.#update(accepted, failed);
    };
    try {
      await replaceLocked(this.#options, update, () => this.#waiting.size + accepted.size > 0);
      for (const entry of accepted) entry.resolve();
    } catch (error) {
      // Without the lock nobody was accepted, and nobody can be.
      for (const entry of [...accepted, ...this.#waiting]) entry.reject(error);
      this.#waiting.clear();
    }
    // Nobody is told before the lock is free.
    for (const [entry, error] of failed) entry.reject(error);
  }

  async #update(
    accepted: Set<WaitingEdit>,
    failed: Map<WaitingEdit, unknown>,
  ): Promise<Bytes | undefined> {
    const before = await this.#options.read();
    let index = before ?? EMPTY_INDEX;
    for (const entry of accepted) {
      try {
        index = await entry.edit(index);
      } catch (error) {
        accepted.delete(entry);
        failed.set(entry, error);
      }
    }
    if (index === before) return undefined;
    return formatLayoutIndex(index, this.#options.place);
  }
}
