import type { Bytes, ByteStream } from "../model/bytes.ts";
import { chunksOf, streamOfChunks } from "./chunks.ts";

/** What {@linkcode through} does with the chunks that pass. */
export interface ThroughHandlers {
  /**
   * Sees each chunk that is not empty before the consumer does. What it gives back, or promises, is
   * handed on; `undefined` hands nothing on. An error ends the stream and cancels the source.
   */
  chunk(chunk: Bytes): Bytes | undefined | Promise<Bytes | undefined>;
  /** Sees the end of the source before the consumer does; an error takes its place. */
  end?(): void | Promise<void>;
  /** Sees the error of the source before the consumer does. */
  error?(error: unknown): void;
}

/**
 * Hands a stream on chunk by chunk, pulling only when the consumer reads: nothing is queued.
 * Cancelling the result cancels the source; an error of the source arrives as the same object.
 *
 * @param source The stream to read; it is locked from now on.
 * @param handlers What to do with chunks and the end.
 * @returns The stream of what the handlers gave back.
 */
export function through(source: ByteStream, handlers: ThroughHandlers): ByteStream {
  const chunks = chunksOf(source);
  let isReading = false;
  let isCancelled = false;
  return streamOfChunks({
    async next() {
      try {
        for (;;) {
          isReading = true;
          const chunk = await chunks.next();
          isReading = false;
          // The read that a cancel ends is no end of the content.
          if (isCancelled) return undefined;
          if (chunk === undefined) {
            await handlers.end?.();
            return undefined;
          }
          if (chunk.byteLength === 0) continue;
          const handed = handlers.chunk(chunk);
          const given = handed instanceof Promise ? await handed : handed;
          if (given !== undefined) return given;
        }
      } catch (error) {
        if (isReading) handlers.error?.(error);
        if (!isCancelled) chunks.cancel(error).catch(() => {});
        throw error;
      }
    },
    cancel(reason) {
      isCancelled = true;
      return chunks.cancel(reason);
    },
  });
}
