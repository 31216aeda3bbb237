/**
 * Tar archives on web streams: reads V7, ustar, pax, GNU and Sun archives from a forward-only
 * stream under fixed limits, writes ustar with pax, and keeps names that would lead out of a root
 * from doing so.
 *
 * @example Pack and list
 * ```ts
 * import { readTar, writeTar } from "@lading/lading/tar";
 *
 * for await (const entry of readTar(writeTar([{ path: "hello.txt", body: "hello\n" }]))) {
 *   console.log(entry.path, entry.size); // hello.txt 6
 * }
 * ```
 *
 * @module
 */

export type { Bytes, ByteStream } from "../model/bytes.ts";
export type { TarEntry, TarEntryType } from "./entry.ts";
export type { TarFormat } from "./header.ts";
export {
  MAX_ENTRIES,
  MAX_HOLE_BYTES,
  MAX_LONG_NAME_BYTES,
  readTar,
  type ReadTarOptions,
  type TarSummary,
} from "./reader.ts";
export { type TarInput, type TarInputType, writeTar } from "./writer.ts";
export { MAX_PATH_DEPTH, MAX_PATH_LENGTH, sanitizePath, type SanitizePathOptions } from "./path.ts";
