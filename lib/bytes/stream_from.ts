import type { Bytes, ByteStream } from "../model/bytes.ts";
import { streamOfChunks } from "./chunks.ts";

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
  return streamOfChunks({
    async next() {
      const { done, value } = await (iterator ??= open(source)).next();
      return done ? undefined : value;
    },
    async cancel() {
      await iterator?.return?.();
    },
  });
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
  let rest: Bytes | undefined = bytes;
  return streamOfChunks({
    next() {
      const chunk = rest;
      rest = undefined;
      return chunk;
    },
    cancel: () => Promise.resolve(),
  });
}
