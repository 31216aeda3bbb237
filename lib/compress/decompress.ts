import { concatBytes } from "../bytes/mod.ts";
import type { Bytes, ByteStream } from "../model/bytes.ts";
import { LimitExceededError, UnsupportedMediaTypeError } from "../model/errors.ts";
import { outputCap } from "./_output_cap.ts";
import { type Compression, detectCompression, DETECTION_BYTES } from "./detect.ts";
import { gunzip, type GunzipOptions } from "./gunzip.ts";
import { unzstd, type UnzstdOptions } from "./unzstd.ts";

/** Options of {@linkcode decompress}. */
export interface DecompressOptions extends GunzipOptions, UnzstdOptions {}

/** Layers are compressed once; what is compressed again inside is an attack or a mistake. */
const MAX_LEVELS = 1;

const MEDIA_TYPES: Readonly<Record<string, string>> = {
  bzip2: "application/x-bzip2",
  xz: "application/x-xz",
};

/**
 * Decompresses content by its first bytes, whatever its media type says: gzip and zstd are
 * decompressed, content that is not compressed passes unchanged. Nothing is read before the
 * consumer reads.
 *
 * @param stream The content; the stream is locked from now on.
 * @param options Limits, and the kernel to use.
 * @returns The decompressed bytes. The stream errors as those of {@linkcode gunzip} and
 * {@linkcode unzstd} do, with {@linkcode UnsupportedMediaTypeError} for bzip2 and xz, and with
 * {@linkcode LimitExceededError} when the decompressed content is compressed once more.
 * @throws {RangeError} when `maxOutputBytes` is no number of bytes.
 *
 * @example Read a layer that may be compressed
 * ```ts
 * import { readAll, streamOf } from "../bytes/mod.ts";
 * import { decompress } from "@lading/lading/compress";
 *
 * const plain = streamOf(new TextEncoder().encode("hello"));
 * const bytes = await readAll(decompress(plain), { maxBytes: 1024 });
 * console.log(new TextDecoder().decode(bytes)); // hello
 * ```
 */
export function decompress(stream: ByteStream, options: DecompressOptions = {}): ByteStream {
  outputCap(options.maxOutputBytes);
  return whenDetected(stream, (compression, content) => {
    switch (compression) {
      case "gzip":
        return refuseNested(gunzip(content, options));
      case "zstd":
        return refuseNested(unzstd(content, options));
      case "none":
        return content;
      default:
        throw new UnsupportedMediaTypeError(
          `Cannot decompress the content: ${compression} is not supported; ` +
            "compress it with gzip or zstd instead",
          { mediaType: MEDIA_TYPES[compression] ?? compression },
        );
    }
  });
}

function refuseNested(stream: ByteStream): ByteStream {
  return whenDetected(stream, (compression, content) => {
    if (compression === "none") return content;
    throw new LimitExceededError(
      `Cannot decompress the content: it is ${compression} inside of a compressed layer`,
      { limit: MAX_LEVELS, unit: "levels" },
    );
  });
}

/**
 * Looks at the first bytes of a stream, at the first read, and goes on with what `choose` makes of
 * the whole stream. An error of `choose` cancels the source.
 */
function whenDetected(
  source: ByteStream,
  choose: (compression: Compression, content: ByteStream) => ByteStream,
): ByteStream {
  const reader = source.getReader();
  let inner: ReadableStreamDefaultReader<Bytes> | undefined;
  let cancelled = false;

  async function open(): Promise<ReadableStreamDefaultReader<Bytes>> {
    const { chunks, length } = await readPrefix(reader);
    const prefix = concatBytes(chunks).subarray(0, Math.min(length, DETECTION_BYTES));
    try {
      return choose(detectCompression(prefix), replay(chunks, reader)).getReader();
    } catch (error) {
      reader.cancel(error).catch(() => {});
      throw error;
    }
  }

  return new ReadableStream<Bytes>({
    async pull(controller) {
      inner ??= await open();
      if (cancelled) return void inner.cancel().catch(() => {});
      const { done, value } = await inner.read();
      if (cancelled) return;
      if (done) controller.close();
      else controller.enqueue(value);
    },
    cancel(reason) {
      cancelled = true;
      return inner === undefined ? reader.cancel(reason) : inner.cancel(reason);
    },
  }, { highWaterMark: 0 });
}

async function readPrefix(
  reader: ReadableStreamDefaultReader<Bytes>,
): Promise<{ chunks: Bytes[]; length: number }> {
  const chunks: Bytes[] = [];
  let length = 0;
  while (length < DETECTION_BYTES) {
    const { done, value } = await reader.read();
    if (done) break;
    chunks.push(value);
    length += value.byteLength;
  }
  return { chunks, length };
}

/** Makes a stream of the chunks that were read and those that follow. */
function replay(
  chunks: readonly Bytes[],
  reader: ReadableStreamDefaultReader<Bytes>,
): ByteStream {
  let next = 0;
  return new ReadableStream<Bytes>({
    async pull(controller) {
      const chunk = chunks[next++];
      if (chunk !== undefined) return controller.enqueue(chunk);
      const { done, value } = await reader.read();
      if (done) controller.close();
      else controller.enqueue(value);
    },
    cancel: (reason) => reader.cancel(reason),
  }, { highWaterMark: 0 });
}
