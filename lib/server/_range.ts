import { Refusal } from "./_refusal.ts";

/** The first and the last byte that are asked for, both included. */
export interface WantedRange {
  readonly start: number;
  readonly end: number;
}

/**
 * Reads a `Range` header (RFC 9110 §14.2). Other units, several ranges and what is no range at all
 * are ignored, as the RFC allows: the whole content is the answer.
 *
 * @param header The header.
 * @param size The length of the content.
 * @returns The range, or `undefined` for the whole content.
 * @throws {Refusal} with 416 when no byte of the content is in the range.
 */
export function parseRange(header: string | null, size: number): WantedRange | undefined {
  const match = /^bytes=[ \t]*(\d*)-(\d*)[ \t]*$/.exec(header ?? "");
  if (match === null) return undefined;
  const [first, last] = [match[1] ?? "", match[2] ?? ""];
  if (first === "" && last === "") return undefined;
  if (first === "") {
    const length = Math.min(Number(last), size);
    if (length === 0) throw unsatisfiable(size);
    return { start: size - length, end: size - 1 };
  }
  const start = Number(first);
  const end = last === "" ? size - 1 : Math.min(Number(last), size - 1);
  if (start >= size || end < start) throw unsatisfiable(size);
  return { start, end };
}

function unsatisfiable(size: number): Refusal {
  return new Refusal(416, "RANGE_INVALID", "no byte of the content is in the range", {
    headers: { "content-range": `bytes */${size}` },
  });
}
