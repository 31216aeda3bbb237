import { feedOf } from "../bytes/feed.ts";
import type { ByteStream } from "../model/bytes.ts";
import type { TarEntry } from "./entry.ts";
import { EntryReader, type ReadTarOptions, type TarSummary } from "./entry_reader.ts";
import { readEntries } from "./read_entries.ts";

export { MAX_LONG_NAME_BYTES } from "./_metadata.ts";
export {
  MAX_ENTRIES,
  MAX_HOLE_BYTES,
  type ReadTarOptions,
  type TarSummary,
} from "./entry_reader.ts";
export type { TarEntry, TarEntryType } from "./entry.ts";

/**
 * Reads a tar archive from a stream: V7, ustar, pax, GNU (long names, base-256, all sparse forms)
 * and Sun headers. Entries come in the order of the archive; content that nobody reads is skipped.
 * Memory is bounded by the limits of one entry's metadata, whatever the archive claims.
 *
 * The stream is read to its end, so that a check on the stream is made even when the archive ends
 * earlier; leaving the loop early cancels it.
 *
 * @param stream The archive, not compressed.
 * @param options Limits.
 * @returns The entries, and in the end a summary.
 * @throws {InvalidTarError} when the archive breaks the rules of its format or ends inside an entry.
 * @throws {LimitExceededError} when metadata is too long, or there are too many entries; the body
 * of a sparse file errors with it when holes come to more than `maxHoleBytes`.
 *
 * @example List an archive
 * ```ts
 * import { readTar, writeTar } from "@lading/lading/tar";
 *
 * const archive = writeTar([{ path: "hello.txt", type: "file", body: "hello\n" }]);
 * for await (const entry of readTar(archive)) {
 *   console.log(entry.type, entry.path, await entry.text()); // file hello.txt hello
 * }
 * ```
 */
export function readTar(
  stream: ByteStream,
  options: ReadTarOptions = {},
): AsyncGenerator<TarEntry, TarSummary, undefined> {
  const reader = new EntryReader(() => feedOf(stream), options);
  return readEntries(reader, ({ summary }) => summary);
}
