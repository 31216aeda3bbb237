import type { Bytes } from "../model/bytes.ts";

const KEY_REGEXP = /^(?:MSWINDOWS\.|LIBARCHIVE\.creationtime$)/;

const NO_RECORDS: ReadonlyMap<string, Bytes> = new Map();

/** Picks what a layer says of files of Windows (image-spec, layer.md §Platform-specific attributes). */
export function windowsRecords(pax: ReadonlyMap<string, Bytes>): ReadonlyMap<string, Bytes> {
  if (pax.size === 0) return NO_RECORDS;
  const found = [...pax].filter(([key]) => KEY_REGEXP.test(key));
  return found.length === 0 ? NO_RECORDS : new Map(found);
}
