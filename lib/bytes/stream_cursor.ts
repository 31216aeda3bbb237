import { streamFrom } from "./stream_from.ts";
import type { Bytes, ByteStream } from "../model/bytes.ts";

/** Reads a stream in parts: each part is as long as asked for, and nothing is lost between them. */
export class StreamCursor {
  readonly #reader: ReadableStreamDefaultReader<Bytes>;
  #held: Bytes = new Uint8Array(0);

  constructor(stream: ByteStream) {
    this.#reader = stream.getReader();
  }

  /** Gives the next bytes, at most `maxBytes`; `undefined` at the end. */
  async next(maxBytes: number): Promise<Bytes | undefined> {
    while (this.#held.byteLength === 0) {
      const { done, value } = await this.#reader.read();
      if (done) return undefined;
      this.#held = value;
    }
    const piece = this.#held.subarray(0, maxBytes);
    this.#held = this.#held.subarray(piece.byteLength);
    return piece;
  }

  /** Passes over bytes; tells whether there were as many. */
  async skip(bytes: number): Promise<boolean> {
    for (let left = bytes; left > 0;) {
      const piece = await this.next(left);
      if (piece === undefined) return false;
      left -= piece.byteLength;
    }
    return true;
  }

  /** Gives the next bytes as a stream of their own, and a way to pass over what it has not read. */
  part(bytes: number): { readonly stream: ByteStream; rest(): Promise<boolean> } {
    let left = bytes;
    const next = async function* (cursor: StreamCursor): AsyncGenerator<Bytes> {
      while (left > 0) {
        const piece = await cursor.next(left);
        if (piece === undefined) return;
        left -= piece.byteLength;
        yield piece;
      }
    };
    return { stream: streamFrom(next(this)), rest: () => this.skip(left) };
  }

  /** Gives all that is left as a stream, behind some bytes. */
  rest(head: Bytes): ByteStream {
    let isHeadDue = head.byteLength > 0;
    return new ReadableStream<Bytes>({
      pull: async (controller) => {
        const chunk = isHeadDue ? head : await this.next(Infinity);
        isHeadDue = false;
        if (chunk === undefined) controller.close();
        else controller.enqueue(chunk);
      },
      cancel: (reason) => this.cancel(reason),
    }, { highWaterMark: 0 });
  }

  /** Gives the stream up. */
  async cancel(reason?: unknown): Promise<void> {
    await this.#reader.cancel(reason);
  }
}
