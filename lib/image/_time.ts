const SECOND_MS = 1000;

/** A time as callers give it: seconds since 1970, RFC 3339, or a date. */
export type Time = number | string | Date;

/** Writes a time as documents have it (RFC 3339); a text stays as it is. */
export function formatTime(time: Time): string {
  if (typeof time === "string" && !Number.isNaN(Date.parse(time))) return time;
  const date = dateOf(time);
  // Go leaves out a fraction that is zero.
  return date.toISOString().replace(/\.000Z$/, "Z");
}

/** Reads a time. */
export function dateOf(time: Time): Date {
  const date = typeof time === "number" ? new Date(time * SECOND_MS) : new Date(time);
  if (!Number.isNaN(date.getTime())) return date;
  throw new RangeError(`Cannot edit the image: ${JSON.stringify(time)} is no time`);
}
