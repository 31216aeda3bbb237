/** Writes the day of a time, in UTC; all days are of one width, also one that is not known. */
export function formatDay(time: Date | undefined): string {
  return time?.toISOString().slice(0, 10) ?? "unknown   ";
}
