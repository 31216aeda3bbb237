import { withSignal } from "../bytes/signal.ts";
import type { Bytes, ByteStream } from "../model/bytes.ts";
import type { CallOptions } from "../model/content.ts";
import { NotFoundError } from "../model/errors.ts";
import type { TarEntry } from "../tar/entry.ts";
import { eachEntry, type EntryFeed } from "../tar/entry_feed.ts";
import type { Layer } from "./layer.ts";

/**
 * Opens the content of one of the entries of a layer. The rest of the layer is read before the stream
 * ends, because only the whole layer can be proved.
 */
export async function openEntry(
  layer: Layer,
  entries: EntryFeed<Pick<TarEntry, "body">>,
  ordinal: number,
  { signal }: CallOptions,
): Promise<ByteStream> {
  let count = 0;
  for (;;) {
    const entry = await entries.next();
    if (entry === undefined) break;
    if (count++ === ordinal) return withSignal(untilProved(entry.body, entries), signal);
  }
  const { digest } = layer.descriptor();
  throw new NotFoundError(`Cannot read entry ${ordinal} of the layer ${digest}: it is not there`);
}

function untilProved(body: ByteStream, entries: EntryFeed<unknown>): ByteStream {
  const reader = body.getReader();
  return new ReadableStream<Bytes>({
    async pull(controller) {
      const { done, value } = await reader.read();
      if (!done) return controller.enqueue(value);
      await eachEntry(entries, () => {});
      controller.close();
    },
    async cancel(reason) {
      await reader.cancel(reason);
      await entries.cancel(reason);
    },
  }, { highWaterMark: 0 });
}
