/** The earliest time that a `Date` can be. */
const MIN_DATE_MS = -8.64e15;

/**
 * Gives a time as the functions of `node:fs` take it. They take numbers below zero for the present
 * time, and Deno takes dates before 1970 by whole seconds only.
 */
export function diskTime(mtimeMs: number): number | Date {
  if (mtimeMs >= 0) return mtimeMs / 1000;
  return new Date(Math.max(Math.floor(mtimeMs / 1000) * 1000, MIN_DATE_MS));
}
