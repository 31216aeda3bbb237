import { StreamCursor } from "../bytes/stream_cursor.ts";
import { streamUntilAborted } from "../bytes/stream_until_aborted.ts";
import { digestMismatch } from "../bytes/verify.ts";
import { type Feed, feedOf, streamOfFeed } from "../bytes/feed.ts";
import { iterate } from "../bytes/iterate.ts";
import { createHasher } from "../hash/create_hasher.ts";
import { type InflateBoundary, type Inflater, type Kernel, loadKernel } from "../kernel/mod.ts";
import type { Bytes, ByteStream } from "../model/bytes.ts";
import type { CallOptions } from "../model/content.ts";
import { formatDigest } from "../model/digest.ts";
import { CorruptStreamError } from "../model/errors.ts";
import { checkPoints, decodePoints, encodePoints, MAX_CHECKPOINTS } from "./_checkpoint_format.ts";
import { CheckpointRecorder } from "./_checkpoint_recorder.ts";
import { type Codec, codecFeed } from "./_codec_stream.ts";
import { outputCap } from "./_output_cap.ts";
import type { Checkpoint, Checkpoints } from "./checkpoint.ts";

export { MAX_CHECKPOINTS } from "./_checkpoint_format.ts";

/** Reads compressed bytes from `start` up to `end`, which is not among them. */
export type FetchRange = (start: number, end: number, options: CallOptions) => Promise<ByteStream>;

/** Options of {@linkcode gunzipWithCheckpoints} and {@linkcode buildCheckpoints}. */
export interface CheckpointOptions {
  /**
   * The least uncompressed bytes between two checkpoints; default 4 MiB. Each has 32 KiB, and so
   * much is inflated for nothing, at most, when a file is read.
   */
  readonly everyBytes?: number | undefined;
  /**
   * The most checkpoints, default 1024: what is behind the last one is inflated from there. At most
   * {@linkcode MAX_CHECKPOINTS}.
   */
  readonly maxCheckpoints?: number | undefined;
  /** The kernel to use; default that of {@linkcode loadKernel}. */
  readonly kernel?: Kernel | undefined;
  /** The most bytes to give; one more is an error. Default `MAX_OUTPUT_BYTES`. */
  readonly maxOutputBytes?: number | undefined;
}

/** A stream that takes checkpoints while it is read. */
export interface CheckpointedStream {
  /** The decompressed bytes. */
  readonly stream: ByteStream;
  /**
   * Gives the checkpoints.
   *
   * @returns Them; `undefined` before the stream has ended.
   */
  checkpoints(): Checkpoints | undefined;
}

/** Options of {@linkcode openAt}. */
export interface OpenAtOptions extends CallOptions {
  /** The kernel to use; default that of {@linkcode loadKernel}. */
  readonly kernel?: Kernel | undefined;
}

const DEFAULT_EVERY_BYTES = 4 * 1024 * 1024;

/** Less would be more history than content. */
const MIN_EVERY_BYTES = 65_536;

const DEFAULT_MAX_CHECKPOINTS = 1024;

/** What is held back until it is proved: twice what lies between two checkpoints by default. */
const MAX_HELD_BYTES = 8 * 1024 * 1024;

/**
 * Decompresses gzip as `gunzip()` does, and notes where an inflater could begin: at starts of blocks
 * and of gzip members. That costs a hash of the compressed bytes, and 32 KiB for each checkpoint.
 * Whoever means to trust the checkpoints reads the stream to its end, and proves it.
 *
 * @param stream The compressed bytes; the stream is locked from now on.
 * @param options How far apart checkpoints are, and limits.
 * @returns The decompressed bytes, and the checkpoints once they have ended.
 * @throws {RangeError} when an option is out of its range.
 */
export function gunzipWithCheckpoints(
  stream: ByteStream,
  options: CheckpointOptions = {},
): CheckpointedStream {
  let found: Checkpoints | undefined;
  const open = checkpointingGunzip(options, (checkpoints) => found = checkpoints);
  return { stream: streamOfFeed(open(feedOf(stream))), checkpoints: () => found };
}

/**
 * Decompresses what feeds give; see {@linkcode gunzipWithCheckpoints}.
 *
 * @param options How far apart checkpoints are, and limits.
 * @param done Is told the checkpoints of a feed when it has ended.
 * @returns What decompresses a feed.
 * @throws {RangeError} when an option is out of its range.
 */
export function checkpointingGunzip(
  options: CheckpointOptions,
  done: (checkpoints: Checkpoints) => void,
): (source: Feed) => Feed {
  const { everyBytes = DEFAULT_EVERY_BYTES, maxCheckpoints = DEFAULT_MAX_CHECKPOINTS } = options;
  if (!(everyBytes >= MIN_EVERY_BYTES)) {
    throw new RangeError(
      `Cannot set checkpoints every ${everyBytes} bytes: the least is ${MIN_EVERY_BYTES}`,
    );
  }
  if (!(maxCheckpoints >= 2 && maxCheckpoints <= MAX_CHECKPOINTS)) {
    throw new RangeError(
      `Cannot set ${maxCheckpoints} checkpoints: there are 2 to ${MAX_CHECKPOINTS}`,
    );
  }
  const maxBytes = outputCap(options.maxOutputBytes);
  const open = (): Codec => {
    const recorder = new CheckpointRecorder(everyBytes, maxCheckpoints);
    let isEnded = false;
    let isDone = false;
    const kernel = options.kernel ?? loadKernel();
    const onBoundary = (boundary: InflateBoundary) => recorder.boundary(boundary);
    const codec = kernel.inflater({ onBoundary });
    return {
      push(chunk) {
        recorder.compressed(chunk);
        codec.push(chunk);
      },
      end() {
        isEnded = true;
        codec.end();
      },
      read() {
        const output = codec.read();
        if (output !== undefined) {
          recorder.uncompressed(output);
          return output;
        }
        recorder.used();
        if (isEnded && !isDone) done(recorder.finish());
        isDone ||= isEnded;
        return undefined;
      },
      close: () => codec.close(),
    };
  };
  return (source) => codecFeed(source, open, { maxBytes, what: "gzip" });
}

/**
 * Reads a gzip stream once and gives its checkpoints. The stream should prove itself, as those of
 * `Layer.compressed()` do: what is read by the checkpoints later is proved to be what was here.
 *
 * @param stream The compressed bytes; the stream is locked from now on.
 * @param options How far apart checkpoints are, and limits.
 * @returns The checkpoints.
 * @throws {CorruptStreamError} when the stream is damaged.
 * @throws {LimitExceededError} when there is more output than allowed.
 * @throws {RangeError} when an option is out of its range.
 *
 * @example Read the end of a stream by its last bytes
 * ```ts
 * import { buildCheckpoints, gzip, openAt } from "@lading/lading/compress";
 *
 * const plain = new Uint8Array(200_000).map((_, index) => index * index % 251);
 * const compressed = await new Response(gzip(new Blob([plain]).stream())).blob();
 * const checkpoints = await buildCheckpoints(compressed.stream(), { everyBytes: 65_536 });
 * const fetchRange = async (start: number, end: number) => compressed.slice(start, end).stream();
 * const part = openAt(checkpoints, fetchRange, 199_990, 10);
 * console.log((await new Response(part).blob()).size); // 10
 * ```
 */
export async function buildCheckpoints(
  stream: ByteStream,
  options: CheckpointOptions = {},
): Promise<Checkpoints> {
  const { stream: plain, checkpoints } = gunzipWithCheckpoints(stream, options);
  const chunks = iterate(plain);
  while (!(await chunks.next()).done);
  const found = checkpoints();
  if (found !== undefined) return found;
  throw new CorruptStreamError("Cannot set checkpoints: the stream has no end");
}

/**
 * Turns checkpoints into bytes that can be kept: a versioned format with a checksum.
 *
 * @param checkpoints Checkpoints of {@linkcode buildCheckpoints}.
 * @returns The bytes, some 32 KiB for each.
 */
export function encodeCheckpoints(checkpoints: Checkpoints): Bytes {
  return encodePoints(checkpoints);
}

/**
 * Reads bytes of {@linkcode encodeCheckpoints}. The checksum finds damage. It proves nothing about
 * who wrote them: keep them where nobody else writes.
 *
 * @param bytes The bytes.
 * @returns The checkpoints.
 * @throws {CorruptStreamError} when they are damaged, of another version, or contradict themselves.
 */
export function decodeCheckpoints(bytes: Uint8Array): Checkpoints {
  return decodePoints(bytes);
}

/**
 * Opens a part of the decompressed stream: fetches the compressed bytes from the checkpoint before
 * it to the one behind it, and nothing else. Those bytes are proved to be the ones that the
 * checkpoints were made of, and what lies between two checkpoints is handed on only then. Of more than
 * 8 MiB, as a larger `everyBytes` gives, the last 8 MiB wait. Memory is that, one chunk and the window
 * of an inflater.
 *
 * @param checkpoints The checkpoints of the stream.
 * @param fetchRange Fetches compressed bytes.
 * @param offset Where the part begins, in uncompressed bytes.
 * @param length How long it is.
 * @param options A signal, which also ends the stream, and the kernel.
 * @returns The part. The stream errors with {@linkcode DigestMismatchError} when other bytes came,
 * and with {@linkcode CorruptStreamError} when the checkpoints are not those of the stream.
 * @throws {RangeError} when the part does not lie in the stream.
 * @throws {CorruptStreamError} when the checkpoints contradict one another.
 */
export function openAt(
  checkpoints: Checkpoints,
  fetchRange: FetchRange,
  offset: number,
  length: number,
  options: OpenAtOptions = {},
): ByteStream {
  checkPoints(checkpoints);
  const isPart = Number.isSafeInteger(offset) && Number.isSafeInteger(length) && offset >= 0 &&
    length >= 0 && offset + length <= checkpoints.size;
  if (!isPart) {
    throw new RangeError(`Cannot open ${length} bytes at ${offset} of ${checkpoints.size}`);
  }
  const part = { start: offset, end: offset + length };
  const kernel = options.kernel ?? loadKernel();
  return streamUntilAborted(
    (signal) => readPart(checkpoints, fetchRange, part, kernel, signal),
    options.signal,
  );
}

interface Part {
  readonly start: number;
  readonly end: number;
}

/** What is between two checkpoints. */
interface Span {
  readonly point: Checkpoint;
  /** The end of its compressed bytes; the next checkpoint has the last one too. */
  readonly compressedEnd: number;
  readonly end: number;
}

function spansOf({ points, compressedSize, size }: Checkpoints, part: Part): Span[] {
  const spans: Span[] = [];
  for (const [index, point] of points.entries()) {
    const next = points[index + 1];
    const end = next?.offset ?? size;
    if (end <= part.start || point.offset >= part.end) continue;
    const compressedEnd = next === undefined
      ? compressedSize
      : next.compressedOffset + (next.bit > 0 ? 1 : 0);
    spans.push({ point, compressedEnd, end });
  }
  return spans;
}

async function* readPart(
  checkpoints: Checkpoints,
  fetchRange: FetchRange,
  part: Part,
  kernel: Kernel,
  signal: AbortSignal,
): AsyncGenerator<Bytes, void, undefined> {
  const spans = spansOf(checkpoints, part);
  const [first, last] = [spans[0], spans.at(-1)];
  if (part.start === part.end || first === undefined || last === undefined) return;
  const start = first.point.compressedOffset;
  const cursor = new StreamCursor(await fetchRange(start, last.compressedEnd, { signal }));
  let shared: number | undefined;
  try {
    for (const span of spans) {
      shared = yield* readSpan(span, cursor, part, kernel, span.point.bit > 0 ? shared : undefined);
    }
  } finally {
    await cursor.cancel().catch(() => {});
  }
}

/** Reads what is wanted of a span; gives the last compressed byte of it. */
async function* readSpan(
  { point, compressedEnd, end }: Span,
  cursor: StreamCursor,
  part: Part,
  kernel: Kernel,
  shared: number | undefined,
): AsyncGenerator<Bytes, number | undefined, undefined> {
  const hasher = createHasher("sha256");
  const inflater = kernel.inflater(
    point.isMember ? { format: "gzip" } : { format: "deflate-raw", resume: point },
  );
  let at = point.offset;
  const held: Bytes[] = [];
  let heldBytes = 0;
  let lastByte: number | undefined;
  try {
    let left = compressedEnd - point.compressedOffset;
    while (left > 0) {
      const chunk = shared === undefined ? await cursor.next(left) : Uint8Array.of(shared);
      shared = undefined;
      if (chunk === undefined) throw new CorruptStreamError("Cannot inflate: it is cut short");
      left -= chunk.byteLength;
      lastByte = chunk.at(-1);
      hasher.update(chunk);
      const wanted = Math.min(end, part.end);
      if (at >= wanted) continue;
      inflater.push(chunk);
      for (const output of outputs(inflater)) {
        const piece = output.slice(Math.max(part.start - at, 0), Math.max(wanted - at, 0));
        at += output.byteLength;
        if (piece.byteLength > 0) held.push(piece);
        heldBytes += piece.byteLength;
        while (heldBytes > MAX_HELD_BYTES) {
          const first = held.shift();
          if (first === undefined) break;
          heldBytes -= first.byteLength;
          yield first;
        }
        if (at >= wanted) break;
      }
    }
    const digest = formatDigest("sha256", hasher.digest());
    if (digest !== point.digest) {
      const size = compressedEnd - point.compressedOffset;
      const expected = { mediaType: "application/gzip", digest: point.digest, size };
      throw digestMismatch(`the bytes from ${point.compressedOffset} on`, expected, digest);
    }
    if (at < Math.min(end, part.end)) {
      throw new CorruptStreamError("Cannot inflate: the checkpoints are not those of the stream");
    }
    yield* held;
    return lastByte;
  } finally {
    inflater.close();
  }
}

function* outputs(inflater: Inflater): Generator<Bytes, void, undefined> {
  for (let output = inflater.read(); output !== undefined; output = inflater.read()) yield output;
}
