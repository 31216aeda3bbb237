import { verified } from "../bytes/verify.ts";
import type { ByteStream } from "../model/bytes.ts";
import type { ContentSource } from "../model/content.ts";
import type { ArchiveSource } from "./_archive_source.ts";
import { cut } from "./_cut.ts";

/**
 * Makes a source of content that is made anew, or opened anew, each time it is fetched.
 *
 * @param open Opens the content.
 * @param archive Opens the archive that the content is made of, where it is a new layer.
 */
export function replayableContent(
  open: (signal: AbortSignal | undefined) => Promise<ByteStream>,
  archive?: (signal: AbortSignal | undefined) => Promise<ByteStream>,
): ContentSource & ArchiveSource {
  return {
    openArchive: async (_, { signal }) => await archive?.(signal),
    exists: () => Promise.resolve(true),
    async fetch(target, { range, signal } = {}) {
      signal?.throwIfAborted();
      const stream = verified(await open(signal), target, { what: `the content ${target.digest}` });
      return cut(stream, range, target.size);
    },
  };
}
