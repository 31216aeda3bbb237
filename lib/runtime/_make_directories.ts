import type * as NodeFileSystemModule from "node:fs/promises";
import { codeOf } from "./_disk_error.ts";

/** What is called of the disk. */
type Disk = Pick<typeof NodeFileSystemModule, "mkdir" | "stat">;

/**
 * Makes a directory, and those that lead there. Node's own way of it has no end where a directory
 * that is there says that it is not, as those below `/proc` do.
 *
 * @param disk The disk.
 * @param path The directory; it may be there.
 * @param mode Its permissions.
 */
export async function makeDirectories(disk: Disk, path: string, mode: number): Promise<void> {
  try {
    return await makeDirectory(disk, path, mode);
  } catch (error) {
    const parent = parentOf(path);
    if (codeOf(error) !== "ENOENT" || parent === undefined) throw error;
    // Another process may have made it meanwhile; then it is only tried once more.
    if (!(await isThere(disk, parent))) await makeDirectories(disk, parent, mode);
  }
  await makeDirectory(disk, path, mode);
}

async function makeDirectory(disk: Disk, path: string, mode: number): Promise<void> {
  try {
    await disk.mkdir(path, { mode });
  } catch (error) {
    // Systems have several errors for a directory that is there, above all for the root.
    if (codeOf(error) === "ENOENT" || !(await isDirectory(disk, path))) throw error;
  }
}

function isDirectory(disk: Disk, path: string): Promise<boolean> {
  return disk.stat(path).then((found) => found.isDirectory(), () => false);
}

function isThere(disk: Disk, path: string): Promise<boolean> {
  return disk.stat(path).then(() => true, () => false);
}

/** Everything before the last name; `undefined` where there is nothing. */
function parentOf(path: string): string | undefined {
  return /^(.*[^/\\])[/\\]+[^/\\]+[/\\]*$/s.exec(path)?.[1];
}
