import type { Bytes } from "../model/bytes.ts";

/** A place of a gzip stream where an inflater can begin. */
export interface Checkpoint {
  /** Compressed bytes before it; the byte there may belong to what is before in part. */
  readonly compressedOffset: number;
  /** The bits of that byte that belong to what is before. */
  readonly bit: number;
  /** Uncompressed bytes before it. */
  readonly offset: number;
  /** Whether a gzip member begins here. */
  readonly isMember: boolean;
  /** The uncompressed bytes before it, at most 32 KiB; none at the begin of a member. */
  readonly history: Bytes;
  /**
   * The SHA-256 of the compressed bytes from here to those of the next checkpoint: of those it has
   * for itself, and the last byte that it shares.
   */
  readonly digest: string;
}

/** Where a gzip stream can be inflated from. */
export interface Checkpoints {
  /** The places, in order; the first is the begin. */
  readonly points: readonly Checkpoint[];
  /** The bytes of the compressed stream. */
  readonly compressedSize: number;
  /** The bytes of the stream. */
  readonly size: number;
}
