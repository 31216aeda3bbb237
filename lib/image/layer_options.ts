import type { GzipLevel } from "../compress/gzip.ts";
import type { CallOptions } from "../model/content.ts";
import type { UploadStore } from "../server/upload_store.ts";

/** Who the files of a layer belong to. */
export interface LayerOwner {
  /** The user ID. */
  readonly uid: number;
  /** The group ID. */
  readonly gid: number;
}

/** The permission bits of what a layer adds. */
export interface LayerModes {
  /** Those of files; default what the entries say. */
  readonly file?: number | undefined;
  /** Those of directories; default what the entries say. */
  readonly directory?: number | undefined;
}

/** Options of `layerFrom()`. */
export interface LayerOptions extends CallOptions {
  /** The directory of the image that the entries go to, such as `/app`; default the root. */
  readonly prefix?: string | undefined;
  /**
   * Who everything belongs to, such as `0:0`; `"keep"` leaves what the entries say. Default `0:0`
   * for entries, `"keep"` for an archive.
   */
  readonly owner?: string | LayerOwner | undefined;
  /**
   * The modification time of everything, in seconds since 1970; `"keep"` leaves what the entries
   * say. Default 0 for entries, `"keep"` for an archive.
   */
  readonly mtime?: number | Date | "keep" | undefined;
  /**
   * The operating system of the image that it is for, as the base's config has it. A layer for
   * `windows` gets the form that Windows wants: what it holds goes below `Files`, a directory `Hives`
   * stands beside it, and each entry has a security descriptor that lets any user of the container
   * use it, unless it has one of its own; an archive is rewritten, and memory grows with the number
   * of its directories. Default: as for Linux.
   */
  readonly os?: string | undefined;
  /** The permission bits. */
  readonly mode?: LayerModes | undefined;
  /**
   * Whether directories that no entry names are written, with mode 0755, as some engines make them
   * for root alone; default `true`. A directory of the base that is written gets that mode: give
   * `false` where the prefix is one with a mode of its own, such as `/tmp`.
   */
  readonly parents?: boolean | undefined;
  /**
   * How the layer is stored. Default gzip. Images of Docker's format have no zstd. An archive that is compressed already, and that no other
   * option changes, stays as it is.
   */
  readonly compression?: "gzip" | "zstd" | "none" | undefined;
  /** How hard to compress; default 6, of zstd 3. */
  readonly level?: GzipLevel | undefined;
  /**
   * Keeps the stored bytes, so that the source is read once: needed for a stream and for an
   * iterator, which cannot be read again; saves time where the source is slow.
   */
  readonly spool?: UploadStore | undefined;
}
