// deno-lint-ignore-file require-await -- async methods turn what is thrown into rejections
import {
  type DirectoryEntry,
  type FileInfo,
  type FileSystem,
  FileSystemError,
  type FileWriter,
} from "./file_system.ts";
import type { ArchiveFiles } from "./_archive.ts";
import type { RandomAccess } from "./random_access.ts";

/** The files of an archive as a file system that cannot be written. Links are followed inside it. */
export class ArchiveFileSystem implements FileSystem {
  readonly #archive: ArchiveFiles;

  constructor(archive: ArchiveFiles) {
    this.#archive = archive;
  }

  async open(path: string): Promise<RandomAccess> {
    const member = await this.#archive.find(path);
    if (member !== undefined) return await this.#archive.open(member);
    throw new FileSystemError(`Cannot read "${path}": the archive has no such file`, {
      reason: "not-found",
      path,
    });
  }

  async stat(path: string): Promise<FileInfo | undefined> {
    const member = await this.#archive.find(path);
    if (member !== undefined) return { ...FACTS, type: "file", size: member.size };
    const members = await this.#archive.members();
    const isDirectory = path === "" || entriesOf(members.names(), path).size > 0;
    return isDirectory ? { ...FACTS, type: "directory", size: 0 } : undefined;
  }

  async readDirectory(path: string): Promise<DirectoryEntry[]> {
    const entries = entriesOf((await this.#archive.members()).names(), path);
    return [...entries].map(([name, type]) => ({ name, type }));
  }

  async create(path: string): Promise<FileWriter> {
    throw readOnly(path);
  }

  async rename(_from: string, to: string): Promise<void> {
    throw readOnly(to);
  }

  async remove(path: string): Promise<void> {
    throw readOnly(path);
  }

  async makeDirectory(path: string): Promise<void> {
    throw readOnly(path);
  }

  async syncDirectory(path: string): Promise<void> {
    throw readOnly(path);
  }

  async readLink(path: string): Promise<string> {
    throw readOnly(path);
  }

  async symlink(_target: string, path: string): Promise<void> {
    throw readOnly(path);
  }

  async link(_existing: string, path: string): Promise<void> {
    throw readOnly(path);
  }

  async setAttributes(path: string): Promise<void> {
    throw readOnly(path);
  }
}

const FACTS: Omit<FileInfo, "type" | "size"> = { mtimeMs: 0, mode: 0o444, uid: 0, gid: 0 };

function entriesOf(names: Iterable<string>, directory: string): Map<string, "file" | "directory"> {
  const prefix = directory === "" ? "" : `${directory}/`;
  const entries = new Map<string, "file" | "directory">();
  for (const path of names) {
    if (!path.startsWith(prefix)) continue;
    const [name = "", below] = path.slice(prefix.length).split("/", 2);
    entries.set(name, below === undefined ? "file" : "directory");
  }
  return entries;
}

function readOnly(path: string): FileSystemError {
  return new FileSystemError(`Cannot change "${path}": it is in an archive`, {
    reason: "read-only",
    path,
  });
}
