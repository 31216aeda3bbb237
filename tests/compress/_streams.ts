import type { Bytes, ByteStream } from "../../lib/model/bytes.ts";

/** A stream that tells how it was read. */
export interface ObservedStream {
  readonly stream: ByteStream;
  /** Chunks handed out so far. */
  readonly pulled: () => number;
  /** The reason it was cancelled with; `undefined` when it was not. */
  readonly cancelled: () => unknown;
  /** How often it was cancelled. */
  readonly cancels: () => number;
}

/** Makes a stream of pieces of `size` bytes, one per read. An error may take the place of the end. */
export function observed(bytes: Uint8Array, size: number, failure?: Error): ObservedStream {
  let at = 0;
  let pulled = 0;
  let cancels = 0;
  let reason: unknown;
  const stream = new ReadableStream<Bytes>({
    pull(controller) {
      if (at >= bytes.length) {
        if (failure !== undefined) throw failure;
        return controller.close();
      }
      pulled++;
      controller.enqueue(bytes.slice(at, at + size));
      at += size;
    },
    cancel(why) {
      cancels++;
      reason = why;
    },
  }, { highWaterMark: 0 });
  return { stream, pulled: () => pulled, cancelled: () => reason, cancels: () => cancels };
}

/** Reads a stream to its end or error. */
export async function drain(
  stream: ByteStream,
): Promise<{ chunks: Bytes[]; bytes: Bytes; error: (Error & { offset?: number }) | undefined }> {
  const chunks: Bytes[] = [];
  const reader = stream.getReader();
  let error: Error | undefined;
  try {
    for (let item = await reader.read(); !item.done; item = await reader.read()) {
      chunks.push(item.value);
    }
  } catch (caught) {
    error = caught as Error;
  }
  const bytes = new Uint8Array(chunks.reduce((length, chunk) => length + chunk.length, 0));
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.length;
  }
  return { chunks, bytes, error };
}

/** Lets everything that is ready to run do so. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 10; turn++) await new Promise((resolve) => setTimeout(resolve, 0));
}

/** Text that compresses well, of a length. */
export function sample(length: number): Bytes {
  const bytes = new Uint8Array(length);
  let state = 12345;
  for (let at = 0; at < length; at++) {
    if (at % 7 === 0) state = Math.imul(state, 1103515245) + 12345 >>> 0;
    bytes[at] = 97 + (state >>> 16) % (1 + at % 13);
  }
  return bytes;
}
