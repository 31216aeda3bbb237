import { type PaxRecords, pickRecords } from "./pax.ts";

const KEY_REGEXP = /^(?:MSWINDOWS\.|LIBARCHIVE\.creationtime$)/;

/** Picks what a layer says of files of Windows (image-spec, layer.md §Platform-specific attributes). */
export function windowsRecords(pax: PaxRecords): PaxRecords {
  return pickRecords(pax, (key) => KEY_REGEXP.test(key));
}
