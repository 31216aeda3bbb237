import { LimitExceededError } from "../model/errors.ts";

/**
 * The most bytes that decompression gives by default: 64 GiB. A ratio is no defence, because
 * deflate reaches 1:1032 in honest files of zeros.
 */
export const MAX_OUTPUT_BYTES: number = 64 * 2 ** 30;

/** How much may come out of a codec. */
export interface OutputCap {
  readonly maxBytes: number;
  /** What is decompressed, for the message. */
  readonly what: string;
}

/** Makes the error of a codec that gives more. */
export function beyondCap({ maxBytes, what }: OutputCap): LimitExceededError {
  return new LimitExceededError(
    `Cannot decompress ${what}: it is longer than the limit of ${maxBytes} bytes`,
    { limit: maxBytes, unit: "bytes" },
  );
}

/** Gives the cap to use. */
export function outputCap(maxOutputBytes: number | undefined): number {
  const cap = maxOutputBytes ?? MAX_OUTPUT_BYTES;
  if (!(cap >= 0)) throw new RangeError(`Cannot decompress: ${cap} is no limit`);
  return cap;
}
