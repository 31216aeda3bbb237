import { type Kernel, loadKernel } from "../kernel/mod.ts";
import type { Bytes, ByteStream } from "../model/bytes.ts";
import { type Feed, feedOf, streamOfFeed } from "../bytes/feed.ts";
import { codecFeed, codecPair } from "./_codec_stream.ts";
import { outputCap } from "./_output_cap.ts";

/** Options of {@linkcode gunzip}. */
export interface GunzipOptions {
  /** The most bytes to give; one more is an error. Default {@linkcode MAX_OUTPUT_BYTES}. */
  readonly maxOutputBytes?: number | undefined;
  /** The kernel that does the work. Default: what {@linkcode loadKernel} finds. */
  readonly kernel?: Kernel | undefined;
}

/**
 * Decompresses gzip (RFC 1952): any number of members, as eStargz and `pigz` write them, and zeros
 * after the last one. The CRC-32 and the length of each member are checked before the stream
 * closes. Each read gives one chunk of at most 128 KiB; beside that, memory is half a MiB, whatever
 * the length. An error cancels the source.
 *
 * @param stream The compressed bytes; the stream is locked from now on.
 * @param options A limit, and the kernel to use.
 * @returns The decompressed bytes. The stream errors with {@linkcode CorruptStreamError} when the
 * input is damaged, cut short or followed by anything but zeros, and with
 * {@linkcode LimitExceededError} when there is more output than allowed.
 * @throws {RangeError} when `maxOutputBytes` is no number of bytes.
 *
 * @example Decompress a layer
 * ```ts
 * import { gunzip, gzip } from "@lading/lading/compress";
 *
 * const compressed = gzip(new Blob(["hello"]).stream());
 * console.log(await new Response(gunzip(compressed)).text()); // hello
 * ```
 */
export function gunzip(stream: ByteStream, options: GunzipOptions = {}): ByteStream {
  // The limit is looked at before the stream is locked.
  outputCap(options.maxOutputBytes);
  return streamOfFeed(gunzipFeed(feedOf(stream), options));
}

/** Decompresses what a feed gives; see {@linkcode gunzip}. */
export function gunzipFeed(source: Feed, options: GunzipOptions): Feed {
  const maxBytes = outputCap(options.maxOutputBytes);
  const open = () => (options.kernel ?? loadKernel()).inflater();
  return codecFeed(source, open, { maxBytes, what: "gzip" });
}

/** Decompresses gzip as a transform stream, for `pipeThrough`; see {@linkcode gunzip}. */
export class GunzipStream implements TransformStream<Bytes, Bytes> {
  /** The decompressed bytes. */
  readonly readable: ByteStream;
  /** Takes the compressed bytes. */
  readonly writable: WritableStream<Bytes>;

  /**
   * Makes a transform stream.
   *
   * @param options A limit, and the kernel to use.
   */
  constructor(options: GunzipOptions = {}) {
    const { readable, writable } = codecPair((source) => gunzip(source, options));
    this.readable = readable;
    this.writable = writable;
  }
}
