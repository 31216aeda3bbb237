import type { RootfsEntry, RootfsEntryType } from "../image/rootfs_entry.ts";

const TYPE_LETTERS: Readonly<Record<RootfsEntryType, string>> = {
  file: "-",
  directory: "d",
  symlink: "l",
  "character-device": "c",
  "block-device": "b",
  fifo: "p",
};

/** Where a special bit shows: its mask, the column of the x it replaces, its letters with and without x. */
const SPECIAL_BITS = [
  [0o4000, 2, "s", "S"],
  [0o2000, 5, "s", "S"],
  [0o1000, 8, "t", "T"],
] as const;

/** Writes type and permissions as `ls -l` does: `-rwsr-xr-x`. */
export function modeString({ type, mode }: Pick<RootfsEntry, "type" | "mode">): string {
  const letters = [..."rwxrwxrwx"].map((letter, i) => mode & (0o400 >> i) ? letter : "-");
  for (const [mask, column, withX, withoutX] of SPECIAL_BITS) {
    if (mode & mask) letters[column] = letters[column] === "x" ? withX : withoutX;
  }
  return TYPE_LETTERS[type] + letters.join("");
}

/** Writes a time to the minute, in UTC: the same on every machine. */
function minute(seconds: number): string {
  const date = new Date(seconds * 1000);
  if (Number.isNaN(date.getTime())) return String(seconds);
  return date.toISOString().slice(0, -8).replace("T", " ");
}

/** Owner and size together have at least this width, as in GNU tar; it grows with what comes. */
const LEAST_WIDTH = 19;

/** Writes entries as `tar -tv` does. */
export class LongListing {
  #width = LEAST_WIDTH;

  /** Writes one entry. */
  line(entry: RootfsEntry): string {
    const owner = `${entry.userName || entry.uid}/${entry.groupName || entry.gid}`;
    const isDevice = entry.type === "character-device" || entry.type === "block-device";
    const size = isDevice ? `${entry.deviceMajor},${entry.deviceMinor}` : String(entry.size);
    this.#width = Math.max(this.#width, owner.length + 1 + size.length);
    const link = entry.linkPath === undefined ? "" : ` -> ${entry.linkPath}`;
    const path = entry.path + (entry.type === "directory" ? "/" : "");
    return `${modeString(entry)} ${owner}${size.padStart(this.#width - owner.length)} ` +
      `${minute(entry.mtime)} ${path}${link}`;
  }
}
