import type { Bytes, ByteSource, ByteStream } from "../model/bytes.ts";
import { streamOf } from "./stream_from.ts";

/**
 * Opens content for reading.
 *
 * @param source Bytes, a stream, or a function that opens a stream.
 * @returns The stream.
 */
export async function openSource(source: ByteSource): Promise<ByteStream> {
  if (typeof source === "function") return await source();
  return source instanceof Uint8Array ? streamOf(source) : source;
}

/**
 * Tells whether content can be opened more than once: bytes and functions can, streams cannot.
 *
 * @param source The content.
 * @returns Whether it can be sent again after a failure.
 */
export function isReplayable(
  source: ByteSource,
): source is Bytes | (() => ByteStream | Promise<ByteStream>) {
  return typeof source === "function" || source instanceof Uint8Array;
}

/**
 * Lets go of content that nobody will read; once it is being read, that is its reader's task.
 *
 * @param content The content: a stream is cancelled, anything else left alone.
 * @param reason Why.
 */
export async function letGo(content: unknown, reason?: unknown): Promise<void> {
  // The failure before this one is the one to tell.
  if (content instanceof ReadableStream && !content.locked) {
    await content.cancel(reason).catch(() => {});
  }
}
