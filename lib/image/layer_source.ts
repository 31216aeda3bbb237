import type { Bytes, ByteSource, ByteStream } from "../model/bytes.ts";
import type { TarInput } from "../tar/writer.ts";

/**
 * An entry of a layer to be made, as a tar writer takes it. The content may be opened late: a
 * function is called when its turn has come, so that a directory of a disk needs no open files.
 */
export interface LayerEntry extends Omit<TarInput, "body"> {
  /** The content of a file; a text is UTF-8, a stream or a function needs `size`. */
  readonly body?: ByteSource | string | undefined;
}

/** The entries of a layer, in any order. */
export type LayerEntries = Iterable<LayerEntry> | AsyncIterable<LayerEntry>;

/**
 * What a layer is made from: a tar archive (also one compressed with gzip or Zstandard) or entries.
 * A function is called each time the layer is read, and has to give the same each time. Bytes and
 * arrays are read again as they are.
 */
export type LayerSource =
  | Bytes
  | ByteStream
  | LayerEntries
  | (() => ByteStream | LayerEntries | Promise<ByteStream | LayerEntries>);
