// What is in a folder that somebody else works in.
import { readdirSync } from "node:fs";
import { join } from "node:path";

/** Gives nothing for what somebody has moved away meanwhile. */
export function ifThere<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

/** Lists files and directories; a recursive readdir fails where a directory goes meanwhile. */
export function pathsIn(folder: string): { files: string[]; directories: string[] } {
  const [files, directories]: [string[], string[]] = [[], []];
  for (const entry of ifThere(() => readdirSync(folder, { withFileTypes: true })) ?? []) {
    const path = join(folder, entry.name);
    if (!entry.isDirectory()) {
      files.push(path);
      continue;
    }
    const below = pathsIn(path);
    files.push(...below.files);
    directories.push(path, ...below.directories);
  }
  return { files, directories };
}
