import type { HashAlgorithm, ResumableHasher } from "../hash/mod.ts";
import type { Bytes } from "../model/bytes.ts";

/** Options of {@linkcode Kernel.hasher}. */
export interface KernelHasherOptions {
  /** Continues from what `exportState` of any kernel's hasher gave. */
  readonly state?: Uint8Array | undefined;
}

/** A place of a stream that an inflater has come to: the start of a block or of a gzip member. */
export interface InflateBoundary {
  /** Compressed bytes before it; the byte there may belong to what is before in part. */
  readonly compressedOffset: number;
  /** The bits of that byte that belong to what is before. */
  readonly bit: number;
  /** Uncompressed bytes before it. */
  readonly offset: number;
  /** Whether a gzip member begins here. */
  readonly isMember: boolean;
  /**
   * Copies the uncompressed bytes before it, at most 32 KiB (RFC 1951 §2: no distance reaches
   * further). To be called before `onBoundary` returns.
   */
  history(): Bytes;
}

/** Options of {@linkcode Kernel.inflater}. */
export interface InflaterOptions {
  /** `gzip` (RFC 1952, any number of members) or `deflate-raw` (RFC 1951). Default `gzip`. */
  readonly format?: "gzip" | "deflate-raw" | undefined;
  /**
   * Called by `read` for each start of a block, but a member's first, and of a gzip member. What it
   * throws, `read` throws.
   */
  readonly onBoundary?: ((boundary: InflateBoundary) => void) | undefined;
  /**
   * Goes on at the start of a block, in format `deflate-raw`: the first byte pushed is the one at
   * `compressedOffset`.
   */
  readonly resume?: Pick<InflateBoundary, "bit"> & { readonly history: Uint8Array } | undefined;
}

/**
 * Inflates a stream piece by piece in fixed memory. The order of calls: `push` a chunk, `read`
 * until it gives `undefined`, and so on; after the last chunk `end`, and `read` again until it
 * gives `undefined`, which now means that everything was there and every checksum was right.
 */
export interface Inflater {
  /**
   * Gives the next compressed bytes. The chunk must stay as it is until `read` gave `undefined`.
   *
   * @throws {TypeError} when the chunk before was not read to its end, after `end` or `close`.
   */
  push(chunk: Uint8Array): void;
  /** Says that there are no more compressed bytes. */
  end(): void;
  /**
   * Gives the next bytes, at most 128 KiB, or `undefined` when it takes more input (after `end`:
   * when the stream is complete). The bytes are a view that is valid until the next call.
   *
   * @throws {CorruptStreamError} when the stream is damaged, cut short or followed by other bytes
   * than zeros; `offset` is the end of the last member that was good.
   * @throws {LimitExceededError} when a field of a gzip header is longer than 64 KiB.
   */
  read(): Bytes | undefined;
  /** Gives back what it holds; no other call may follow. Closing twice is allowed. */
  close(): void;
  /** Compressed bytes taken in so far. */
  readonly bytesIn: number;
  /** Bytes given out so far. */
  readonly bytesOut: number;
  /** Gzip members read to their end so far; 1 for a raw stream that has ended. */
  readonly members: number;
}

/** How hard to compress: 0 stores, 1 is fast, 9 is small. */
export type DeflateLevel = 0 | 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | 9;

/** Options of {@linkcode Kernel.deflater}. */
export interface DeflaterOptions {
  /** How hard to compress. Default 6. */
  readonly level?: DeflateLevel | undefined;
  /** `gzip` (RFC 1952, one member) or `deflate-raw` (RFC 1951). Default `gzip`. */
  readonly format?: "gzip" | "deflate-raw" | undefined;
}

/**
 * Compresses a stream piece by piece in fixed memory, with the order of calls of
 * {@linkcode Inflater}. The same input and options give the same bytes with every kernel, on every
 * host, however the input is cut; a gzip header says nothing of time or machine.
 */
export interface Deflater {
  /**
   * Gives the next bytes. The chunk must stay as it is until `read` gave `undefined`.
   *
   * @throws {TypeError} when the chunk before was not read to its end, after `end` or `close`.
   */
  push(chunk: Uint8Array): void;
  /** Says that there are no more bytes. */
  end(): void;
  /**
   * Gives the next compressed bytes, at most 128 KiB, or `undefined` when it takes more input
   * (after `end`: when the stream is complete). The bytes are a view that is valid until the next
   * call.
   */
  read(): Bytes | undefined;
  /** Gives back what it holds; no other call may follow. Closing twice is allowed. */
  close(): void;
  /** Bytes taken in so far. */
  readonly bytesIn: number;
  /** Compressed bytes given out so far. */
  readonly bytesOut: number;
}

/** The hot path of layer processing: hashes, CRC-32, inflate and deflate. */
export interface Kernel {
  /** What it runs on. */
  readonly kind: "wasm" | "js";
  /**
   * Makes a hasher.
   *
   * @throws {TypeError} when `options.state` is no state of this algorithm and build.
   */
  hasher(algorithm: HashAlgorithm, options?: KernelHasherOptions): ResumableHasher;
  /** Computes the CRC-32 of gzip; `seed` is the CRC of the bytes before. */
  crc32(chunk: Uint8Array, seed?: number): number;
  /**
   * Makes an inflater. It holds memory until it is closed or ends.
   *
   * @throws {TypeError} when it is to resume in format `gzip`.
   * @throws {RangeError} when it is to resume at no bit of a byte, or with more than 32 KiB.
   */
  inflater(options?: InflaterOptions): Inflater;
  /**
   * Makes a deflater. It holds memory until it is closed.
   *
   * @throws {RangeError} when the level is none of 0 to 9.
   */
  deflater(options?: DeflaterOptions): Deflater;
}
