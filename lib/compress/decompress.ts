import { concatBytes } from "../bytes/concat.ts";
import { type Feed, feedOf, streamOfFeed } from "../bytes/feed.ts";
import type { Bytes, ByteStream } from "../model/bytes.ts";
import { LimitExceededError, UnsupportedMediaTypeError } from "../model/errors.ts";
import { outputCap } from "./_output_cap.ts";
import { type Compression, detectCompression, DETECTION_BYTES } from "./detect.ts";
import { gunzipFeed, type GunzipOptions } from "./gunzip.ts";
import { unzstdFeed, type UnzstdOptions } from "./unzstd.ts";

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
 * @returns The decompressed bytes. The stream errors as those of `gunzip` and
 * `unzstd` do, with {@linkcode UnsupportedMediaTypeError} for bzip2 and xz, and with
 * {@linkcode LimitExceededError} when the decompressed content is compressed once more.
 * @throws {RangeError} when `maxOutputBytes` is no number of bytes.
 *
 * @example Read a layer that may be compressed
 * ```ts
 * import { decompress } from "@lading/lading/compress";
 *
 * const plain = new Blob(["hello"]).stream();
 * console.log(await new Response(decompress(plain)).text()); // hello
 * ```
 */
export function decompress(stream: ByteStream, options: DecompressOptions = {}): ByteStream {
  outputCap(options.maxOutputBytes);
  return streamOfFeed(decompressFeed(feedOf(stream), options));
}

/** Options of {@linkcode decompressFeed}. */
export interface DecompressFeedOptions extends DecompressOptions {
  /** Decompresses gzip; default {@linkcode gunzipFeed} with the other options. */
  readonly gunzip?: ((source: Feed) => Feed) | undefined;
}

/** A feed that knows, after its first piece, how the source was compressed. */
export interface DecompressedFeed extends Feed {
  /** How the source is compressed; `undefined` before it was looked at. */
  readonly compression: Compression | undefined;
}

/**
 * Decompresses what a feed gives; see {@linkcode decompress}. Pieces of a compressed source are
 * views of the memory of the decoder.
 *
 * @param source The feed; nobody else may read it from now on.
 * @param options Limits, and the kernel to use.
 * @returns The decompressed pieces.
 * @throws {RangeError} when `maxOutputBytes` is no number of bytes.
 */
export function decompressFeed(
  source: Feed,
  options: DecompressFeedOptions = {},
): DecompressedFeed {
  outputCap(options.maxOutputBytes);
  const { gunzip = (content: Feed) => gunzipFeed(content, options) } = options;
  return new DetectedFeed(source, (compression, content) => {
    switch (compression) {
      case "gzip":
        return refuseNested(gunzip(content));
      case "zstd":
        return refuseNested(unzstdFeed(content, options));
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

function refuseNested(source: Feed): Feed {
  return new DetectedFeed(source, (compression, content) => {
    if (compression === "none") return content;
    throw new LimitExceededError(
      `Cannot decompress the content: it is ${compression} inside of a compressed layer`,
      { limit: MAX_LEVELS, unit: "levels" },
    );
  });
}

/** Makes something of a feed whose compression is known. */
type Choice = (compression: Compression, content: Feed) => Feed;

/**
 * Looks at the first bytes of a feed, at the first call, and goes on with what was chosen for the
 * whole feed. An error of the choice cancels the source.
 */
class DetectedFeed implements DecompressedFeed {
  readonly #source: Feed;
  readonly #choose: Choice;
  #inner: Feed | undefined;
  #compression: Compression | undefined;
  #isCancelled = false;

  constructor(source: Feed, choose: Choice) {
    this.#source = source;
    this.#choose = choose;
  }

  get compression(): Compression | undefined {
    return this.#compression;
  }

  get lends(): boolean {
    return this.#inner?.lends ?? false;
  }

  next(): Bytes | undefined | Promise<Bytes | undefined> {
    return this.#inner === undefined ? this.#first() : this.#inner.next();
  }

  async cancel(reason: unknown): Promise<void> {
    this.#isCancelled = true;
    await (this.#inner ?? this.#source).cancel(reason);
  }

  async #first(): Promise<Bytes | undefined> {
    const start = await readStart(this.#source);
    if (this.#isCancelled) return undefined;
    try {
      this.#compression = detectCompression(start.subarray(0, DETECTION_BYTES));
      this.#inner = this.#choose(this.#compression, replay(start, this.#source));
    } catch (error) {
      this.#source.cancel(error).catch(() => {});
      throw error;
    }
    return await this.#inner.next();
  }
}

/** Reads until there is enough to tell the compression, or the end. */
async function readStart(source: Feed): Promise<Bytes> {
  let start: Bytes = new Uint8Array(0);
  for (;;) {
    const piece = await source.next();
    if (piece === undefined) return start;
    start = start.byteLength === 0 ? piece : concatBytes([start, piece]);
    if (start.byteLength >= DETECTION_BYTES) return start;
    // What is lent changes with the next call.
    start = start.slice();
  }
}

/** Gives what was read first, and then what follows. */
function replay(start: Bytes, source: Feed): Feed {
  let first: Bytes | undefined = start;
  return {
    get lends() {
      return source.lends;
    },
    next() {
      if (first === undefined) return source.next();
      const piece = first;
      first = undefined;
      return piece;
    },
    cancel: (reason) => source.cancel(reason),
  };
}
