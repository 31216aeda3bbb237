import { concatBytes } from "../bytes/concat.ts";
import { StreamCursor } from "../bytes/stream_cursor.ts";
import { type Compression, detectCompression, DETECTION_BYTES } from "../compress/detect.ts";
import type { Bytes, ByteStream } from "../model/bytes.ts";

/** A stream whose first bytes were looked at. */
export interface PeekedStream {
  /** How it is compressed, by those bytes: media types are no proof. */
  readonly compression: Compression;
  /** The stream, which has them still. */
  readonly whole: ByteStream;
}

/** Looks at the first bytes of a stream, which is locked from now on. */
export async function peekCompression(stream: ByteStream): Promise<PeekedStream> {
  const cursor = new StreamCursor(stream);
  const chunks: Bytes[] = [];
  let length = 0;
  while (length < DETECTION_BYTES) {
    const chunk = await cursor.next(Infinity);
    if (chunk === undefined) break;
    chunks.push(chunk);
    length += chunk.byteLength;
  }
  const head = concatBytes(chunks);
  const compression = detectCompression(head.subarray(0, DETECTION_BYTES));
  return { compression, whole: cursor.rest(head) };
}
