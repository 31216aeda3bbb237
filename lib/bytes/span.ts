import type { ByteRange } from "../model/content.ts";

/** A part of content: `end` is the byte after the last one. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

/**
 * Turns a range into positions, cutting its end at the end of the content as RFC 9110 §14.1.2 does.
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
