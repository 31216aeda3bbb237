import type { Bytes, ByteStream } from "../model/bytes.ts";

/**
 * Hands a stream on, and errors it when nothing comes for some time while somebody waits.
 *
 * @param stream The stream; cancelled when it is silent.
 * @param idleMs How long it may be silent.
 * @param makeError Makes the error.
 */
export function withIdleTimeout(
  stream: ByteStream,
  idleMs: number,
  makeError: () => Error,
): ByteStream {
  const reader = stream.getReader();
  return new ReadableStream<Bytes>({
    async pull(controller) {
      let timer: ReturnType<typeof setTimeout> | undefined;
      const silence = new Promise<never>((_, reject) => {
        timer = setTimeout(() => reject(makeError()), idleMs);
      });
      try {
        for (;;) {
          const { done, value } = await Promise.race([reader.read(), silence]);
          if (done) return controller.close();
          if (value.byteLength > 0) return controller.enqueue(value);
        }
      } catch (error) {
        reader.cancel(error).catch(() => {});
        throw error;
      } finally {
        clearTimeout(timer);
      }
    },
    cancel: (reason) => reader.cancel(reason),
  }, { highWaterMark: 0 });
}
