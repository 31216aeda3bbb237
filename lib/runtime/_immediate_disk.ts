// deno-lint-ignore-file require-await -- async methods turn what is thrown into rejections
import type * as NodeFileSystemModule from "node:fs";
import type { Bytes } from "../model/bytes.ts";
import type { FileAttributes, FileWriter } from "../store/file_system.ts";
import { diskError } from "./_disk_error.ts";
import { diskTime } from "./_disk_time.ts";
import { NodeFileSystem } from "./_node_disk.ts";

type NodeFS = typeof NodeFileSystemModule;

/** How long the rest of the process waits at most: less than anybody notices. */
const TURN_MS = 20;

interface Host {
  readonly setImmediate?: (callback: () => void) => unknown;
}

/**
 * The disk, written to by calls that return when they are done. Where there are many small files, a
 * call takes less time than to have another thread make it. Others get their turn in between.
 */
export class ImmediateDisk extends NodeFileSystem {
  readonly #fs: NodeFS;
  readonly #turns = new Turns();

  constructor(fs: NodeFS) {
    super(fs.promises);
    this.#fs = fs;
  }

  override async create(
    path: string,
    options: { readonly mode?: number; readonly truncate?: boolean } = {},
  ): Promise<FileWriter> {
    if (options.truncate === true) return await super.create(path, options);
    await this.#turns.next();
    return this.#create(path, options.mode ?? 0o666);
  }

  async createWhole(path: string, content: Bytes, attributes: FileAttributes): Promise<void> {
    await this.#turns.next();
    const file = this.#create(path, 0o600);
    try {
      file.writeNow(content);
      file.setAttributesNow(attributes);
    } finally {
      file.closeNow();
    }
  }

  #create(path: string, mode: number): ImmediateFile {
    const { O_WRONLY, O_CREAT, O_EXCL, O_NOFOLLOW = 0 } = this.#fs.constants;
    const flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW;
    const descriptor = attempt("create", path, () => this.#fs.openSync(path, flags, mode));
    return new ImmediateFile(this.#fs, path, descriptor);
  }

  override async rename(from: string, to: string): Promise<void> {
    await this.#turns.next();
    attempt(`move "${from}" to`, to, () => this.#fs.renameSync(from, to));
  }

  override async makeDirectory(
    path: string,
    options: { readonly recursive?: boolean; readonly mode?: number } = {},
  ): Promise<void> {
    const { recursive = false, mode = 0o777 } = options;
    if (recursive) return await super.makeDirectory(path, options);
    await this.#turns.next();
    attempt("create", path, () => this.#fs.mkdirSync(path, { mode }));
  }

  override async symlink(target: string, path: string): Promise<void> {
    await this.#turns.next();
    attempt("create", path, () => this.#fs.symlinkSync(target, path));
  }

  override async link(existing: string, path: string): Promise<void> {
    await this.#turns.next();
    attempt(`link "${existing}" as`, path, () => this.#fs.linkSync(existing, path));
  }

  override async setAttributes(path: string, attributes: FileAttributes): Promise<void> {
    await this.#turns.next();
    const { mode, uid, gid, mtimeMs } = attributes;
    attempt("change", path, () => {
      // The owner first: changing it takes the set-user-ID bit away.
      if (uid !== undefined && gid !== undefined) this.#fs.lchownSync(path, uid, gid);
      if (mode !== undefined) this.#setMode(path, mode);
      if (mtimeMs !== undefined) this.#fs.lutimesSync(path, diskTime(mtimeMs), diskTime(mtimeMs));
    });
  }

  #setMode(path: string, mode: number): void {
    if (this.#fs.lstatSync(path).isSymbolicLink()) return;
    const { O_RDONLY, O_NOFOLLOW = 0, O_NONBLOCK = 0 } = this.#fs.constants;
    const descriptor = this.#fs.openSync(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
    try {
      this.#fs.fchmodSync(descriptor, mode);
    } finally {
      this.#fs.closeSync(descriptor);
    }
  }
}

class ImmediateFile implements FileWriter {
  readonly #fs: NodeFS;
  readonly #path: string;
  #descriptor: number | undefined;
  #size = 0;
  /** Whether the end of the file is behind what was written last: then the place has to be told. */
  #hasHoles = false;

  constructor(fs: NodeFS, path: string, descriptor: number) {
    this.#fs = fs;
    this.#path = path;
    this.#descriptor = descriptor;
  }

  async write(chunk: Bytes): Promise<void> {
    this.writeNow(chunk);
  }

  writeNow(chunk: Bytes): void {
    this.#do("write", (descriptor) => {
      for (let at = 0; at < chunk.byteLength;) {
        const rest = chunk.byteLength - at;
        const place = this.#hasHoles ? this.#size : null;
        const written = this.#fs.writeSync(descriptor, chunk, at, rest, place);
        at += written;
        this.#size += written;
      }
    });
  }

  async skip(bytes: number): Promise<void> {
    this.#do("write", (descriptor) => {
      this.#fs.ftruncateSync(descriptor, this.#size + bytes);
      this.#hasHoles = true;
      this.#size += bytes;
    });
  }

  async sync(): Promise<void> {
    this.#do("sync", (descriptor) => this.#fs.fsyncSync(descriptor));
  }

  async setAttributes(attributes: FileAttributes): Promise<void> {
    this.setAttributesNow(attributes);
  }

  setAttributesNow({ mode, uid, gid, mtimeMs }: FileAttributes): void {
    this.#do("change", (descriptor) => {
      // The owner first: changing it takes the set-user-ID bit away.
      if (uid !== undefined && gid !== undefined) this.#fs.fchownSync(descriptor, uid, gid);
      if (mode !== undefined) this.#fs.fchmodSync(descriptor, mode);
      if (mtimeMs === undefined) return;
      this.#fs.futimesSync(descriptor, diskTime(mtimeMs), diskTime(mtimeMs));
    });
  }

  async close(): Promise<void> {
    this.closeNow();
  }

  closeNow(): void {
    if (this.#descriptor === undefined) return;
    this.#do("close", (descriptor) => {
      this.#descriptor = undefined;
      this.#fs.closeSync(descriptor);
    });
  }

  #do(verb: string, act: (descriptor: number) => void): void {
    attempt(verb, this.#path, () => {
      if (this.#descriptor === undefined) throw new TypeError("the file is closed");
      act(this.#descriptor);
    });
  }
}

/** Sees to it that others of the process get their turn. */
class Turns {
  #since = performance.now();

  /** Waits for the others when it is their turn. */
  next(): Promise<void> | undefined {
    if (performance.now() - this.#since < TURN_MS) return undefined;
    return new Promise((resolve) => {
      const { setImmediate = setTimeout } = globalThis as Host;
      setImmediate(() => {
        this.#since = performance.now();
        resolve();
      });
    });
  }
}

function attempt<Result>(verb: string, path: string, act: () => Result): Result {
  try {
    return act();
  } catch (error) {
    throw diskError(verb, path, error);
  }
}
