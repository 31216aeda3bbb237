import { streamOfChunks } from "../bytes/chunks.ts";
import { concatBytes } from "../bytes/concat.ts";
import type { Bytes, ByteStream } from "../model/bytes.ts";

/** What is known about the content behind an encoded body. */
export interface Expected {
  /** Its size in bytes. */
  readonly size: number;
  /** Whether the content itself is compressed with gzip, by its media type. */
  readonly isGzip: boolean;
}

/** Enough to see whether what is inside a gzip stream is a gzip stream again. */
const PEEK_BYTES = 512;

function isGzipMagic(bytes: Uint8Array): boolean {
  return bytes[0] === 0x1f && bytes[1] === 0x8b;
}

/** Tells from its first bytes that a body is the content already. */
type IsContent = (prefix: Bytes) => Promise<boolean>;

/**
 * Undoes `Content-Encoding: gzip` where the runtime has not done it. Digests are over the content,
 * not over its encoding, and all runtimes keep the header when they decode: whether they did can
 * only be seen from the bytes.
 *
 * @param body The body.
 * @param headers The headers it came with.
 * @param isContent Knows content that is a gzip file itself; without it nothing is.
 * @returns The content as far as it can be told.
 */
export async function contentOf(
  body: ByteStream,
  headers: Headers,
  isContent?: IsContent,
): Promise<ByteStream> {
  const encoding = headers.get("content-encoding")?.trim().toLowerCase();
  if (encoding !== "gzip" && encoding !== "x-gzip") return body;
  const { prefix, whole } = await peek(body);
  if (!isGzipMagic(prefix) || await isContent?.(prefix)) return whole;
  return whole.pipeThrough(new DecompressionStream("gzip"));
}

/**
 * Undoes `Content-Encoding: gzip` of a blob. A layer that is a gzip file anyway is decoded only when
 * there is a gzip file inside; the digest has the last word.
 *
 * @param body The body.
 * @param headers The headers it came with.
 * @param expected What the content should be.
 * @returns The content as far as it can be told.
 */
export async function blobContentOf(
  body: ByteStream,
  headers: Headers,
  { size, isGzip }: Expected,
): Promise<ByteStream> {
  // quay#1310: a layer that is labelled as encoded, because it is a gzip file.
  if (headers.get("content-length") === String(size)) return body;
  const isLayer: IsContent = async (prefix) => !isGzipMagic(await firstBytes(prefix));
  return await contentOf(body, headers, isGzip ? isLayer : undefined);
}

/** Looks at the start of a stream and gives it back whole. */
async function peek(stream: ByteStream): Promise<{ prefix: Bytes; whole: ByteStream }> {
  const reader = stream.getReader();
  const chunks: Bytes[] = [];
  let total = 0;
  while (total < PEEK_BYTES) {
    const { done, value } = await reader.read();
    if (done) break;
    chunks.push(value);
    total += value.byteLength;
  }
  const prefix = concatBytes(chunks);
  let isPrefixGiven = false;
  const whole = streamOfChunks({
    async next() {
      if (isPrefixGiven) return (await reader.read()).value;
      isPrefixGiven = true;
      return prefix;
    },
    cancel: (reason) => reader.cancel(reason),
  });
  return { prefix, whole };
}

/** The first bytes inside a gzip stream that is cut short. */
async function firstBytes(prefix: Bytes): Promise<Uint8Array> {
  const stream = new DecompressionStream("gzip");
  const writer = stream.writable.getWriter();
  const reader = stream.readable.getReader();
  // The end of the prefix is not the end of the stream: errors say nothing.
  writer.closed.catch(() => {});
  writer.write(prefix).then(() => writer.close()).catch(() => {});
  try {
    const { value } = await reader.read();
    return value ?? new Uint8Array();
  } catch {
    return new Uint8Array();
  } finally {
    reader.cancel().catch(() => {});
  }
}
