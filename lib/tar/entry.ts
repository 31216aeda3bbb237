import type { Bytes, ByteStream } from "../model/bytes.ts";
import type { TarFormat } from "./header.ts";

/** What an entry of an archive is. */
export type TarEntryType =
  | "file"
  | "hardlink"
  | "symlink"
  | "character-device"
  | "block-device"
  | "directory"
  | "fifo"
  | "volume-label"
  | "multi-volume"
  | "unknown";

/** One entry of an archive. Names are data: use `sanitizePath` before any of them meets a disk. */
export interface TarEntry {
  /** The name as the archive has it; U+FFFD stands for bytes that are no UTF-8. */
  readonly path: string;
  /** The bytes of the name. */
  readonly pathBytes: Bytes;
  /** What it is. Types that nobody knows are `unknown`, and their content can be read. */
  readonly type: TarEntryType;
  /** The type flag of the header. */
  readonly typeFlag: string;
  /** The format of the header: `gnu` and `star` are told by their own marks. */
  readonly format: TarFormat;
  /** The bytes of the content, holes of sparse files included; 0 for what has no content. */
  readonly size: number;
  /** The permission bits (`0o7777`). */
  readonly mode: number;
  /** The user ID of the owner. */
  readonly uid: number;
  /** The group ID. */
  readonly gid: number;
  /** The name of the owner, or an empty text. */
  readonly userName: string;
  /** The name of the group, or an empty text. */
  readonly groupName: string;
  /** The modification time in seconds since 1970. */
  readonly mtime: number;
  /** The modification time in nanoseconds since 1970. */
  readonly mtimeNs: bigint;
  /** The target of a link. */
  readonly linkPath?: string | undefined;
  /** The bytes of the target of a link. */
  readonly linkPathBytes?: Bytes | undefined;
  /** The major number of a device. */
  readonly deviceMajor: number;
  /** The minor number of a device. */
  readonly deviceMinor: number;
  /** The pax records in force, global ones first. */
  readonly pax: ReadonlyMap<string, Bytes>;
  /** The extended attributes (`SCHILY.xattr.*`), never interpreted. */
  readonly xattrs: ReadonlyMap<string, Bytes>;
  /** Bytes from the start of the archive to the entry's own header, after its metadata. */
  readonly headerOffset: number;
  /** Bytes from the start of the archive to the content as stored. */
  readonly bodyOffset: number;
  /** The content; to be read before the next entry is asked for. Unread content is skipped. */
  readonly body: ByteStream;
  /**
   * Lends the content piece by piece, without copying it: the fastest way to hash or to write it.
   * A piece is to be read, not written, and not to be kept: it changes once the function has
   * returned, or its promise is fulfilled.
   *
   * @param take Gets each piece.
   * @param skip Gets the bytes of each hole of a sparse file, in its turn; without it, zeros are lent
   * for them.
   */
  lend(
    take: (piece: Bytes) => void | Promise<void>,
    skip?: (bytes: number) => void | Promise<void>,
  ): Promise<void>;
  /**
   * Reads the whole content.
   *
   * @param maxBytes The most bytes to take; 64 MiB by default.
   * @returns The content.
   * @throws {LimitExceededError} when there is more.
   */
  bytes(maxBytes?: number): Promise<Bytes>;
  /**
   * Reads the whole content as UTF-8.
   *
   * @param maxBytes The most bytes to take; 64 MiB by default.
   * @returns The text.
   */
  text(maxBytes?: number): Promise<string>;
}
