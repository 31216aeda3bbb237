import { type Feed, feedOf, streamOfFeed } from "../bytes/feed.ts";
import type { ByteStream } from "../model/bytes.ts";
import { codecFeed } from "./_codec_stream.ts";
import { outputCap } from "./_output_cap.ts";
import { ZstdDecoder } from "./_zstd_decoder.ts";

/** Options of {@linkcode unzstd}. */
export interface UnzstdOptions {
  /** The most bytes to give; one more is an error. Default {@linkcode MAX_OUTPUT_BYTES}. */
  readonly maxOutputBytes?: number | undefined;
  /** The largest window of a frame. Default {@linkcode MAX_ZSTD_WINDOW_BYTES}. */
  readonly maxWindowBytes?: number | undefined;
}

/**
 * The largest zstd window by default: 64 MiB. Levels up to 19 need 8 MiB, and the writers of image
 * layers at most 32 MiB; the memory is taken as soon as a frame asks for it.
 */
export const MAX_ZSTD_WINDOW_BYTES: number = 64 * 2 ** 20;

/**
 * Decompresses Zstandard (RFC 8878): any number of frames, with skippable ones between them as
 * zstd:chunked layers have. Lengths and checksums are checked where frames have them. Each read
 * gives one chunk of at most 128 KiB; memory is the window of the frame and about 400 KiB. An error
 * cancels the source.
 *
 * @param stream The compressed bytes; the stream is locked from now on.
 * @param options Limits.
 * @returns The decompressed bytes. The stream errors with {@linkcode CorruptStreamError} when the
 * input is damaged, cut short or followed by other bytes, and with {@linkcode LimitExceededError}
 * when there is more output, or a larger window, than allowed.
 * @throws {RangeError} when `maxOutputBytes` is no number of bytes.
 *
 * @example Decompress a layer
 * ```ts
 * import { unzstd } from "@lading/lading/compress";
 *
 * const compressed = Uint8Array.of(0x28, 0xb5, 0x2f, 0xfd, 0x20, 2, 0x11, 0, 0, 0x68, 0x69);
 * console.log(await new Response(unzstd(new Blob([compressed]).stream())).text()); // hi
 * ```
 */
export function unzstd(stream: ByteStream, options: UnzstdOptions = {}): ByteStream {
  // The limit is looked at before the stream is locked.
  outputCap(options.maxOutputBytes);
  return streamOfFeed(unzstdFeed(feedOf(stream), options));
}

/** Decompresses what a feed gives; see {@linkcode unzstd}. */
export function unzstdFeed(source: Feed, options: UnzstdOptions): Feed {
  const maxBytes = outputCap(options.maxOutputBytes);
  const window = options.maxWindowBytes ?? MAX_ZSTD_WINDOW_BYTES;
  return codecFeed(source, () => new ZstdDecoder(window), { maxBytes, what: "zstd" });
}
