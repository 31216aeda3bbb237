import type { Bytes, ByteStream } from "../model/bytes.ts";

/** Turns chunks into other chunks, one call at a time; {@linkcode Inflater} is one. */
export interface Codec {
  /** Takes the next chunk; `read` has given `undefined` before. */
  push(chunk: Bytes): void;
  /** Says that there are no more chunks. */
  end(): void;
  /** Gives the next output, `undefined` when it needs input or, after `end`, is complete. */
  read(): Bytes | undefined;
  /** Frees what it holds. */
  close(): void;
}

/**
 * Drives a codec by the reads of its consumer: one read runs it until it has one chunk of output,
 * and nothing is queued on either side. An error of the codec cancels the source; an error of the
 * source arrives as the same object.
 *
 * @param source The stream to read; it is locked from now on.
 * @param open Makes the codec, at the first read.
 * @returns The stream of what the codec gave.
 */
export function codecStream(source: ByteStream, open: () => Codec): ByteStream {
  const reader = source.getReader();
  let codec: Codec | undefined;
  let ended = false;
  let cancelled = false;

  async function next(): Promise<Bytes | undefined> {
    codec ??= open();
    for (;;) {
      const output = codec.read();
      if (output !== undefined || ended) return output;
      const { done, value } = await reader.read();
      // The read that a cancel ends is no end of the content.
      if (cancelled) return undefined;
      ended = done;
      if (done) codec.end();
      else codec.push(value);
    }
  }

  return new ReadableStream<Bytes>({
    async pull(controller) {
      try {
        const output = await next();
        if (cancelled) return;
        if (output !== undefined) return controller.enqueue(output);
        codec?.close();
        reader.releaseLock();
        controller.close();
      } catch (error) {
        codec?.close();
        if (!cancelled) reader.cancel(error).catch(() => {});
        throw error;
      }
    },
    cancel(reason) {
      cancelled = true;
      codec?.close();
      return reader.cancel(reason);
    },
  }, { highWaterMark: 0 });
}

/** The two ends of a codec as a transform stream has them. */
export function codecPair(
  connect: (source: ByteStream) => ByteStream,
): { readable: ByteStream; writable: WritableStream<Bytes> } {
  const { readable, writable } = new TransformStream<Bytes, Bytes>(undefined, undefined, {
    highWaterMark: 0,
  });
  return { readable: connect(readable), writable };
}
