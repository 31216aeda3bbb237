import { withSignal } from "../bytes/signal.ts";
import type { Bytes, ByteStream } from "../model/bytes.ts";
import type { CallOptions } from "../model/content.ts";
import { NotFoundError } from "../model/errors.ts";
import type { TarEntry } from "../tar/entry.ts";
import type { Layer } from "./layer.ts";

/**
 * Opens the content of one of the entries of a layer. The rest of the layer is read before the stream
 * ends, because only the whole layer can be proved.
 */
export async function openEntry(
  layer: Layer,
  entries: AsyncGenerator<TarEntry>,
  ordinal: number,
  { signal }: CallOptions,
): Promise<ByteStream> {
  let count = 0;
  for (;;) {
    const { done, value } = await entries.next();
    if (done) break;
    if (count++ === ordinal) return withSignal(untilProved(value.body, entries), signal);
  }
  const { digest } = layer.descriptor();
  throw new NotFoundError(`Cannot read entry ${ordinal} of the layer ${digest}: it is not there`);
}

function untilProved(body: ByteStream, entries: AsyncGenerator<unknown>): ByteStream {
  const reader = body.getReader();
  return new ReadableStream<Bytes>({
    async pull(controller) {
      const { done, value } = await reader.read();
      if (!done) return controller.enqueue(value);
      while (!(await entries.next()).done);
      controller.close();
    },
    async cancel(reason) {
      await reader.cancel(reason);
      await entries.return(undefined);
    },
  }, { highWaterMark: 0 });
}
