import { type DeflateLevel, type Kernel, loadKernel } from "../kernel/mod.ts";
import type { Bytes, ByteStream } from "../model/bytes.ts";
import { codecPair, codecStream } from "./_codec_stream.ts";

/** How hard to compress: 0 stores, 1 is fast, 9 is small. */
export type GzipLevel = DeflateLevel;

/** Options of {@linkcode gzip}. */
export interface GzipOptions {
  /** How hard to compress. Default 6. */
  readonly level?: GzipLevel | undefined;
  /** The kernel that does the work. Default: what {@linkcode loadKernel} finds. */
  readonly kernel?: Kernel | undefined;
}

/**
 * Compresses into one gzip member (RFC 1952). The same input and level give the same bytes on every
 * runtime, with every kernel, however the input is cut into chunks; the header has no time and no
 * operating system. Memory is half a MiB, whatever the length. Level 6 is about as small as zlib's.
 *
 * @param stream The bytes to compress; the stream is locked from now on.
 * @param options How hard to compress.
 * @returns The compressed bytes.
 * @throws {RangeError} when the level is none of 0 to 9.
 *
 * @example Compress a layer
 * ```ts
 * import { gzip } from "@lading/lading/compress";
 *
 * const layer = new Blob([new Uint8Array(100_000)]).stream();
 * const compressed = await new Response(gzip(layer, { level: 9 })).blob();
 * console.log(compressed.size < 1000); // true
 * ```
 */
export function gzip(stream: ByteStream, options: GzipOptions = {}): ByteStream {
  const level = options.level ?? 6;
  if (!Number.isInteger(level) || level < 0 || level > 9) {
    throw new RangeError(`Cannot compress: the level ${level} is none of 0 to 9`);
  }
  return codecStream(stream, () => (options.kernel ?? loadKernel()).deflater({ level }));
}

/** Compresses into gzip as a transform stream, for `pipeThrough`; see {@linkcode gzip}. */
export class GzipStream implements TransformStream<Bytes, Bytes> {
  /** The compressed bytes. */
  readonly readable: ByteStream;
  /** Takes the bytes to compress. */
  readonly writable: WritableStream<Bytes>;

  /**
   * Makes a transform stream.
   *
   * @param options How hard to compress.
   */
  constructor(options: GzipOptions = {}) {
    const { readable, writable } = codecPair((source) => gzip(source, options));
    this.readable = readable;
    this.writable = writable;
  }
}
