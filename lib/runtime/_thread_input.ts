import type { Feed } from "../bytes/feed.ts";
import { freeChunk } from "../bytes/lineage.ts";
import type { Bytes } from "../model/bytes.ts";

/** What comes in: a chunk with the stored bytes that it counts, the end, or a break of the source. */
export type InputItem = { readonly chunk: Bytes; readonly stored: number } | "end" | "break";

/** The error that stands for that of the source, which stays on the other side. */
export const SOURCE_BROKE: Error = new Error("The source has failed");

/** What a thread does with its input. */
export interface InputHandlers {
  /** Is told that a chunk was used up. */
  used(stored: number): void;
  /** Is told that there is nothing to do but wait. */
  idle(): void;
}

/** The stored bytes of a layer as they come to a thread. */
export class ThreadInput implements Feed {
  readonly lends = true;
  readonly #handlers: InputHandlers;
  readonly #items: InputItem[] = [];
  #last: Bytes | undefined;
  #wake: (() => void) | undefined;

  constructor(handlers: InputHandlers) {
    this.#handlers = handlers;
  }

  /** Takes what has come. */
  push(item: InputItem): void {
    this.#items.push(item);
    this.#wake?.();
    this.#wake = undefined;
  }

  next(): Bytes | undefined | Promise<Bytes | undefined> {
    // What was moved here is nobody else's.
    if (this.#last !== undefined) freeChunk(this.#last);
    this.#last = undefined;
    const item = this.#items[0];
    if (item === undefined) return this.#wait();
    // The end and a break stay for whoever asks again.
    if (item === "end") return undefined;
    if (item === "break") throw SOURCE_BROKE;
    this.#items.shift();
    this.#handlers.used(item.stored);
    return this.#last = item.chunk;
  }

  cancel(): Promise<void> {
    return Promise.resolve();
  }

  async #wait(): Promise<Bytes | undefined> {
    this.#handlers.idle();
    await new Promise<void>((wake) => this.#wake = wake);
    return await this.next();
  }
}
