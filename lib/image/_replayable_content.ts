import { verified } from "../bytes/verify.ts";
import type { ByteStream } from "../model/bytes.ts";
import type { ContentSource } from "../model/content.ts";
import { cut } from "./_cut.ts";

/** Makes a source of content that is made anew, or opened anew, each time it is fetched. */
export function replayableContent(
  open: (signal: AbortSignal | undefined) => Promise<ByteStream>,
): ContentSource {
  return {
    exists: () => Promise.resolve(true),
    async fetch(target, { range, signal } = {}) {
      signal?.throwIfAborted();
      const stream = verified(await open(signal), target, { what: `the content ${target.digest}` });
      return cut(stream, range, target.size);
    },
  };
}
