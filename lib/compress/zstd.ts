import type { DeflateLevel } from "../kernel/mod.ts";
import type { Bytes, ByteStream } from "../model/bytes.ts";
import { codecPair, codecStream } from "./_codec_stream.ts";
import { ZstdEncoder } from "./_zstd_encoder.ts";
import type { MatchEffort } from "./_zstd_match_finder.ts";

/** How hard to compress: 0 stores, 1 is fast, 9 is small. */
export type ZstdLevel = DeflateLevel;

/** Options of {@linkcode zstd}. */
export interface ZstdOptions {
  /** How hard to compress. Default 3. */
  readonly level?: ZstdLevel | undefined;
}

/**
 * What each level from 1 on does. 3 is some percent smaller than libzstd's 3 on root file systems. A
 * change here changes digests.
 */
const EFFORTS: readonly MatchEffort[] = [
  { windowLog: 19, hashLog: 16, depth: 1, nice: 24, ahead: 0 },
  { windowLog: 20, hashLog: 17, depth: 2, nice: 32, ahead: 0 },
  { windowLog: 20, hashLog: 18, depth: 4, nice: 48, ahead: 1 },
  { windowLog: 20, hashLog: 18, depth: 8, nice: 64, ahead: 1 },
  { windowLog: 20, hashLog: 18, depth: 16, nice: 96, ahead: 1 },
  { windowLog: 21, hashLog: 19, depth: 24, nice: 128, ahead: 2 },
  { windowLog: 21, hashLog: 19, depth: 48, nice: 192, ahead: 2 },
  { windowLog: 22, hashLog: 20, depth: 128, nice: 256, ahead: 2 },
  { windowLog: 22, hashLog: 20, depth: 256, nice: 1024, ahead: 2 },
];

const DEFAULT_LEVEL = 3;

/**
 * Compresses into one Zstandard frame (RFC 8878) with a checksum. The same input and level give the
 * same bytes on every runtime, however the input is cut into chunks. Memory is 9 MiB at the default
 * level and 30 MiB at most, whatever the length; to decompress it takes a window of 1 MiB, at levels
 * above 5 up to 4 MiB. What is no longer than 128 KiB has its length in the header and takes less.
 * The default level is about as small as that of the zstd command.
 *
 * @param stream The bytes to compress; the stream is locked from now on.
 * @param options How hard to compress.
 * @returns The compressed bytes.
 * @throws {RangeError} when the level is none of 0 to 9.
 *
 * @example Compress a layer
 * ```ts
 * import { zstd } from "@lading/lading/compress";
 *
 * const layer = new Blob([new Uint8Array(100_000)]).stream();
 * const compressed = await new Response(zstd(layer)).blob();
 * console.log(compressed.size < 100); // true
 * ```
 */
export function zstd(stream: ByteStream, options: ZstdOptions = {}): ByteStream {
  const level = options.level ?? DEFAULT_LEVEL;
  const effort = EFFORTS[level - 1];
  if (effort === undefined && level !== 0) {
    throw new RangeError(`Cannot compress: the level ${level} is none of 0 to 9`);
  }
  return codecStream(stream, () => new ZstdEncoder(effort));
}

/** Compresses into Zstandard as a transform stream, for `pipeThrough`; see {@linkcode zstd}. */
export class ZstdStream implements TransformStream<Bytes, Bytes> {
  /** The compressed bytes. */
  readonly readable: ByteStream;
  /** Takes the bytes to compress. */
  readonly writable: WritableStream<Bytes>;

  /**
   * Makes a transform stream.
   *
   * @param options How hard to compress.
   */
  constructor(options: ZstdOptions = {}) {
    const { readable, writable } = codecPair((source) => zstd(source, options));
    this.readable = readable;
    this.writable = writable;
  }
}
