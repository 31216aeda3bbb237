import type { Bytes, ByteStream } from "../model/bytes.ts";

/** The longest time that timers of JavaScript know: 24 days. */
const MAX_IDLE_MS = 2 ** 31 - 1;

/**
 * Checks how long an answer may be silent.
 *
 * @throws {RangeError} when it is no time: timers would take it for none at all.
 */
export function checkIdleTimeout(idleMs: number | undefined): void {
  if (idleMs === undefined || idleMs > 0 && idleMs <= MAX_IDLE_MS) return;
  throw new RangeError(`Cannot wait for ${idleMs} ms: give a time from 1 to ${MAX_IDLE_MS} ms`);
}

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
