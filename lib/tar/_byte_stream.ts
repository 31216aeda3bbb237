import type { Bytes, ByteStream } from "../model/bytes.ts";

/**
 * Makes a stream that can be read into the consumer's own memory (BYOB) of one that cannot. One
 * chunk is held; chunks are copied, because such a stream takes the memory of what it is given.
 *
 * @param source The stream; it is locked from now on.
 * @param ended Is told once: at the end, after an error, or when the consumer has cancelled.
 * @returns The byte stream.
 */
export function toByteStream(source: ByteStream, ended: () => void = () => {}): ByteStream {
  const reader = source.getReader();
  return new ReadableStream({
    type: "bytes",
    async pull(controller) {
      try {
        for (;;) {
          const { done, value } = await reader.read();
          if (done) {
            ended();
            controller.close();
            // Who waits with a buffer is told so, too.
            controller.byobRequest?.respond(0);
            return;
          }
          if (value.byteLength > 0) return controller.enqueue(value.slice());
        }
      } catch (error) {
        ended();
        throw error;
      }
    },
    async cancel(reason) {
      try {
        await reader.cancel(reason);
      } finally {
        ended();
      }
    },
  }) as ReadableStream<Bytes>;
}
