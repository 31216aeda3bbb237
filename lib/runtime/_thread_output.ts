import type { Bytes } from "../model/bytes.ts";
import {
  type FromThread,
  THREAD_BUFFER_BYTES,
  THREAD_BUFFERS,
  type ThreadEnd,
  type ThreadPiece,
} from "./_thread_messages.ts";

/** Sends a message, and moves buffers along with it. */
export type Post<Message> = (message: Message, moved?: ArrayBuffer[]) => void;

/** The buffers of a thread: what a layer comes to is copied into them, and they are sent. */
export class ThreadOutput {
  readonly #post: Post<FromThread>;
  readonly #free: ArrayBuffer[] = [];
  #made = 0;
  #current: Bytes | undefined;
  #pieces: ThreadPiece[] = [];
  #length = 0;
  #stored = 0;
  #wake: (() => void) | undefined;

  constructor(post: Post<FromThread>) {
    this.#post = post;
  }

  /** Counts stored bytes: they belong to the next piece. */
  count(stored: number): void {
    this.#stored += stored;
  }

  /** Takes a buffer back. */
  giveBack(buffer: ArrayBuffer): void {
    this.#free.push(buffer);
    this.#wake?.();
    this.#wake = undefined;
  }

  /** Copies a piece; waits while all buffers are on their way. */
  async put(piece: Bytes): Promise<void> {
    for (let at = 0; at < piece.length;) {
      const buffer = this.#buffer() ?? await this.#nextBuffer();
      const part = piece.subarray(at, at + buffer.length - this.#length);
      buffer.set(part, this.#length);
      this.#length += part.length;
      this.#pieces.push({ length: part.length, stored: this.#stored });
      this.#stored = 0;
      at += part.length;
      if (this.#length === buffer.length) this.flush();
    }
  }

  /** Sends what there is. */
  flush(): void {
    const current = this.#current;
    if (current === undefined || this.#length === 0) return;
    const { buffer } = current;
    this.#post({ type: "pieces", buffer, pieces: this.#pieces }, [buffer]);
    this.#current = undefined;
    this.#pieces = [];
    this.#length = 0;
  }

  /** Sends the rest, and how it has ended. */
  end(end: ThreadEnd): void {
    this.flush();
    const stored = this.#stored;
    this.#stored = 0;
    this.#post({ type: "end", stored, end });
  }

  #buffer(): Bytes | undefined {
    if (this.#current !== undefined) return this.#current;
    const buffer = this.#free.pop();
    if (buffer !== undefined) return this.#current = new Uint8Array(buffer);
    if (this.#made === THREAD_BUFFERS) return undefined;
    this.#made++;
    return this.#current = new Uint8Array(THREAD_BUFFER_BYTES);
  }

  async #nextBuffer(): Promise<Bytes> {
    for (;;) {
      const buffer = this.#buffer();
      if (buffer !== undefined) return buffer;
      await new Promise<void>((wake) => this.#wake = wake);
    }
  }
}
