import { type FileInfo, type FileSystem, FileSystemError } from "../store/file_system.ts";
import { fileContent } from "../store/file_content.ts";
import type { LayerEntry } from "./layer_source.ts";

/** Options of {@linkcode directoryEntries}. */
export interface DirectoryEntriesOptions {
  /**
   * Chooses what is taken, by its path below the directory (`bin/app`, `bin` for a directory); what
   * lies in a directory that is left out is not asked for. Default everything.
   */
  readonly include?: ((path: string) => boolean) | undefined;
}

/**
 * Walks a directory of a file system and gives what is in it as entries of a layer, for
 * `layerFrom()`. Symbolic links are taken as links and never followed; a file with several names is
 * there once, with hard links. Files are opened when they are read;
 * one that gets longer or shorter meanwhile makes the layer fail.
 *
 * @param fs The file system.
 * @param path The directory, or a single file, whose entry has its name.
 * @param options What is taken.
 * @returns The entries, parents before what is in them.
 * @throws {FileSystemError} when something cannot be read, or is a socket, a pipe or a device.
 *
 * @example A layer of a directory
 * ```ts
 * import { directoryEntries, layerFrom } from "@lading/lading/image";
 * import { memoryFileSystem } from "@lading/lading/store";
 *
 * const fs = memoryFileSystem();
 * await fs.makeDirectory("dist");
 * const file = await fs.create("dist/main.js");
 * await file.close();
 * const layer = await layerFrom(() => directoryEntries(fs, "dist"), { prefix: "/app" });
 * for await (const { path } of layer.entries()) console.log(path); // app/ and app/main.js
 * ```
 */
export async function* directoryEntries(
  fs: FileSystem,
  path: string,
  options: DirectoryEntriesOptions = {},
): AsyncGenerator<LayerEntry, void, undefined> {
  const { include = () => true } = options;
  const info = await infoOf(fs, path);
  if (info.type !== "directory") {
    yield await entryOf(fs, path, path.slice(path.lastIndexOf("/") + 1), info);
    return;
  }
  // Paths that are to be looked into, the next one last.
  const waiting = [""];
  /** The first name of each file that has several. */
  const first = new Map<string, string>();
  for (let below = waiting.pop(); below !== undefined; below = waiting.pop()) {
    const names = (await fs.readDirectory(at(path, below))).map(({ name }) => name).sort();
    const found: string[] = [];
    for (const name of names) {
      const inside = below === "" ? name : `${below}/${name}`;
      if (!include(inside)) continue;
      const info = await infoOf(fs, at(path, inside));
      const { type, identity } = info;
      const linkPath = identity === undefined ? undefined : first.get(identity);
      if (linkPath === undefined) yield await entryOf(fs, at(path, inside), inside, info);
      else yield { path: inside, type: "hardlink", linkPath };
      if (identity !== undefined && linkPath === undefined) first.set(identity, inside);
      if (type === "directory") found.push(inside);
    }
    for (const inside of found.reverse()) waiting.push(inside);
  }
}

function at(directory: string, below: string): string {
  if (below === "") return directory;
  return directory.endsWith("/") ? `${directory}${below}` : `${directory}/${below}`;
}

async function infoOf(fs: FileSystem, path: string): Promise<FileInfo> {
  const info = await fs.stat(path, { followLinks: false });
  if (info !== undefined) return info;
  throw new FileSystemError(`Cannot read ${JSON.stringify(path)}: there is no such file`, {
    reason: "not-found",
    path,
  });
}

async function entryOf(
  fs: FileSystem,
  path: string,
  name: string,
  { type, size, mode, uid, gid, mtimeMs }: FileInfo,
): Promise<LayerEntry> {
  const entry = { path: name, mode, uid, gid, mtime: mtimeMs / 1000 };
  switch (type) {
    case "file":
      return { ...entry, type, size, body: fileContent(fs, path) };
    case "directory":
      return { ...entry, type };
    case "symlink":
      return { ...entry, type, linkPath: await fs.readLink(path) };
    default:
      throw new FileSystemError(
        `Cannot read ${JSON.stringify(path)}: it is a device, a pipe or a socket`,
        { reason: "not-file", path },
      );
  }
}
