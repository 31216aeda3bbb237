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
