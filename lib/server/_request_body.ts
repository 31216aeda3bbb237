import type { Bytes, ByteStream } from "../model/bytes.ts";

/**
 * The body of a request, which can be read through several streams after one another, and which
 * knows whether it was the body that failed: the client went away.
 */
export class RequestBody {
  readonly #reader: ReadableStreamDefaultReader<Bytes> | undefined;
  /** The length that was announced; `undefined` when there was none. */
  readonly length: number | undefined;
  /** Whether reading it failed. */
  hasFailed = false;

  constructor(request: Request) {
    const body = request.body as ByteStream | null;
    this.#reader = body?.getReader();
    const length = request.headers.get("content-length");
    const isLength = length !== null && /^\d{1,15}$/.test(length);
    this.length = body === null ? 0 : isLength ? Number(length) : undefined;
  }

  /** Reads one chunk; `undefined` at the end. */
  async read(): Promise<Bytes | undefined> {
    if (this.#reader === undefined) return undefined;
    try {
      const { done, value } = await this.#reader.read();
      return done ? undefined : value;
    } catch (error) {
      this.hasFailed = true;
      throw error;
    }
  }

  /** Gives what was not read yet as a stream. Cancelling it leaves the rest to be read. */
  stream(): ByteStream {
    return new ReadableStream<Bytes>({
      pull: async (controller) => {
        for (;;) {
          const chunk = await this.read();
          if (chunk === undefined) return controller.close();
          if (chunk.byteLength > 0) return controller.enqueue(chunk);
        }
      },
    }, { highWaterMark: 0 });
  }

  /** Gives up on the rest; a read that waits sees the end. */
  cancel(): void {
    this.#reader?.cancel().catch(() => {});
  }
}
