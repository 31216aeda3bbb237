import type { Bytes } from "../model/bytes.ts";
import { CorruptStreamError } from "../model/errors.ts";
import type { TarEntryType } from "../tar/entry.ts";
import { windowsRecords } from "../tar/windows_records.ts";
import { FieldReader } from "./_field_reader.ts";
import type { FieldWriter } from "./_field_writer.ts";
import { sparseRecords, type TreeEntry } from "./_layer_files.ts";

/** The number of a type is its place here: it is kept in files. */
const TYPES: readonly TarEntryType[] = [
  "file",
  "hardlink",
  "symlink",
  "character-device",
  "block-device",
  "directory",
  "fifo",
  "volume-label",
  "multi-volume",
  "unknown",
];

const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/** Writes all that a tree takes from an entry. */
export function writeTreeEntry(fields: FieldWriter, entry: TreeEntry): void {
  fields.bytes(entry.pathBytes);
  fields.number(TYPES.indexOf(entry.type));
  fields.text(entry.typeFlag);
  fields.number(entry.size);
  fields.number(entry.mode);
  fields.number(entry.uid);
  fields.number(entry.gid);
  fields.text(entry.userName);
  fields.text(entry.groupName);
  fields.number(entry.mtime);
  fields.text(String(entry.mtimeNs));
  fields.number(entry.linkPathBytes === undefined ? 0 : 1);
  if (entry.linkPathBytes !== undefined) fields.bytes(entry.linkPathBytes);
  fields.number(entry.deviceMajor);
  fields.number(entry.deviceMinor);
  fields.records(new Map([...windowsRecords(entry.pax), ...sparseRecords(entry.pax)]));
  fields.records(entry.xattrs);
  fields.number(entry.headerOffset);
  fields.number(entry.bodyOffset);
}

/**
 * Reads entries one by one.
 *
 * @throws {CorruptStreamError} when they are none.
 */
export function* readTreeEntries(bytes: Bytes): Generator<TreeEntry, void, undefined> {
  const fields = new FieldReader(bytes);
  while (!fields.isAtEnd) {
    const pathBytes = fields.bytes();
    const path = decoder.decode(pathBytes);
    const type = TYPES[fields.number()];
    if (type === undefined) throw new CorruptStreamError("Cannot read an entry: it has no type");
    const entry = {
      path,
      pathBytes,
      type,
      typeFlag: fields.text(),
      size: fields.number(),
      mode: fields.number(),
      uid: fields.number(),
      gid: fields.number(),
      userName: fields.text(),
      groupName: fields.text(),
      mtime: fields.number(),
      mtimeNs: BigInt(fields.text()),
      linkPathBytes: fields.number() === 0 ? undefined : fields.bytes(),
      deviceMajor: fields.number(),
      deviceMinor: fields.number(),
      pax: fields.records(),
      xattrs: fields.records(),
      headerOffset: fields.number(),
      bodyOffset: fields.number(),
    };
    yield entry;
  }
}
