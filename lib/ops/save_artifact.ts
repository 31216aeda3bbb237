import type { CallOptions } from "../model/content.ts";
import type { Descriptor } from "../model/descriptor.ts";
import { UnsafePathError } from "../model/errors.ts";
import { type FileSystem, FileSystemError } from "../store/file_system.ts";
import { replaceFile } from "../store/replace_file.ts";
import { sanitizePath } from "../tar/path.ts";
import type { StoredArtifact, StoredFile } from "./fetch_artifact.ts";

/** Options of {@linkcode saveArtifact}. */
export interface SaveArtifactOptions extends CallOptions {
  /** What happens to a file that is there already: it is refused, the default, or replaced. */
  readonly existing?: "refuse" | "replace" | undefined;
}

/** A file that was written. */
export interface SavedFile {
  /** Where it is, below the directory. */
  readonly path: string;
  /** What it is. */
  readonly descriptor: Descriptor;
}

/** What {@linkcode saveArtifact} has written. */
export interface SavedArtifact {
  /** The files, in the order of the artifact. */
  readonly saved: readonly SavedFile[];
  /** The files without a name: nobody has said where they go. */
  readonly leftOut: readonly Descriptor[];
}

/**
 * Writes the files of an artifact into a directory, under the names they have. Nothing is written
 * outside of it, and no symbolic link below it is followed; all names are judged before the first
 * file is written. A file appears whole and verified, or not at all. Memory is one chunk.
 *
 * @param artifact The artifact.
 * @param fs Where the directory is.
 * @param directory The directory; it is made when it is not there.
 * @param options What may be there already, and a signal.
 * @returns What was written.
 * @throws {UnsafePathError} when a name leads out of the directory, through a link, or comes twice.
 * @throws {FileSystemError} when a file is there already, or the disk refuses.
 * @throws {DigestMismatchError} when a file is not what its descriptor says.
 */
export async function saveArtifact(
  artifact: StoredArtifact,
  fs: FileSystem,
  directory: string,
  options: SaveArtifactOptions = {},
): Promise<SavedArtifact> {
  const { existing = "refuse", signal } = options;
  signal?.throwIfAborted();
  const files = new Map<string, StoredFile>();
  const leftOut: Descriptor[] = [];
  for (const file of artifact.files) {
    if (file.title === undefined || file.title === "") leftOut.push(file.descriptor);
    else addNamed(files, file, file.title);
  }
  for (const path of files.keys()) {
    await checkWay(fs, directory, path);
    if (existing === "refuse") await checkFree(fs, `${directory}/${path}`);
  }
  const saved: SavedFile[] = [];
  const made: string[] = [];
  try {
    await makeDirectory(fs, directory, made);
    for (const [path, file] of files) {
      signal?.throwIfAborted();
      const at = `${directory}/${path}`;
      await makeDirectory(fs, at.slice(0, at.lastIndexOf("/")), made);
      await replaceFile(fs, at, await file.open({ signal }), { signal });
      saved.push({ path, descriptor: file.descriptor });
    }
  } catch (error) {
    // Those that got no file go: a directory that holds something is not removed.
    for (const path of made.reverse()) await fs.remove(path).catch(() => {});
    throw error;
  }
  return { saved, leftOut };
}

/** Makes a directory, and notes which ones were not there. */
async function makeDirectory(fs: FileSystem, path: string, made: string[]): Promise<void> {
  const missing: string[] = [];
  for (let at = path; at !== "" && await fs.stat(at) === undefined;) {
    missing.unshift(at);
    at = at.replace(/\/*[^/]+\/*$/, "");
  }
  await fs.makeDirectory(path, { recursive: true });
  made.push(...missing);
}

function addNamed(files: Map<string, StoredFile>, file: StoredFile, title: string): void {
  const path = sanitizePath(title);
  const refuse = (reason: string): never => {
    throw new UnsafePathError(`Cannot write ${JSON.stringify(title)}: ${reason}`, {
      path: title,
      reason,
    });
  };
  if (path === "") refuse("it names the directory itself");
  if (files.has(path)) refuse("two files of the artifact have this name");
  files.set(path, file);
}

/** Refuses a path that leads through a symbolic link, or through a file. */
async function checkWay(fs: FileSystem, directory: string, path: string): Promise<void> {
  const parts = path.split("/");
  for (let count = 1; count < parts.length; count++) {
    const at = `${directory}/${parts.slice(0, count).join("/")}`;
    const info = await fs.stat(at, { followLinks: false });
    if (info === undefined) return;
    if (info.type === "directory") continue;
    const reason = `${JSON.stringify(at)} is in the way`;
    throw new UnsafePathError(`Cannot write ${JSON.stringify(path)}: ${reason}`, { path, reason });
  }
}

async function checkFree(fs: FileSystem, path: string): Promise<void> {
  if (await fs.stat(path, { followLinks: false }) === undefined) return;
  throw new FileSystemError(`Cannot write "${path}": it is there already`, {
    reason: "exists",
    path,
  });
}
