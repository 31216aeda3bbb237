import { streamOfChunks } from "../bytes/chunks.ts";
import { inLargePieces } from "../bytes/large_pieces.ts";
import { noteOwnedChunks, ownsChunks } from "../bytes/lineage.ts";
import type { Bytes, ByteStream } from "../model/bytes.ts";

/**
 * The body of a request, which can be read through several streams after one another, and which
 * knows whether it was the body that failed: the client went away.
 */
export class RequestBody {
  readonly #reader: ReadableStreamDefaultReader<Bytes> | undefined;
  /** The length that was announced; `undefined` when there was none. */
  readonly length: number | undefined;
  /** Whether nobody else holds its chunks. */
  readonly ownsChunks: boolean;
  /** Whether reading it failed. */
  hasFailed = false;

  constructor(request: Request) {
    const body = request.body as ByteStream | null;
    const length = request.headers.get("content-length");
    const isLength = length !== null && /^\d{1,15}$/.test(length);
    this.length = body === null ? 0 : isLength ? Number(length) : undefined;
    const content = body && inLargePieces(body, this.length ?? Infinity);
    this.ownsChunks = content !== null && ownsChunks(content);
    this.#reader = content?.getReader();
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
    const stream = streamOfChunks({
      next: () => this.read(),
      cancel: () => Promise.resolve(),
    });
    if (this.ownsChunks) noteOwnedChunks(stream);
    return stream;
  }

  /** Gives up on the rest; a read that waits sees the end. */
  cancel(): void {
    this.#reader?.cancel().catch(() => {});
  }
}
