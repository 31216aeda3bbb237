import type { Bytes } from "../model/bytes.ts";
import type { HostThread } from "./_host_thread.ts";
import { MAX_CHUNKS_AHEAD, MAX_COPIED_BYTES } from "./_thread_messages.ts";

/** The way of bytes to a thread: as many chunks at a time as it may have, in buffers that come back. */
export class ThreadChunks {
  readonly #thread: HostThread;
  readonly #free: ArrayBuffer[] = [];
  #room = MAX_CHUNKS_AHEAD;
  #isStopped = false;
  #wake: (() => void) | undefined;

  constructor(thread: HostThread) {
    this.#thread = thread;
  }

  /**
   * Sends a chunk as soon as there is room. It is copied, unless the memory is the sender's own: then
   * that is moved.
   */
  send(chunk: Bytes, isOwn: boolean, stored: number = chunk.byteLength): void | Promise<void> {
    for (let at = 0, counted = stored; at < chunk.byteLength && !this.#isStopped; counted = 0) {
      if (this.#room === 0) return this.#sendLater(chunk.subarray(at), isOwn, counted);
      const isMoved = isOwn && chunk.byteLength === chunk.buffer.byteLength;
      const part = isMoved ? chunk : this.#copy(chunk.subarray(at, at + MAX_COPIED_BYTES));
      const { buffer, length } = part;
      this.#room--;
      this.#thread.post(
        { type: "chunk", buffer, length, stored: counted, isLent: !isMoved },
        [buffer],
      );
      if (isMoved) return;
      at += length;
    }
  }

  /** Takes note that the thread has used a chunk up, and takes its buffer back. */
  used(buffer: ArrayBuffer | undefined): void {
    this.#room++;
    if (buffer !== undefined) this.#free.push(buffer);
    this.#wake?.();
  }

  /** Sends no more. */
  stop(): void {
    this.#isStopped = true;
    this.#wake?.();
  }

  async #sendLater(chunk: Bytes, isOwn: boolean, stored: number): Promise<void> {
    await new Promise<void>((wake) => this.#wake = wake);
    await this.send(chunk, isOwn, stored);
  }

  #copy(part: Bytes): Bytes {
    const buffer = this.#free.pop() ?? new ArrayBuffer(MAX_COPIED_BYTES);
    const copy = new Uint8Array(buffer, 0, part.byteLength);
    copy.set(part);
    return copy;
  }
}
