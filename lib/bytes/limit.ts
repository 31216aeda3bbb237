import type { ByteStream } from "../model/bytes.ts";
import { LimitExceededError } from "../model/errors.ts";
import { through } from "./through.ts";

/**
 * Passes a stream on up to a number of bytes; one byte more is an error, and the source is
 * cancelled. No chunk that goes past the limit is handed on.
 *
 * @param stream The stream to bound.
 * @param maxBytes The most bytes that may pass.
 * @param what What the stream is, for the message: `the manifest`.
 * @returns The bounded stream, which errors with {@linkcode LimitExceededError} past the limit.
 * @throws {RangeError} when `maxBytes` is no number of bytes.
 */
export function limited(stream: ByteStream, maxBytes: number, what: string): ByteStream {
  if (!(maxBytes >= 0)) throw new RangeError(`Cannot limit ${what}: ${maxBytes} is no limit`);
  let total = 0;
  return through(stream, {
    chunk(chunk) {
      total += chunk.byteLength;
      if (total > maxBytes) throw tooLong(what, maxBytes);
      return chunk;
    },
  });
}

/** Makes the error for content that is longer than it may be. */
export function tooLong(what: string, maxBytes: number): LimitExceededError {
  return new LimitExceededError(
    `Cannot read ${what}: it is longer than the limit of ${maxBytes} bytes`,
    { limit: maxBytes, unit: "bytes" },
  );
}
