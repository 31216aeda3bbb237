// RFC 9110 §5.6.7: the form that is written today, and the one of RFC 850.
const HTTP_DATE_REGEXP =
  /^[A-Z][a-z]{2,8}, \d{2}[ -][A-Z][a-z]{2}[ -](?:\d{4}|\d{2}) \d{2}:\d{2}:\d{2} GMT$/;

/**
 * Reads a date of a header. `Date.parse` alone takes almost anything for a date.
 */
function parseDate(text: string | null): number | undefined {
  if (text === null || !HTTP_DATE_REGEXP.test(text)) return undefined;
  const time = Date.parse(text);
  return Number.isNaN(time) ? undefined : time;
}

/**
 * Reads how long a registry asks to wait (RFC 9110 §10.2.3): seconds, or a date, which is compared
 * with the server's own clock where it sends it.
 *
 * @param headers The headers of the answer.
 * @param now The time here, in milliseconds since 1970.
 * @returns Milliseconds; `undefined` when the header says nothing about the future.
 */
export function retryAfter(headers: Headers, now: number): number | undefined {
  const text = headers.get("retry-after")?.trim();
  if (text === undefined) return undefined;
  if (/^\d{1,12}$/.test(text)) return Number(text) > 0 ? Number(text) * 1000 : undefined;
  const time = parseDate(text);
  if (time === undefined) return undefined;
  const ms = time - (parseDate(headers.get("date")) ?? now);
  return ms > 0 ? ms : undefined;
}
