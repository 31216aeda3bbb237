/** Where the bytes of a 206 answer belong (RFC 9110 §14.4). */
export interface ContentRange {
  readonly start: number;
  readonly end: number;
  /** The size of the whole content; `undefined` when the server does not say. */
  readonly total: number | undefined;
}

/** Parses a Content-Range header; `undefined` when it says nothing about bytes. */
export function parseContentRange(header: string | null): ContentRange | undefined {
  const match = /^bytes (\d{1,16})-(\d{1,16})\/(\d{1,16}|\*)$/i.exec(header?.trim() ?? "");
  if (match === null) return undefined;
  const [, start, end, total] = match;
  return {
    start: Number(start),
    end: Number(end),
    total: total === "*" ? undefined : Number(total),
  };
}
