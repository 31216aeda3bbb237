import type { Bytes, ByteStream } from "../model/bytes.ts";
import { whenAborted } from "./_abort.ts";
import { hasSignal, noteSignal, passLineage } from "./lineage.ts";

/**
 * Ties a stream to a signal: on abort the source is cancelled with the reason, and the consumer,
 * also one that waits for a chunk, gets the reason as the stream's error.
 *
 * @param stream The stream; one that ends with this signal already is given back as it is.
 * @param signal The signal; without one the stream is given back as it is.
 * @returns The stream that ends with the signal.
 */
export function withSignal(stream: ByteStream, signal: AbortSignal | undefined): ByteStream {
  return signal === undefined || hasSignal(stream, signal) ? stream : tied(stream, signal);
}

function tied(stream: ByteStream, signal: AbortSignal): ByteStream {
  const reader = stream.getReader();
  let forget = () => {};
  const result = new ReadableStream<Bytes>({
    start(controller) {
      forget = whenAborted(signal, (reason) => {
        controller.error(reason);
        reader.cancel(reason).catch(() => {});
      });
    },
    async pull(controller) {
      try {
        for (;;) {
          const { done, value } = await reader.read();
          // The abort has errored the stream already; there is nobody to tell.
          if (signal.aborted) return;
          if (done) {
            forget();
            return controller.close();
          }
          if (value.byteLength > 0) return controller.enqueue(value);
        }
      } catch (error) {
        forget();
        throw error;
      }
    },
    cancel(reason) {
      forget();
      return reader.cancel(reason);
    },
  }, { highWaterMark: 0 });
  passLineage(stream, result);
  noteSignal(result, signal);
  return result;
}
