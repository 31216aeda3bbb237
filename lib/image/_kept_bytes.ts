import type { TarEntry } from "../tar/reader.ts";
import { windowsRecords } from "../tar/windows_records.ts";

type Metadata = Pick<
  TarEntry,
  "pathBytes" | "linkPathBytes" | "userName" | "groupName" | "xattrs" | "pax"
>;

/** Counts the bytes that make entries of different weight: names, targets, owners, attributes. */
export function keptBytes(entry: Metadata): number {
  const { pathBytes, linkPathBytes, userName, groupName, xattrs, pax } = entry;
  const names = pathBytes.length + (linkPathBytes?.length ?? 0);
  const records = recordBytes(xattrs) + recordBytes(windowsRecords(pax));
  return names + userName.length + groupName.length + records;
}

/** Counts the bytes of records. */
export function recordBytes(records: ReadonlyMap<string, Uint8Array>): number {
  if (records.size === 0) return 0;
  let bytes = 0;
  for (const [key, value] of records) bytes += key.length + value.length;
  return bytes;
}
