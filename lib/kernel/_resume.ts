import type { InflaterOptions } from "./kernel.ts";

/** RFC 1951 §2: a distance reaches at most 32 KiB back. */
export const HISTORY_BYTES = 32_768;

/** Checks where an inflater is to go on; gives it. */
export function checkedResume({ format, resume }: InflaterOptions): InflaterOptions["resume"] {
  if (resume === undefined) return undefined;
  if (format !== "deflate-raw") {
    throw new TypeError("Cannot resume in format gzip: blocks are resumed in format deflate-raw");
  }
  const { bit, history } = resume;
  if (!Number.isInteger(bit) || bit < 0 || bit > 7 || history.length > HISTORY_BYTES) {
    throw new RangeError(
      `Cannot resume at bit ${bit} with ${history.length} bytes: the most are 7 and ${HISTORY_BYTES}`,
    );
  }
  return resume;
}
