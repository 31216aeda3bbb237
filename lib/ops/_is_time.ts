// RFC 3339 §5.6, as Go reads it: an upper-case T and Z, seconds up to 59.
const TIME_REGEXP =
  /^\d{4}-(\d\d)-(\d\d)T([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d+)?(Z|[+-]([01]\d|2[0-3]):[0-5]\d)$/;

/** Tells whether a text is a time as documents of images have it. */
export function isTime(text: string): boolean {
  const [, month, day] = TIME_REGEXP.exec(text) ?? [];
  // The day before the first of the next month is the last one.
  const days = new Date(Date.UTC(Number(text.slice(0, 4)), Number(month), 0)).getUTCDate();
  return Number(month) >= 1 && Number(month) <= 12 && Number(day) >= 1 && Number(day) <= days;
}
