import type { Bytes } from "../model/bytes.ts";
import type { TarEntryType } from "../tar/entry.ts";

/** A piece of a file, and where in the stored layer it is. */
export interface TableChunk {
  /** The first stored byte. */
  readonly start: number;
  /** The stored byte after the last one. */
  readonly end: number;
  /** How it is stored; `zeros` is not stored at all. */
  readonly encoding: "gzip" | "zstd" | "zeros";
  /** Uncompressed bytes before the piece. */
  readonly skip: number;
  /** The bytes of the piece. */
  readonly size: number;
  /** The digest of the piece; absent for zeros. */
  readonly digest?: string | undefined;
}

/** An entry of a table of contents: what the header of the archive says, and where its content is. */
export interface TableEntry {
  /** The name as the archive has it. */
  readonly path: string;
  /** What it is. */
  readonly type: TarEntryType;
  /** The bytes of the content. */
  readonly size: number;
  /** The permission bits. */
  readonly mode: number;
  /** The user ID of the owner. */
  readonly uid: number;
  /** The group ID. */
  readonly gid: number;
  /** The name of the owner, or an empty text. */
  readonly userName: string;
  /** The name of the group, or an empty text. */
  readonly groupName: string;
  /** The modification time in nanoseconds since 1970. */
  readonly mtimeNs: bigint;
  /** The target of a link. */
  readonly linkPath?: string | undefined;
  /** The major number of a device. */
  readonly deviceMajor: number;
  /** The minor number of a device. */
  readonly deviceMinor: number;
  /** The extended attributes. */
  readonly xattrs: ReadonlyMap<string, Bytes>;
  /** The pieces of the content, in order. */
  readonly chunks: readonly TableChunk[];
}

/** The table of contents of a layer. */
export interface LayerTable {
  /** Which format it is of. */
  readonly format: "estargz" | "zstd-chunked";
  /** Whether an annotation of the manifest proves it. */
  readonly isProved: boolean;
  /** The entries of the layer, in the order of the archive. */
  readonly entries: readonly TableEntry[];
}
