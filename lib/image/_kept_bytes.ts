import type { TarEntry } from "../tar/reader.ts";

type Metadata = Pick<
  TarEntry,
  "pathBytes" | "linkPathBytes" | "userName" | "groupName" | "pax" | "xattrs"
>;

/** Counts the bytes that make entries of different weight: names, targets, owners, attributes. */
export function keptBytes(entry: Metadata): number {
  const { pathBytes, linkPathBytes, userName, groupName, pax, xattrs } = entry;
  let bytes = pathBytes.length + userName.length + groupName.length;
  bytes += linkPathBytes?.length ?? 0;
  // Records have the attributes too, where the entry is one of an archive.
  for (const [key, value] of pax.size > 0 ? pax : xattrs) bytes += key.length + value.length;
  return bytes;
}
