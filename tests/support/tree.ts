// What lies below a directory of this machine.
import { createHash } from "node:crypto";
import { lstatSync, readdirSync, readFileSync, readlinkSync } from "node:fs";
import { join } from "node:path";

/**
 * Describes every path below a directory: type and mode, owner, time, and what it holds; paths that
 * are one file share a number.
 *
 * @param hasTime Whether the time of a path is its own.
 */
export function fileTree(root: string, hasTime: (path: string) => boolean): string[] {
  const inodes = new Map<number, number>();
  const lines: string[] = [];
  const visit = (path: string) => {
    const full = join(root, path);
    const info = lstatSync(full);
    const detail = info.isSymbolicLink()
      ? `-> ${readlinkSync(full)}`
      : info.isFile()
      ? createHash("sha256").update(readFileSync(full)).digest("hex")
      : info.isDirectory()
      ? "directory"
      : `special ${info.rdev}`;
    const time = hasTime(path) ? Math.floor(info.mtimeMs / 1000) : "any time";
    if (!info.isDirectory() && !inodes.has(info.ino)) inodes.set(info.ino, inodes.size);
    const inode = inodes.get(info.ino) ?? "";
    const mode = info.mode.toString(8);
    lines.push(`${path} ${mode} ${info.uid}:${info.gid} ${time} ${detail} #${inode}`);
    if (!info.isDirectory()) return;
    for (const name of readdirSync(full).sort()) visit(path === "" ? name : `${path}/${name}`);
  };
  visit("");
  return lines;
}
