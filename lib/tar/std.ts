/**
 * The tar streams of `@std/tar`, by the same names: `TarStream` and `UntarStream` with the same
 * constructors, entries and streams, over lading's reader and writer. A script swaps the import and
 * keeps working; what it packs has the same bytes. What the originals refuse or misread works, too:
 * long names, pax and GNU archives, sparse files, large sizes, numbers in base 256. An archive that
 * is damaged gives an `InvalidTarError`.
 *
 * @example Pack and unpack
 * ```ts
 * import { TarStream, type TarStreamInput, UntarStream } from "@lading/lading/tar/std";
 *
 * const body = new TextEncoder().encode("hello\n");
 * const inputs: TarStreamInput[] = [
 *   { type: "directory", path: "docs/" },
 *   { type: "file", path: "docs/a.txt", size: body.length, readable: new Blob([body]).stream() },
 * ];
 * const archive = ReadableStream.from(inputs).pipeThrough(new TarStream());
 * for await (const entry of archive.pipeThrough(new UntarStream())) {
 *   console.log(entry.path, await new Response(entry.readable ?? "").text());
 * }
 * ```
 *
 * @module
 */

export type { Bytes, Bytes as Uint8Array_ } from "../model/bytes.ts";
export {
  assertValidLinkname,
  assertValidPath,
  assertValidTarStreamOptions,
  TarStream,
  type TarStreamDir,
  type TarStreamFile,
  type TarStreamInput,
  type TarStreamOptions,
  type TarStreamSymlink,
} from "./tar_stream.ts";
export {
  type OldStyleFormat,
  type PosixUstarFormat,
  type TarStreamEntry,
  UntarStream,
} from "./untar_stream.ts";
