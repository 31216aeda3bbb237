import type { Bytes } from "../model/bytes.ts";

/** Records that the fields of an entry make, or that say how its bytes are to be read. */
const OWN_KEYS: ReadonlySet<string> = new Set([
  "path",
  "linkpath",
  "size",
  "uid",
  "gid",
  "uname",
  "gname",
  "mtime",
  "hdrcharset",
  "charset",
  "SCHILY.realsize",
]);

const OWN_PREFIXES: readonly string[] = ["SCHILY.xattr.", "GNU.sparse."];

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/** Puts records in the order in which they are written, and refuses those that would not be read again. */
export function vendorRecords(
  records: ReadonlyMap<string, Bytes | string>,
  refuse: (what: string) => never,
): (readonly [key: string, value: Bytes])[] {
  const sorted = [...records].sort(([a], [b]) => a < b ? -1 : a > b ? 1 : 0);
  return sorted.map(([key, value]) => {
    const name = JSON.stringify(key.slice(0, 64));
    if (OWN_KEYS.has(key) || OWN_PREFIXES.some((prefix) => key.startsWith(prefix))) {
      refuse(`the pax record ${name} follows from the fields of the entry`);
    }
    if (decoder.decode(encoder.encode(key)) !== key) refuse(`the pax key ${name} is no UTF-8`);
    const bytes = typeof value === "string" ? encoder.encode(value) : value;
    // POSIX.1-2017, pax extended header: without a value a record deletes what another one said.
    if (bytes.length === 0) refuse(`the pax record ${name} is empty`);
    return [key, bytes];
  });
}
