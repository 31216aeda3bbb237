import type { Bytes } from "../model/bytes.ts";
import { InvalidTarError, LimitExceededError } from "../model/errors.ts";
import { MAX_PATH_LENGTH, sanitizePath } from "../tar/path.ts";
import type { TarEntry } from "../tar/reader.ts";
import { windowsRecords } from "../tar/windows_records.ts";
import type { FileTree } from "./_file_tree.ts";
import { keptBytes } from "./_kept_bytes.ts";
import { layerPath } from "./layer_path.ts";
import { decodeName } from "./_lossless_name.ts";
import type { RootfsEntryType } from "./rootfs_entry.ts";
import { parseWhiteout } from "./whiteout.ts";

/** What a tree keeps of an entry of a layer: all but its content. */
export interface FileMeta {
  readonly type: RootfsEntryType;
  readonly size: number;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly userName: string;
  readonly groupName: string;
  readonly mtime: number;
  readonly mtimeNs: bigint;
  readonly deviceMajor: number;
  readonly deviceMinor: number;
  readonly xattrs: ReadonlyMap<string, Bytes>;
  /** Pax records of Windows. */
  readonly windows: ReadonlyMap<string, Bytes>;
  /** The number of the layer, the base is 0. */
  readonly layer: number;
  /** The number of the entry in its layer. */
  readonly ordinal: number;
  /** Bytes from the start of the archive to the content; absent where it is not in one piece. */
  readonly bodyOffset: number | undefined;
}

/** What a tree takes from an entry of a layer. */
export type TreeEntry = Omit<TarEntry, "format" | "body" | "lend" | "bytes" | "text">;

const NO_RECORDS: ReadonlyMap<string, Bytes> = new Map();

/**
 * Applies one entry of a layer to a tree (OCI image-spec, layer.md §applying changesets). Names
 * lose slashes at their begin and `.`; the target of a hard link counts from the root.
 *
 * @returns What is known about a file that the entry has put into the tree.
 */
export function applyEntry(
  tree: FileTree<FileMeta>,
  entry: TreeEntry,
  layer: number,
  ordinal: number,
): FileMeta | undefined {
  const path = pathOf(entry);
  const whiteout = parseWhiteout(path);
  if (whiteout !== undefined) {
    const directory = path.slice(0, Math.max(path.lastIndexOf("/"), 0));
    if (whiteout.kind === "delete") tree.remove(directory, whiteout.name);
    if (whiteout.kind === "opaque") tree.clear(directory);
    return undefined;
  }
  tree.keep(keptBytes(entry));
  const type = typeOf(entry);
  if (entry.type === "hardlink") tree.addLink(path, linkTarget(entry));
  if (type === undefined) return undefined;
  const meta = metaOf(entry, type, layer, ordinal);
  if (type === "directory") tree.addDirectory(path, meta);
  else if (type === "symlink") tree.addNode(path, "symlink", meta, linkTarget(entry));
  else if (tree.addNode(path, "other", meta) && type === "file") return meta;
  return undefined;
}

/** The text of a name says all where no bytes of it were replaced. */
function pathOf({ path, pathBytes }: TreeEntry): string {
  return path.includes("\ufffd") ? layerPath(pathBytes) : sanitizePath(path, { system: "posix" });
}

function linkTarget({ path, linkPathBytes, headerOffset }: TreeEntry): string {
  const attempted = `Cannot apply ${JSON.stringify(path.slice(0, 256))}`;
  if (linkPathBytes === undefined) {
    throw new InvalidTarError(`${attempted}: the link has no target`, { offset: headerOffset });
  }
  if (linkPathBytes.length <= MAX_PATH_LENGTH) return decodeName(linkPathBytes);
  throw new LimitExceededError(
    `${attempted}: the target of the link is longer than ${MAX_PATH_LENGTH} bytes`,
    { limit: MAX_PATH_LENGTH, unit: "bytes" },
  );
}

function metaOf(
  entry: TreeEntry,
  type: RootfsEntryType,
  layer: number,
  ordinal: number,
): FileMeta {
  return {
    type,
    size: type === "file" ? entry.size : 0,
    mode: entry.mode,
    uid: entry.uid,
    gid: entry.gid,
    userName: entry.userName,
    groupName: entry.groupName,
    mtime: entry.mtime,
    mtimeNs: entry.mtimeNs,
    deviceMajor: entry.deviceMajor,
    deviceMinor: entry.deviceMinor,
    xattrs: entry.xattrs.size === 0 ? NO_RECORDS : entry.xattrs,
    windows: windowsRecords(entry.pax),
    layer,
    ordinal,
    bodyOffset: isSparse(entry) ? undefined : entry.bodyOffset,
  };
}

/** Tells whether a file has holes that the archive leaves out, in any of the GNU formats. */
function isSparse({ typeFlag, pax }: TreeEntry): boolean {
  return typeFlag === "S" || sparseRecords(pax).size > 0;
}

/** Picks the records of the GNU formats for files with holes. */
export function sparseRecords(pax: ReadonlyMap<string, Bytes>): ReadonlyMap<string, Bytes> {
  if (pax.size === 0) return NO_RECORDS;
  const found = [...pax].filter(([key]) => key.startsWith("GNU.sparse."));
  return found.length === 0 ? NO_RECORDS : new Map(found);
}

/** What an entry is in a tree; nothing for types that make no file. */
function typeOf({ type }: TreeEntry): RootfsEntryType | undefined {
  switch (type) {
    case "file":
    case "directory":
    case "symlink":
    case "character-device":
    case "block-device":
    case "fifo":
      return type;
    default:
      return undefined;
  }
}
