import type { Bytes, ByteStream } from "../model/bytes.ts";
import { withSignal } from "./signal.ts";

/**
 * Streams what a generator gives, as it is asked for. Cancelling the stream ends the generator also
 * while it waits, by the signal that it gets; a signal of the caller ends both.
 *
 * @param make Makes the generator; its signal aborts when nobody reads on.
 * @param signal Ends the stream with its reason.
 * @returns The stream.
 */
export function streamUntilAborted(
  make: (signal: AbortSignal) => AsyncGenerator<Bytes, void, undefined>,
  signal?: AbortSignal,
): ByteStream {
  const given = new AbortController();
  const content = make(
    AbortSignal.any(signal === undefined ? [given.signal] : [given.signal, signal]),
  );
  const stream = new ReadableStream<Bytes>({
    async pull(controller) {
      const { done, value } = await content.next();
      if (done) controller.close();
      else controller.enqueue(value);
    },
    async cancel(reason) {
      given.abort(reason);
      await content.return(undefined).catch(() => {});
    },
  }, { highWaterMark: 0 });
  return withSignal(stream, signal);
}
