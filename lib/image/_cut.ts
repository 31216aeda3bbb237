import { spanOf } from "../bytes/span.ts";
import { iterate } from "../bytes/iterate.ts";
import { streamFrom } from "../bytes/stream_from.ts";
import type { Bytes, ByteStream } from "../model/bytes.ts";
import type { ByteRange } from "../model/content.ts";

/** Cuts a range out of content that can only be read from its begin; the rest is cancelled. */
export function cut(stream: ByteStream, range: ByteRange | undefined, size: number): ByteStream {
  if (range === undefined) return stream;
  const { start, end } = spanOf(range, size);
  return streamFrom(between(stream, start, end));
}

async function* between(stream: ByteStream, start: number, end: number): AsyncGenerator<Bytes> {
  let position = 0;
  for await (const chunk of iterate(stream)) {
    yield chunk.subarray(Math.max(0, start - position), Math.max(0, end - position));
    position += chunk.byteLength;
    if (position >= end) return;
  }
}
