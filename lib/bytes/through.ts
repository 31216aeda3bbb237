import type { Bytes, ByteStream } from "../model/bytes.ts";

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
  const reader = source.getReader();
  let cancelled = false;
  return new ReadableStream<Bytes>({
    // A pull that hands on nothing would never be repeated, so it reads until there is something.
    async pull(controller) {
      try {
        for (;;) {
          const { done, value } = await read(reader, handlers);
          // The read that a cancel ends is no end of the content.
          if (cancelled) return;
          if (done) {
            await handlers.end?.();
            // Nobody needs the lock of a stream that has ended; see `feedOf`.
            return controller.close();
          }
          if (value.byteLength === 0) continue;
          const handed = handlers.chunk(value);
          const chunk = handed instanceof Promise ? await handed : handed;
          if (cancelled) return;
          if (chunk !== undefined && chunk.byteLength > 0) return controller.enqueue(chunk);
        }
      } catch (error) {
        if (!cancelled) reader.cancel(error).catch(() => {});
        reader.releaseLock();
        throw error;
      }
    },
    cancel(reason) {
      cancelled = true;
      return reader.cancel(reason);
    },
  }, { highWaterMark: 0 });
}

async function read(
  reader: ReadableStreamDefaultReader<Bytes>,
  handlers: ThroughHandlers,
): Promise<ReadableStreamReadResult<Bytes>> {
  try {
    return await reader.read();
  } catch (error) {
    handlers.error?.(error);
    throw error;
  }
}
