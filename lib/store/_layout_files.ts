import type { Bytes } from "../model/bytes.ts";
import { NotFoundError, UnsafePathError } from "../model/errors.ts";
import { failedBecause, joinPath, quietly, readFile, uniqueName } from "./_files.ts";
import type { FileSystem, FileWriter } from "./file_system.ts";
import type { OCILayoutOptions } from "./layout_options.ts";
import { WriteBehind } from "./_write_behind.ts";

/** What the names of unfinished files begin with. */
export const TEMPORARY_PREFIX = ".tmp-";

/** Nothing takes a day to write: what a killed process left behind is older than this. */
export const MAX_WRITING_MS: number = 24 * 60 * 60 * 1000;

/** Where a layout is and how it is treated. */
export interface LayoutContext {
  readonly fs: FileSystem;
  /** The directory of the layout. */
  readonly path: string;
  /** The layout, for messages. */
  readonly place: string;
  /** A word about this process for the names of temporary files. */
  readonly owner: string;
  /** Whether files of the layout may be symbolic links. */
  readonly followLinks: boolean;
  /** Whether what is written survives a power loss. */
  readonly isDurable: boolean;
}

/**
 * Gathers where a layout is and how it is treated.
 *
 * @throws {TypeError} when the owner is no short word.
 */
export function layoutContext(
  fs: FileSystem,
  path: string,
  place: string,
  { owner = "lading", followLinks = false, isDurable = true }: OCILayoutOptions,
): LayoutContext {
  if (!/^[A-Za-z0-9]{1,32}$/.test(owner)) {
    throw new TypeError(`Cannot open ${place}: ${JSON.stringify(owner)} is no short word`);
  }
  return { fs, path, place, owner, followLinks, isDurable };
}

/** Reads a small file of the layout; `undefined` when it is absent. */
export async function readSmall(
  { fs, path, followLinks }: LayoutContext,
  name: string,
  maxBytes: number,
): Promise<Bytes | undefined> {
  const file = joinPath(path, name);
  try {
    return await readFile(fs, file, { maxBytes, followLinks });
  } catch (error) {
    if (failedBecause(error, "not-found", "not-directory")) return undefined;
    throw refusedLink(error, file);
  }
}

/** Turns the refusal of a symbolic link into the error for unsafe paths; others pass. */
export function refusedLink(error: unknown, path: string): unknown {
  if (!failedBecause(error, "symlink")) return error;
  const reason = "it is a symbolic link; followLinks allows that";
  return new UnsafePathError(`Cannot read "${path}": ${reason}`, { path, reason, cause: error });
}

/** Tells that the directory of a layout is not there. */
export async function checkThere({ fs, path, place }: LayoutContext): Promise<void> {
  const info = await fs.stat(path);
  if (info?.type === "directory") return;
  const why = info === undefined ? "there is no such directory" : "it is no directory";
  throw new NotFoundError(`Cannot open ${place}: ${why}`);
}

/** Where files are written, and for whom. */
type Writing = Pick<LayoutContext, "fs" | "owner" | "isDurable">;

/**
 * Writes a file beside its place and moves it there; nothing stays behind when that fails. The size
 * is a hint: how much memory the writing may need.
 */
export async function writeBeside(
  context: Writing,
  directory: string,
  { name, size }: { readonly name: string; readonly size: number },
  fill: (write: (chunk: Bytes) => Promise<void>) => Promise<void>,
): Promise<void> {
  const file = await FileBeside.create(context, directory, size);
  try {
    await fill((chunk) => file.write(chunk));
    await file.moveTo(name);
  } catch (error) {
    await file.abandon();
    throw error;
  }
  await file.settle();
}

/** A file that is written beside its place, wherever that will be in the directory. */
export class FileBeside {
  readonly #context: Writing;
  readonly #directory: string;
  readonly #path: string;
  readonly #writer: FileWriter;
  readonly #behind: WriteBehind;

  private constructor(
    context: Writing,
    directory: string,
    path: string,
    writer: FileWriter,
    size: number,
  ) {
    this.#context = context;
    this.#directory = directory;
    this.#path = path;
    this.#writer = writer;
    this.#behind = new WriteBehind(writer, size);
  }

  /** Makes an empty one; the size is a hint. */
  static async create(context: Writing, directory: string, size: number): Promise<FileBeside> {
    const { fs, owner } = context;
    const path = joinPath(directory, TEMPORARY_PREFIX + uniqueName(owner));
    return new FileBeside(context, directory, path, await fs.create(path), size);
  }

  /** Appends bytes; they are copied. */
  async write(chunk: Bytes): Promise<void> {
    await this.#behind.write(chunk);
  }

  /** Moves it to its place; when that fails it is to be abandoned. */
  async moveTo(name: string): Promise<void> {
    await this.#behind.flush();
    if (this.#context.isDurable) await this.#writer.sync();
    await this.#writer.close();
    await this.#context.fs.rename(this.#path, joinPath(this.#directory, name));
  }

  /** Waits until the name too survives a power loss. */
  async settle(): Promise<void> {
    if (this.#context.isDurable) await this.#context.fs.syncDirectory(this.#directory);
  }

  /** Removes what was written. */
  async abandon(): Promise<void> {
    await this.#behind.abandon();
    await quietly(this.#writer.close());
    await quietly(this.#context.fs.remove(this.#path));
  }
}

/** What a killed process left behind. */
interface Leftover {
  readonly path: string;
  readonly size: number;
}

/** Tells whether something was written in this time; the clocks of a disk and of a process differ. */
export function isYounger({ mtimeMs }: { readonly mtimeMs: number }, ageMs: number): boolean {
  return ageMs > 0 && Date.now() - mtimeMs <= ageMs;
}

/** Finds what killed processes left behind in a directory. */
export async function leftovers(
  { fs }: Pick<LayoutContext, "fs">,
  directory: string,
  minAgeMs: number,
  ...prefixes: readonly string[]
): Promise<Leftover[]> {
  const found: Leftover[] = [];
  for (const { name } of await fs.readDirectory(directory)) {
    if (!prefixes.some((prefix) => name.startsWith(prefix))) continue;
    const path = joinPath(directory, name);
    const info = await fs.stat(path, { followLinks: false });
    if (info === undefined || isYounger(info, minAgeMs)) continue;
    found.push({ path, size: info.type === "file" ? info.size : 0 });
  }
  return found;
}

/** Removes what killed processes left behind in a directory. */
export async function sweep(
  context: Pick<LayoutContext, "fs">,
  directory: string,
  ...prefixes: readonly string[]
): Promise<void> {
  for (const { path } of await leftovers(context, directory, MAX_WRITING_MS, ...prefixes)) {
    await quietly(context.fs.remove(path, { recursive: true }));
  }
}
