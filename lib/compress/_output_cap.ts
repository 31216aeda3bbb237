import type { Bytes } from "../model/bytes.ts";
import { LimitExceededError } from "../model/errors.ts";
import type { Codec } from "./_codec_stream.ts";

/**
 * The most bytes that decompression gives by default: 64 GiB. A ratio is no defence, because
 * deflate reaches 1:1032 in honest files of zeros.
 */
export const MAX_OUTPUT_BYTES: number = 64 * 2 ** 30;

/** Wraps a codec so that it errors before it gives more than a number of bytes. */
export function capped(codec: Codec, maxBytes: number, what: string): Codec {
  let total = 0;
  return {
    push: (chunk) => codec.push(chunk),
    end: () => codec.end(),
    close: () => codec.close(),
    read(): Bytes | undefined {
      const output = codec.read();
      if (output === undefined) return undefined;
      total += output.byteLength;
      if (total <= maxBytes) return output;
      throw new LimitExceededError(
        `Cannot decompress ${what}: it is longer than the limit of ${maxBytes} bytes`,
        { limit: maxBytes, unit: "bytes" },
      );
    },
  };
}

/** Gives the cap to use. */
export function outputCap(maxOutputBytes: number | undefined): number {
  const cap = maxOutputBytes ?? MAX_OUTPUT_BYTES;
  if (!(cap >= 0)) throw new RangeError(`Cannot decompress: ${cap} is no limit`);
  return cap;
}
