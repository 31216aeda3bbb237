// deno-lint-ignore-file require-await -- async methods turn what is thrown into rejections
import { KnownParents } from "../bytes/known_parents.ts";
import type { Bytes } from "../model/bytes.ts";
import {
  type DirectoryEntry,
  type FileAttributes,
  type FileInfo,
  type FileSystem,
  FileSystemError,
  type FileSystemReason,
  type FileWriter,
  type UnnamedFile,
} from "./file_system.ts";
import { MemoryContent, MemoryPool } from "./_memory_content.ts";
import type { RandomAccess } from "./random_access.ts";

/** Links that a path may lead through, as on Linux (path_resolution(7)). */
const MAX_LINKS = 40;

/** Finds what cannot be the name of a file. */
const NO_NAME_REGEXP = /^\.{0,2}$|[/\0]/;

/** Options of {@linkcode memoryFileSystem}. */
export interface MemoryFileSystemOptions {
  /** Gives the time of changes, in milliseconds since 1970; default `Date.now`. */
  readonly now?: (() => number) | undefined;
}

/**
 * Makes an empty file system in memory, in every runtime. It follows POSIX: directories, hard
 * and symbolic links, files that stay readable after they are removed, atomic renames. There is
 * one user who may do everything; a relative path starts at the root.
 *
 * @param options The clock.
 * @returns The file system.
 */
export function memoryFileSystem(options: MemoryFileSystemOptions = {}): FileSystem {
  return new MemoryFileSystem(options.now ?? Date.now);
}

interface Attributes {
  mode: number;
  uid: number;
  gid: number;
  mtimeMs: number;
}

type LinkNode = Attributes & { readonly type: "symlink"; readonly target: string };
type DirectoryNode = Attributes & {
  readonly type: "directory";
  readonly entries: Map<string, Node>;
};
type Node = FileNode | LinkNode | DirectoryNode;

/** Where a path leads: the directory, the name in it, and what has that name. */
interface Place {
  readonly parent: DirectoryNode;
  readonly name: string;
  readonly node: Node | undefined;
  /** Where the path has been before; nothing above the root. */
  readonly above: Place | undefined;
}

class MemoryFileSystem implements FileSystem {
  readonly #now: () => number;
  readonly #root: DirectoryNode;
  readonly #pool = new MemoryPool();
  /** Where paths of directories lead, until something that paths lead through goes away. */
  readonly #directories = new KnownParents<Place>();

  constructor(now: () => number) {
    this.#now = now;
    this.#root = this.#newDirectory(0o755);
  }

  async open(
    path: string,
    options: { readonly followLinks?: boolean } = {},
  ): Promise<RandomAccess> {
    const { node } = this.#find("read", path, options.followLinks ?? true);
    if (node === undefined) throw refused("read", path, "not-found");
    if (node.type === "symlink") throw refused("read", path, "symlink");
    if (node.type === "directory") throw refused("read", path, "is-directory");
    return new MemoryFile(node);
  }

  async create(
    path: string,
    options: { readonly mode?: number; readonly truncate?: boolean } = {},
  ): Promise<FileWriter> {
    if (options.truncate === true) {
      const { node } = this.#find("create", path, false);
      if (node === undefined) throw refused("write", path, "not-found");
      if (node.type === "symlink") throw refused("write", path, "symlink");
      if (node.type === "directory") throw refused("write", path, "is-directory");
      node.clear();
      node.mtimeMs = this.#now();
      return new MemoryWriter(node, this.#now);
    }
    const file = this.#newFile(this.#attributes((options.mode ?? 0o666) & 0o7755));
    const { parent, name, node } = this.#find("create", path, false);
    if (node !== undefined) throw refused("create", path, "exists");
    this.#put(parent, name, file);
    return new MemoryWriter(file, this.#now);
  }

  createUnnamed(
    { mode = 0o600, uid = 0, gid = 0, mtimeMs = this.#now() }: FileAttributes,
  ): UnnamedFile {
    return this.#newFile({ mode: mode & 0o7777, uid, gid, mtimeMs });
  }

  async rename(from: string, to: string): Promise<void> {
    const source = this.#find("move", from, false);
    const target = this.#find("move", to, false);
    const moved = source.node;
    if (moved === undefined) throw refused("move", from, "not-found");
    if (target.node === moved) return;
    if (target.node?.type === "directory") {
      if (moved.type !== "directory") throw refused("replace", to, "is-directory");
      if (target.node.entries.size > 0) throw refused("replace", to, "not-empty");
    } else if (target.node !== undefined && moved.type === "directory") {
      throw refused("replace", to, "not-directory");
    }
    if (moved.type === "directory" && contains(moved, target.parent)) {
      throw refused("move into itself", from, "io");
    }
    source.parent.entries.delete(source.name);
    if (moved.type !== "file" || target.node?.type === "symlink") this.#directories.clear();
    this.#put(target.parent, target.name, moved);
  }

  async remove(path: string, options: { readonly recursive?: boolean } = {}): Promise<void> {
    const { parent, name, node } = this.#find("remove", path, false);
    if (node === undefined) throw refused("remove", path, "not-found");
    if (name === "") throw refused("remove", path, "permission");
    if (node.type === "directory" && node.entries.size > 0 && options.recursive !== true) {
      throw refused("remove", path, "not-empty");
    }
    parent.entries.delete(name);
    if (node.type !== "file") this.#directories.clear();
    parent.mtimeMs = this.#now();
  }

  async stat(
    path: string,
    options: { readonly followLinks?: boolean } = {},
  ): Promise<FileInfo | undefined> {
    try {
      const { node } = this.#find("look at", path, options.followLinks ?? true);
      return node === undefined ? undefined : infoOf(node);
    } catch (error) {
      if (error instanceof FileSystemError && error.reason === "not-found") return undefined;
      throw error;
    }
  }

  async makeDirectory(
    path: string,
    options: { readonly recursive?: boolean; readonly mode?: number } = {},
  ): Promise<void> {
    const recursive = options.recursive ?? false;
    const mode = (options.mode ?? 0o777) & 0o7755;
    if (recursive) {
      const above = path.replace(/\/+[^/]*\/*$/, "");
      if (above !== path && above !== "") await this.makeDirectory(above, { recursive });
    }
    const place = this.#find("create", path, recursive);
    if (recursive && place.node?.type === "directory") return;
    if (place.node !== undefined) throw refused("create", path, "exists");
    const { parent, name, above } = place;
    const node = this.#newDirectory(mode);
    this.#put(parent, name, node);
    this.#directories.set(path, { parent, name, node, above });
  }

  async readDirectory(path: string): Promise<DirectoryEntry[]> {
    const { node } = this.#find("list", path, true);
    if (node === undefined) throw refused("list", path, "not-found");
    if (node.type !== "directory") throw refused("list", path, "not-directory");
    return [...node.entries].map(([name, { type }]) => ({ name, type }));
  }

  async syncDirectory(path: string): Promise<void> {
    await this.readDirectory(path);
  }

  async readLink(path: string): Promise<string> {
    const { node } = this.#find("read", path, false);
    if (node === undefined) throw refused("read", path, "not-found");
    if (node.type !== "symlink") throw refused("read the link", path, "io");
    return node.target;
  }

  async symlink(target: string, path: string): Promise<void> {
    const { parent, name, node } = this.#find("create", path, false);
    if (node !== undefined) throw refused("create", path, "exists");
    this.#put(parent, name, { type: "symlink", target, ...this.#attributes(0o777) });
  }

  async link(existing: string, path: string): Promise<void> {
    const source = this.#find("link", existing, false).node;
    const { parent, name, node } = this.#find("create", path, false);
    if (source === undefined) throw refused("link", existing, "not-found");
    if (source.type === "directory") throw refused("link", existing, "permission");
    if (node !== undefined) throw refused("create", path, "exists");
    this.#put(parent, name, source);
  }

  async setAttributes(path: string, attributes: FileAttributes): Promise<void> {
    const { node } = this.#find("change", path, false);
    if (node === undefined) throw refused("change", path, "not-found");
    setAttributes(node, attributes);
  }

  readonly #place = (file: FileNode, directory: string, name: string): void => {
    const refuse = (reason: FileSystemReason): never => {
      throw refused("create", `${directory}/${name}`, reason);
    };
    if (NO_NAME_REGEXP.test(name)) refuse("io");
    const { node } = this.#directory("create", directory, directory.length);
    if (node?.type !== "directory") {
      return refuse(node === undefined ? "not-found" : "not-directory");
    }
    if (node.entries.has(name)) refuse("exists");
    this.#put(node, name, file);
  };

  #newFile(attributes: Attributes): FileNode {
    return new FileNode(this.#pool, attributes, this.#place);
  }

  #newDirectory(mode: number): DirectoryNode {
    return { type: "directory", entries: new Map(), mode, uid: 0, gid: 0, mtimeMs: this.#now() };
  }

  #attributes(mode: number): Attributes {
    return { mode, uid: 0, gid: 0, mtimeMs: this.#now() };
  }

  #put(parent: DirectoryNode, name: string, node: Node): void {
    parent.entries.set(name, node);
    parent.mtimeMs = this.#now();
  }

  /** Finds what a path leads to; the last name may be free. */
  #find(verb: string, path: string, followLast: boolean): Place {
    if (path.includes("\0")) throw refused(verb, path, "io");
    const slash = path.lastIndexOf("/");
    const name = path.slice(slash + 1);
    // What ends in a name of its own is mostly one of many in a directory.
    if (slash <= 0 || name === "" || name === "." || name === ".." || followLast) {
      return this.#walk(verb, path, path, followLast);
    }
    return step(verb, path, this.#directory(verb, path, slash), name);
  }

  /** Finds the directory of a path: what it begins with. */
  #directory(verb: string, path: string, length: number): Place {
    const known = this.#directories.get(path, length);
    if (known !== undefined) return known;
    const directory = path.slice(0, length);
    const found = this.#walk(verb, path, directory, true);
    if (found.node?.type === "directory") this.#directories.set(directory, found);
    return found;
  }

  /** Walks a path, or one that it begins with, as path_resolution(7) does. */
  #walk(verb: string, path: string, start: string, followLast: boolean): Place {
    const top: Place = { parent: this.#root, name: "", node: this.#root, above: undefined };
    let here = top;
    let rest = start;
    let links = 0;
    for (let at = 0; at < rest.length;) {
      const slash = rest.indexOf("/", at);
      const end = slash < 0 ? rest.length : slash;
      const part = rest.slice(at, end);
      at = end + 1;
      if (part === "" || part === ".") continue;
      const next = step(verb, path, here, part);
      if (part === "..") {
        here = here.above ?? top;
        continue;
      }
      const { node } = next;
      if (node?.type === "symlink" && (followLast || leadsOn(rest, at))) {
        if (++links > MAX_LINKS) throw refused(verb, path, "symlink");
        rest = `${node.target}/${rest.slice(at)}`;
        at = 0;
        if (node.target.startsWith("/")) here = top;
        continue;
      }
      here = next;
    }
    return here;
  }
}

/** A file, with a name or without. */
class FileNode extends MemoryContent implements Attributes, UnnamedFile {
  readonly type = "file";
  mode: number;
  uid: number;
  gid: number;
  mtimeMs: number;
  readonly #place: (file: FileNode, directory: string, name: string) => void;

  constructor(
    pool: MemoryPool,
    { mode, uid, gid, mtimeMs }: Attributes,
    place: (file: FileNode, directory: string, name: string) => void,
  ) {
    super(pool);
    this.mode = mode;
    this.uid = uid;
    this.gid = gid;
    this.mtimeMs = mtimeMs;
    this.#place = place;
  }

  place(directory: string, name: string): void {
    this.#place(this, directory, name);
  }
}

class MemoryFile implements RandomAccess {
  readonly isGivenAway = true;
  readonly #file: FileNode;

  constructor(file: FileNode) {
    this.#file = file;
  }

  get size(): number {
    return this.#file.size;
  }

  async read(position: number, length: number): Promise<Bytes> {
    return this.#file.read(position, length);
  }

  async close(): Promise<void> {}
}

class MemoryWriter implements FileWriter {
  readonly #file: FileNode;
  readonly #now: () => number;

  constructor(file: FileNode, now: () => number) {
    this.#file = file;
    this.#now = now;
  }

  async write(chunk: Bytes): Promise<void> {
    this.#file.write(chunk);
    this.#file.mtimeMs = this.#now();
  }

  async sync(): Promise<void> {}

  async setAttributes(attributes: FileAttributes): Promise<void> {
    setAttributes(this.#file, attributes);
  }

  async close(): Promise<void> {}
}

function setAttributes(node: Node, { mode, uid, gid, mtimeMs }: FileAttributes): void {
  if (mode !== undefined && node.type !== "symlink") node.mode = mode & 0o7777;
  if (uid !== undefined && gid !== undefined) Object.assign(node, { uid, gid });
  if (mtimeMs !== undefined) node.mtimeMs = mtimeMs;
}

/** Takes one step further on a path. */
function step(verb: string, path: string, above: Place, name: string): Place {
  const parent = above.node;
  if (parent === undefined) throw refused(verb, path, "not-found");
  if (parent.type !== "directory") throw refused(verb, path, "not-directory");
  return { parent, name, node: parent.entries.get(name), above };
}

/** Tells whether a path has a name from some place on. */
function leadsOn(path: string, at: number): boolean {
  return path.slice(at).split("/").some((part) => part !== "" && part !== ".");
}

function contains(directory: DirectoryNode, sought: DirectoryNode): boolean {
  if (directory === sought) return true;
  for (const node of directory.entries.values()) {
    if (node.type === "directory" && contains(node, sought)) return true;
  }
  return false;
}

function infoOf(node: Node): FileInfo {
  const { type, mtimeMs, mode, uid, gid } = node;
  const size = type === "file" ? node.size : type === "symlink" ? node.target.length : 0;
  return { type, size, mtimeMs, mode, uid, gid };
}

const WORDS: Readonly<Partial<Record<FileSystemReason, string>>> = {
  "not-found": "there is no such file or directory",
  "exists": "it exists already",
  "not-empty": "the directory is not empty",
  "not-directory": "it is no directory, or leads through something that is none",
  "is-directory": "it is a directory",
  "symlink": "it is a symbolic link, or leads through too many",
  "permission": "that is not allowed",
};

function refused(verb: string, path: string, reason: FileSystemReason): FileSystemError {
  const why = WORDS[reason] ?? "that is not possible";
  return new FileSystemError(`Cannot ${verb} "${path}": ${why}`, { reason, path });
}
