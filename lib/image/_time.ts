import type { TarInput } from "../tar/writer.ts";

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

/** A time to be set; with `clamp` only in place of later ones. */
export interface TimeEdit {
  readonly time: Time;
  readonly clamp?: boolean | undefined;
}

/** Makes the edit that sets the times of files. */
export function retime({ time, clamp = false }: TimeEdit): (entry: TarInput) => TarInput {
  const mtimeNs = BigInt(dateOf(time).getTime()) * 1_000_000n;
  return (entry) => {
    const before = entry.mtimeNs ?? 0n;
    return before === mtimeNs || clamp && before < mtimeNs ? entry : { ...entry, mtimeNs };
  };
}

/** Sets the time of a document; one that it does not have is set unless times are only clamped. */
export function editTime(before: string | undefined, edit: TimeEdit): string | undefined {
  if (edit.clamp !== true) return formatTime(edit.time);
  const isEarlier = before === undefined || !(Date.parse(before) > dateOf(edit.time).getTime());
  return isEarlier ? before : formatTime(edit.time);
}
