import type { Feed } from "../bytes/feed.ts";
import { freeChunk } from "../bytes/lineage.ts";
import type { Bytes } from "../model/bytes.ts";

/** What comes in: a chunk with the stored bytes that it counts, the end, or a break of the source. */
export type InputItem = InputChunk | "end" | "break";

interface InputChunk {
  readonly buffer: ArrayBuffer;
  readonly length: number;
  readonly stored: number;
  readonly isLent: boolean;
}

/** The error that stands for that of the source, which stays on the other side. */
export const SOURCE_BROKE: Error = new Error("The source has failed");

/** What a thread does with its input. */
export interface InputHandlers {
  /** Is told what a chunk counts, before it is used. */
  count(stored: number): void;
  /** Is told that a chunk was used up; its buffer when it was lent. */
  used(buffer: ArrayBuffer | undefined): void;
  /** Is told that there is nothing to do but wait. */
  idle(): void;
}

/** The stored bytes of a layer as they come to a thread. */
export class ThreadInput implements Feed {
  readonly lends = true;
  readonly #handlers: InputHandlers;
  readonly #items: InputItem[] = [];
  #last: InputChunk | undefined;
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
    this.#leave();
    const item = this.#items[0];
    if (item === undefined) return this.#wait();
    // The end and a break stay for whoever asks again.
    if (item === "end") return undefined;
    if (item === "break") throw SOURCE_BROKE;
    this.#items.shift();
    this.#handlers.count(item.stored);
    this.#last = item;
    return new Uint8Array(item.buffer, 0, item.length);
  }

  cancel(): Promise<void> {
    return Promise.resolve();
  }

  /** Is done with the chunk before. */
  #leave(): void {
    const last = this.#last;
    if (last === undefined) return;
    this.#last = undefined;
    // What was moved here is nobody else's.
    if (!last.isLent) freeChunk(new Uint8Array(last.buffer));
    this.#handlers.used(last.isLent ? last.buffer : undefined);
  }

  async #wait(): Promise<Bytes | undefined> {
    this.#handlers.idle();
    await new Promise<void>((wake) => this.#wake = wake);
    return await this.next();
  }
}
