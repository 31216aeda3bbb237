import type { Bytes, ByteStream } from "../model/bytes.ts";
import { streamOfChunks } from "./chunks.ts";
import { freeChunk, noteOwnedChunks } from "./lineage.ts";

/**
 * The most that is read at a time. Each read leaves some 10 KiB for the collector, promises above all:
 * a gigabyte is to leave no more than a young generation has room for.
 */
const PIECE_BYTES = 512 * 1024;

/**
 * A read waits for so much, or the end: servers send less at a time. What has come of it when a
 * connection breaks has to come again; a server that takes longer for it than it may be silent, a
 * minute by default, is given up.
 */
const LEAST_BYTES = 256 * 1024;

/** What is no longer is few pieces anyway. */
const SHORT_BYTES = 128 * 1024;

/** What workerd has. */
interface LargeReader extends ReadableStreamBYOBReader {
  readAtLeast(least: number, view: Bytes): Promise<ReadableStreamReadResult<Bytes>>;
}

const hasLargeReaders = "readAtLeast" in (globalThis.ReadableStreamBYOBReader?.prototype ?? {});

/**
 * Reads a stream in large pieces where the host can fill a buffer of ours. By itself workerd gives
 * pieces of 4 KiB, each with a promise and memory of its own, which collectors are slow to see. Nobody
 * else holds the large ones: who reads them may free them.
 *
 * @param stream The stream; it is locked from now on, unless it is given back.
 * @param size About how many bytes it has.
 * @returns The same bytes; the stream itself where the host cannot, where it is short, or is none of
 * bytes.
 */
export function inLargePieces(stream: ByteStream, size: number): ByteStream {
  const reader = hasLargeReaders && size > SHORT_BYTES ? largeReader(stream) : undefined;
  if (reader === undefined) return stream;
  let buffer: Bytes | undefined;
  let isEnded = false;
  const pieces = streamOfChunks({
    async next() {
      if (isEnded) return undefined;
      const { done, value } = await reader.readAtLeast(
        LEAST_BYTES,
        buffer ?? new Uint8Array(PIECE_BYTES),
      );
      buffer = undefined;
      isEnded = done;
      if (value === undefined || value.byteLength === PIECE_BYTES) return value;
      // With a short piece, the rest of the buffer would be kept.
      const piece = value.slice();
      buffer = new Uint8Array(value.buffer);
      if (done) freeChunk(buffer);
      return piece;
    },
    cancel: (reason) => reader.cancel(reason),
  });
  noteOwnedChunks(pieces);
  return pieces;
}

/** Gives the reader of a stream of bytes; nothing where it is another one, or locked. */
function largeReader(stream: ByteStream): LargeReader | undefined {
  try {
    return stream.getReader({ mode: "byob" }) as LargeReader;
  } catch {
    return undefined;
  }
}
