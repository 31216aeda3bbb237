import type { Bytes, ByteStream } from "../model/bytes.ts";
import { whenAborted } from "./_abort.ts";
import { chunksOf } from "./chunks.ts";
import { freeChunk, ownsChunks } from "./lineage.ts";

/** What workerd has. */
interface Host {
  readonly FixedLengthStream?: new (length: number) => {
    readonly readable: ByteStream;
    readonly writable: WritableStream<Bytes>;
  };
}

/**
 * Gives a stream a length where the runtime knows streams that have one. workerd says the length of
 * a body for these only, stores no others in R2, and sends them on without another copy: chunks that
 * nobody else holds are freed one by one.
 *
 * @param stream The stream; it is locked from now on, unless it is given back.
 * @param length How many bytes it has; with any other number, the result breaks off.
 * @param signal Cancels the stream, and breaks the result off.
 * @returns The same bytes; the stream itself where the runtime has no such streams.
 */
export function fixedLength(stream: ByteStream, length: number, signal?: AbortSignal): ByteStream {
  const { FixedLengthStream } = globalThis as Host;
  if (FixedLengthStream === undefined) return stream;
  const { readable, writable } = new FixedLengthStream(length);
  void pour(stream, writable, signal);
  return readable;
}

/** Writes a stream, chunk by chunk as they are taken. */
async function pour(
  stream: ByteStream,
  writable: WritableStream<Bytes>,
  signal: AbortSignal | undefined,
): Promise<void> {
  const chunks = chunksOf(stream);
  const writer = writable.getWriter();
  const stop = (reason: unknown): void => {
    chunks.cancel(reason).catch(() => {});
    writer.abort(reason).catch(() => {});
  };
  const forget = whenAborted(signal, stop);
  try {
    for (let chunk; (chunk = await chunks.next()) !== undefined;) {
      if (chunk.byteLength > 0) await writer.write(chunk);
      // Known once the first chunk is there.
      if (ownsChunks(stream)) freeChunk(chunk);
    }
    await writer.close();
  } catch (error) {
    stop(error);
  } finally {
    forget();
  }
}
