import type { TarEntry } from "./entry.ts";
import { windowsRecords } from "./windows_records.ts";
import type { TarInput } from "./writer.ts";

/**
 * Turns an entry that was read into one that can be written: with its body, its raw names, its owner,
 * times and attributes, and the records of Windows.
 *
 * @param entry The entry; its body is handed on unread.
 * @returns What a writer takes; `undefined` for types that make no file.
 */
export function entryInput(entry: TarEntry): TarInput | undefined {
  const { type } = entry;
  if (type === "volume-label" || type === "multi-volume" || type === "unknown") return undefined;
  const { path, pathBytes, size, mode, uid, gid, userName, groupName, mtimeNs } = entry;
  const { linkPath, linkPathBytes, deviceMajor, deviceMinor, xattrs } = entry;
  return {
    ...{ path, pathBytes, type, mode, uid, gid, userName, groupName, mtimeNs },
    ...{ linkPath, linkPathBytes, deviceMajor, deviceMinor, xattrs },
    ...(type === "file" ? { size, body: entry.body } : {}),
    pax: windowsRecords(entry.pax),
  };
}
