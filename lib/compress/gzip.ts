import { Deflate } from "fflate";
import { crc32 } from "../hash/mod.ts";
import type { Bytes, ByteStream } from "../model/bytes.ts";
import { type Codec, codecPair, codecStream } from "./_codec_stream.ts";

/** How hard to compress: 0 stores, 1 is fast, 9 is small. */
export type GzipLevel = 0 | 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | 9;

/** Options of {@linkcode gzip}. */
export interface GzipOptions {
  /** How hard to compress. Default 6. */
  readonly level?: GzipLevel | undefined;
}

// RFC 1952 §2.3: deflate, no flags, no time, no hint, operating system unknown (255): nothing of
// the machine gets into the digest.
const HEADER = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255] as const;

/** The deflater cuts its blocks by the pieces it is given, so all but the last have this size. */
const PIECE_BYTES = 65536;

/** The hash table of the deflater, as an exponent; fixed, because its own choice takes a logarithm. */
const MEMORY_LEVEL = 8;

class GzipEncoder implements Codec {
  readonly #deflate: Deflate;
  readonly #output: Bytes[] = [Uint8Array.from(HEADER)];
  readonly #piece = new Uint8Array(PIECE_BYTES);
  #held = 0;
  #chunk: Uint8Array = new Uint8Array(0);
  #crc = 0;
  #length = 0;

  constructor(level: GzipLevel) {
    this.#deflate = new Deflate({ level, mem: MEMORY_LEVEL }, (output) => {
      if (output.byteLength > 0) this.#output.push(output);
    });
  }

  push(chunk: Bytes): void {
    this.#chunk = chunk;
    this.#crc = crc32(chunk, this.#crc);
    this.#length = (this.#length + chunk.byteLength) >>> 0;
  }

  end(): void {
    // A copy: the deflater may keep what it is given.
    this.#deflate.push(this.#piece.slice(0, this.#held), true);
    const trailer = new DataView(new ArrayBuffer(8));
    trailer.setUint32(0, this.#crc, true);
    trailer.setUint32(4, this.#length, true);
    this.#output.push(new Uint8Array(trailer.buffer));
  }

  read(): Bytes | undefined {
    while (this.#output.length === 0 && this.#chunk.byteLength > 0) {
      const count = Math.min(PIECE_BYTES - this.#held, this.#chunk.byteLength);
      this.#piece.set(this.#chunk.subarray(0, count), this.#held);
      this.#chunk = this.#chunk.subarray(count);
      this.#held += count;
      if (this.#held < PIECE_BYTES) break;
      this.#held = 0;
      this.#deflate.push(this.#piece.slice(), false);
    }
    return this.#output.shift();
  }

  close(): void {
    this.#output.length = 0;
    this.#chunk = new Uint8Array(0);
  }
}

/**
 * Compresses into one gzip member (RFC 1952). The same input and level give the same bytes on every
 * runtime, however the input is cut into chunks: the header has no time and no operating system,
 * and the compressor is plain JavaScript. Memory is about 3 MiB, whatever the length.
 *
 * @param stream The bytes to compress; the stream is locked from now on.
 * @param options How hard to compress.
 * @returns The compressed bytes.
 * @throws {RangeError} when the level is none of 0 to 9.
 *
 * @example Compress a layer
 * ```ts
 * import { readAll, streamOf } from "../bytes/mod.ts";
 * import { gzip } from "@lading/lading/compress";
 *
 * const layer = streamOf(new Uint8Array(100_000));
 * const compressed = await readAll(gzip(layer, { level: 9 }), { maxBytes: 100_000 });
 * console.log(compressed.length < 1000); // true
 * ```
 */
export function gzip(stream: ByteStream, options: GzipOptions = {}): ByteStream {
  const level = options.level ?? 6;
  if (!Number.isInteger(level) || level < 0 || level > 9) {
    throw new RangeError(`Cannot compress: the level ${level} is none of 0 to 9`);
  }
  return codecStream(stream, () => new GzipEncoder(level));
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
