import type { Bytes } from "../model/bytes.ts";

const KEY_REGEXP = /^(?:MSWINDOWS\.|LIBARCHIVE\.creationtime$)/;

const NO_RECORDS: ReadonlyMap<string, Bytes> = new Map();

/** Picks what a layer says of files of Windows (image-spec, layer.md §Platform-specific attributes). */
export function windowsRecords(pax: ReadonlyMap<string, Bytes>): ReadonlyMap<string, Bytes> {
  let found: Map<string, Bytes> | undefined;
  for (const [key, value] of pax) {
    if (KEY_REGEXP.test(key)) (found ??= new Map()).set(key, value);
  }
  return found ?? NO_RECORDS;
}
