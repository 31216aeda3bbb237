import type { ByteRange } from "../model/content.ts";
import type { Descriptor } from "../model/descriptor.ts";
import { SizeMismatchError } from "../model/errors.ts";

/** The part of content that a range means: `end` is the byte after the last one. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

/**
 * Turns a range into positions, cutting its end at the end of the content as RFC 9110 §14.1.2
 * does.
 *
 * @throws {RangeError} when it is no range, or starts behind the content.
 */
export function spanOf(range: ByteRange | undefined, size: number): Span {
  if (range === undefined) return { start: 0, end: size };
  const { start, end = Math.max(start, size - 1) } = range;
  const isRange = Number.isSafeInteger(start) && Number.isSafeInteger(end) && start >= 0 &&
    end >= start;
  if (!isRange || start >= size) {
    throw new RangeError(`Cannot fetch bytes ${start}-${end} of ${size}`);
  }
  return { start, end: Math.min(end + 1, size) };
}

/** Refuses content whose size is not that of its descriptor, before any byte of it is read. */
export function checkSize(actual: number, descriptor: Descriptor, what: string): void {
  if (actual === descriptor.size) return;
  throw new SizeMismatchError(
    `Cannot read ${what}: it has ${actual} bytes, expected ${descriptor.size}`,
    { expected: descriptor.size, actual, descriptor },
  );
}
