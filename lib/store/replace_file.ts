import { iterate } from "../bytes/iterate.ts";
import { freeChunk, ownsChunks } from "../bytes/lineage.ts";
import { withSignal } from "../bytes/signal.ts";
import { letGo, openSource } from "../bytes/source.ts";
import type { ByteSource } from "../model/bytes.ts";
import type { CallOptions } from "../model/content.ts";
import { baseName, directoryOf } from "./_files.ts";
import type { FileSystem } from "./file_system.ts";
import { writeBeside } from "./_layout_files.ts";
import { UNKNOWN_BYTES } from "./_write_behind.ts";

/**
 * Writes a file beside its place and moves it there once the content has ended well: until then there
 * is none, or the one of before. A failure leaves nothing behind. Memory is at most 1 MiB.
 *
 * @param fs Where the file is.
 * @param path The file; its directory is there.
 * @param content What it will hold; a stream that errors is content that is not good.
 * @param options A signal.
 */
export async function replaceFile(
  fs: FileSystem,
  path: string,
  content: ByteSource,
  { signal }: CallOptions = {},
): Promise<void> {
  const beside = { fs, owner: "lading", isDurable: false };
  const file = { name: baseName(path), size: UNKNOWN_BYTES };
  try {
    await writeBeside(beside, directoryOf(path), file, async (write) => {
      const stream = withSignal(await openSource(content), signal);
      const isOwner = ownsChunks(stream);
      for await (const chunk of iterate(stream)) {
        await write(chunk);
        if (isOwner) freeChunk(chunk);
      }
      signal?.throwIfAborted();
    });
  } catch (error) {
    await letGo(content, error);
    throw error;
  }
}
