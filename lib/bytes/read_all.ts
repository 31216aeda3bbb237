import type { Bytes, ByteStream } from "../model/bytes.ts";
import { concatBytes } from "./concat.ts";
import { tooLong } from "./limit.ts";
import { whenAborted } from "./_abort.ts";

/** The most chunks that are kept as they come: so many, and one more for each so many bytes. */
const FEW_CHUNKS = 1024;
const SMALL_BYTES = 128;

/** Options of {@linkcode readAll}. */
export interface ReadAllOptions {
  /** The most bytes to take; one more is an error. */
  readonly maxBytes: number;
  /** What is read, for messages; default `the content`. */
  readonly what?: string | undefined;
  /** Stops reading, cancels the stream and rejects with `signal.reason`. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Reads a whole stream into memory. Memory grows with the bytes that arrive, never by an announced
 * size, and little by the number of their chunks; while these are joined it is twice the bytes.
 *
 * @param stream The stream; it is cancelled when it is too long or the signal aborts.
 * @param options The limit, and what else matters.
 * @returns The bytes.
 * @throws {LimitExceededError} when there are more than `maxBytes`.
 */
export async function readAll(stream: ByteStream, options: ReadAllOptions): Promise<Bytes> {
  const { maxBytes, what = "the content", signal } = options;
  const reader = stream.getReader();
  // Cancelling ends a read that waits, so the loop below sees the abort at once.
  const forget = whenAborted(signal, (reason) => void reader.cancel(reason).catch(() => {}));
  try {
    let chunks: Bytes[] = [];
    let total = 0;
    for (;;) {
      const { done, value } = await reader.read();
      signal?.throwIfAborted();
      if (done) return chunks.length === 1 && chunks[0] ? chunks[0] : concatBytes(chunks);
      total += value.byteLength;
      if (total > maxBytes) {
        const error = tooLong(what, maxBytes);
        reader.cancel(error).catch(() => {});
        throw error;
      }
      // A chunk takes a hundred bytes and more beside its content, which may be one byte or none.
      if (chunks.push(value) > FEW_CHUNKS + total / SMALL_BYTES) chunks = [concatBytes(chunks)];
    }
  } finally {
    forget();
    reader.releaseLock();
  }
}
