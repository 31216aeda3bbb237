import type { Bytes, ByteStream } from "../model/bytes.ts";

/**
 * Makes a stream of an iterable of chunks. One chunk is taken per read; empty chunks are left
 * out. Cancelling the stream ends the iteration; where the iterable is an async generator that
 * waits for something, it ends when that wait is over.
 *
 * @param source The chunks.
 * @returns The stream.
 */
export function streamFrom(source: AsyncIterable<Bytes> | Iterable<Bytes>): ByteStream {
  let iterator: AsyncIterator<Bytes> | Iterator<Bytes> | undefined;
  return new ReadableStream<Bytes>({
    async pull(controller) {
      iterator ??= open(source);
      for (;;) {
        const { done, value } = await iterator.next();
        if (done) return controller.close();
        if (value.byteLength > 0) return controller.enqueue(value);
      }
    },
    async cancel() {
      await iterator?.return?.();
    },
  }, { highWaterMark: 0 });
}

function open(
  source: AsyncIterable<Bytes> | Iterable<Bytes>,
): AsyncIterator<Bytes> | Iterator<Bytes> {
  return Symbol.asyncIterator in source
    ? source[Symbol.asyncIterator]()
    : source[Symbol.iterator]();
}

/**
 * Makes a stream of bytes in memory. The bytes are handed over as they are, not copied.
 *
 * @param bytes The content.
 * @returns The stream.
 */
export function streamOf(bytes: Bytes): ByteStream {
  return streamFrom([bytes]);
}
