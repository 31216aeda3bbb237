import { noteOwnedChunks } from "../bytes/lineage.ts";
import type { Bytes, ByteStream } from "../model/bytes.ts";

/** How much is read at once: whoever sends it is then seldom waited for, and little of it waits. */
export const PIECE_BYTES: number = 512 * 1024;

/**
 * Streams a file from its beginning to its end; the next piece is read while one is used. Nobody
 * else holds the pieces.
 *
 * @param read Reads the next piece; nothing at the end.
 * @param close Called at the end, on cancel and on failure.
 * @returns The stream.
 */
export function readAhead(read: () => Promise<Bytes>, close: () => Promise<void>): ByteStream {
  let next: Promise<Bytes> | undefined;
  const stream = new ReadableStream<Bytes>({
    async pull(controller) {
      try {
        const piece = await (next ?? read());
        if (piece.byteLength === 0) {
          await close();
          return controller.close();
        }
        next = read();
        // A failure is that of the next pull, if there is one.
        next.catch(() => {});
        controller.enqueue(piece);
      } catch (error) {
        await close().catch(() => {});
        throw error;
      }
    },
    async cancel() {
      await next?.catch(() => {});
      await close();
    },
  }, { highWaterMark: 0 });
  noteOwnedChunks(stream);
  return stream;
}
