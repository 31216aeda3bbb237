import type { Bytes, ByteStream } from "../model/bytes.ts";

/** Gives chunks to one consumer. */
export interface Chunks {
  /** Gives the next chunk, which may be empty; `undefined` at the end. Calls do not overlap. */
  next(): Bytes | undefined | Promise<Bytes | undefined>;
  /** Stops before the end. */
  cancel(reason?: unknown): Promise<void>;
}

/** What is behind streams that nothing was read of. */
const UNREAD = new WeakMap<ByteStream, Chunks>();

/**
 * Makes a stream of chunks, driven by the reads of its consumer: nothing is queued.
 *
 * @param chunks Its content; nobody else may ask for it from now on. Empty chunks are left out.
 * @returns The stream.
 */
export function streamOfChunks(chunks: Chunks): ByteStream {
  let isCancelled = false;
  const stream: ByteStream = new ReadableStream<Bytes>({
    // A pull that hands on nothing would never be repeated, so it goes on until there is something.
    async pull(controller) {
      UNREAD.delete(stream);
      for (;;) {
        const chunk = await chunks.next();
        // The read that a cancel ends is no end of the content.
        if (isCancelled) return;
        if (chunk === undefined) return controller.close();
        if (chunk.byteLength > 0) return controller.enqueue(chunk);
      }
    },
    cancel(reason) {
      UNREAD.delete(stream);
      isCancelled = true;
      return chunks.cancel(reason);
    },
  }, { highWaterMark: 0 });
  UNREAD.set(stream, chunks);
  return stream;
}

/**
 * Takes the chunks of a stream. Those of a stream of {@linkcode streamOfChunks} that nothing was read
 * of come without it: that takes fewer promises, and a new process a third of a millisecond less.
 *
 * @param stream The stream; it is locked from now on.
 * @returns Its chunks.
 */
export function chunksOf(stream: ByteStream): Chunks {
  const reader = stream.getReader();
  const unread = UNREAD.get(stream);
  return {
    // Nobody needs the lock of a stream that has ended, and the first release takes Node over 1 ms.
    next: unread === undefined ? async () => (await reader.read()).value : () => unread.next(),
    async cancel(reason) {
      try {
        await reader.cancel(reason);
      } finally {
        reader.releaseLock();
      }
    },
  };
}
