import type { Bytes } from "../model/bytes.ts";
import { InvalidTarError, LimitExceededError } from "../model/errors.ts";
import { nanosecondsOf } from "../tar/nanoseconds.ts";
import { MAX_PATH_LENGTH } from "../tar/path.ts";
import { NO_RECORDS, type PaxRecords, pickRecords } from "../tar/pax.ts";
import type { TarEntry } from "../tar/reader.ts";
import { windowsRecords } from "../tar/windows_records.ts";
import type { FileTree } from "./_file_tree.ts";
import { keptBytes } from "./_kept_bytes.ts";
import { entryPath } from "./layer_path.ts";
import { decodeName } from "./_lossless_name.ts";
import type { RootfsEntryType } from "./rootfs_entry.ts";
import { parseWhiteout } from "./whiteout.ts";

/** What many entries of a layer have in common. */
interface CommonMeta {
  readonly type: RootfsEntryType;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly userName: string;
  readonly groupName: string;
  readonly deviceMajor: number;
  readonly deviceMinor: number;
  readonly xattrs: ReadonlyMap<string, Bytes>;
  /** Pax records of Windows. */
  readonly windows: ReadonlyMap<string, Bytes>;
}

/**
 * What a tree keeps of an entry of a layer: all but its content. There may be millions, so that what
 * an entry has in common with the one before it is held once.
 */
export class FileMeta implements CommonMeta {
  readonly size: number;
  readonly mtime: number;
  /** The number of the layer, the base is 0. */
  readonly layer: number;
  /** The number of the entry in its layer. */
  readonly ordinal: number;
  /** Bytes from the start of the archive to the content; absent where it is not in one piece. */
  readonly bodyOffset: number | undefined;
  readonly #common: CommonMeta;
  /** The time where it is no whole second. */
  readonly #mtimeNs: bigint | undefined;

  constructor(entry: TreeEntry, common: CommonMeta, layer: number, ordinal: number) {
    this.size = common.type === "file" ? entry.size : 0;
    this.mtime = entry.mtime;
    this.layer = layer;
    this.ordinal = ordinal;
    this.bodyOffset = isSparse(entry) ? undefined : entry.bodyOffset;
    this.#common = common;
    this.#mtimeNs = isWhole(entry) ? undefined : entry.mtimeNs;
  }

  get type(): RootfsEntryType {
    return this.#common.type;
  }

  get mode(): number {
    return this.#common.mode;
  }

  get uid(): number {
    return this.#common.uid;
  }

  get gid(): number {
    return this.#common.gid;
  }

  get userName(): string {
    return this.#common.userName;
  }

  get groupName(): string {
    return this.#common.groupName;
  }

  get mtimeNs(): bigint {
    return this.#mtimeNs ?? nanosecondsOf(this.mtime);
  }

  get deviceMajor(): number {
    return this.#common.deviceMajor;
  }

  get deviceMinor(): number {
    return this.#common.deviceMinor;
  }

  get xattrs(): ReadonlyMap<string, Bytes> {
    return this.#common.xattrs;
  }

  get windows(): ReadonlyMap<string, Bytes> {
    return this.#common.windows;
  }
}

/** Tells whether the time of an entry is a whole second, as all are that no record says. */
function isWhole(entry: TreeEntry): boolean {
  const { mtime } = entry;
  if (!Number.isSafeInteger(mtime)) return false;
  return !entry.pax.has("mtime") || nanosecondsOf(mtime) === entry.mtimeNs;
}

/** What a tree takes from an entry of a layer. */
export type TreeEntry = Omit<TarEntry, "format" | "body" | "lend" | "bytes" | "text">;

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
  const path = entryPath(entry);
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
  const meta = new FileMeta(entry, commonOf(entry, type), layer, ordinal);
  if (type === "directory") tree.addDirectory(path, meta);
  else if (type === "symlink") tree.addNode(path, "symlink", meta, linkTarget(entry));
  else if (tree.addNode(path, "other", meta) && type === "file") return meta;
  return undefined;
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

/** What the entry before had, whatever layer it was of. */
let lastCommon: CommonMeta | undefined;

function commonOf(entry: TreeEntry, type: RootfsEntryType): CommonMeta {
  const windows = windowsRecords(entry.pax);
  const isPlain = entry.xattrs.size === 0 && windows.size === 0;
  if (isPlain && lastCommon !== undefined && isSame(lastCommon, entry, type)) return lastCommon;
  const { mode, uid, gid, userName, groupName, deviceMajor, deviceMinor } = entry;
  const xattrs = entry.xattrs.size === 0 ? NO_RECORDS : entry.xattrs;
  const own = { mode, uid, gid, userName, groupName, deviceMajor, deviceMinor };
  const common = { type, ...own, xattrs, windows };
  if (isPlain) lastCommon = common;
  return common;
}

function isSame(last: CommonMeta, entry: TreeEntry, type: RootfsEntryType): boolean {
  return last.type === type && last.mode === entry.mode && last.uid === entry.uid &&
    last.gid === entry.gid && last.userName === entry.userName &&
    last.groupName === entry.groupName && last.deviceMajor === entry.deviceMajor &&
    last.deviceMinor === entry.deviceMinor;
}

/** Tells whether a file has holes that the archive leaves out, in any of the GNU formats. */
function isSparse({ typeFlag, pax }: TreeEntry): boolean {
  return typeFlag === "S" || sparseRecords(pax).size > 0;
}

/** Picks the records of the GNU formats for files with holes. */
export function sparseRecords(pax: PaxRecords): PaxRecords {
  return pickRecords(pax, (key) => key.startsWith("GNU.sparse."));
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
