import { encodeHex } from "../model/hex.ts";
import { type FileSystem, FileSystemError } from "../store/file_system.ts";
import type { TarEntry } from "../tar/reader.ts";
import { attributesOf, createFile } from "./_extracted_file.ts";
import type { ExtractDirectory } from "./_extract_directory.ts";
import type { FileMeta } from "./_layer_files.ts";

/** Nobody else may look into it, and what is in it is not complete. */
const PRIVATE_DIRECTORY = 0o700;

/** How much is copied at a time. */
const COPIED_BYTES = 1 << 20;

/**
 * Contents that have no place yet: layers are read once, and what name a file has in the end, if
 * any, is known when the last one was read. They lie under numbers in a directory beside the tree, on
 * the same file system, and are complete but for their names; a place is given by a rename.
 */
export class Staging {
  readonly #fs: FileSystem;
  readonly #path: string;
  readonly #owners: boolean;
  readonly #numbers = new Map<FileMeta, number>();
  /** Contents that nothing leads to any more. */
  #lost: number[] = [];
  #count = 0;

  private constructor(fs: FileSystem, path: string, owners: boolean) {
    this.#fs = fs;
    this.#path = path;
    this.#owners = owners;
  }

  /** Makes the directory, under a name that nobody can know before. */
  static async make(
    fs: FileSystem,
    directory: ExtractDirectory,
    owners: boolean,
  ): Promise<Staging> {
    const path = directory.at(`.lading-${encodeHex(crypto.getRandomValues(new Uint8Array(16)))}`);
    await fs.makeDirectory(path, { mode: PRIVATE_DIRECTORY });
    return new Staging(fs, path, owners);
  }

  /** Takes in the content of a file. */
  write(meta: FileMeta, entry: TarEntry): Promise<void> {
    const number = this.#count++;
    this.#numbers.set(meta, number);
    return createFile(this.#fs, this.#at(number), attributesOf(meta, this.#owners), entry);
  }

  /** Notes that a content is not wanted any more, if it is here. */
  lose(meta: FileMeta): void {
    const number = this.#numbers.get(meta);
    if (number === undefined) return;
    this.#numbers.delete(meta);
    this.#lost.push(number);
  }

  /** Whether there is something to be swept. */
  get hasLost(): boolean {
    return this.#lost.length > 0;
  }

  /** Removes what is not wanted any more: a layer with many versions of a file fills no disk. */
  async sweep(): Promise<void> {
    const lost = this.#lost;
    this.#lost = [];
    for (const number of lost) await this.#fs.remove(this.#at(number));
  }

  /** Moves a content to its place; nothing where it is not here. */
  place(meta: FileMeta, path: string): Promise<void> | undefined {
    const number = this.#numbers.get(meta);
    return number === undefined ? undefined : this.#move(this.#at(number), path, meta);
  }

  async #move(from: string, to: string, meta: FileMeta): Promise<void> {
    try {
      await this.#fs.rename(from, to);
    } catch (error) {
      // A directory that was there may be one of another file system (EXDEV).
      if (!(error instanceof FileSystemError) || error.reason !== "unsupported") throw error;
      await this.#copy(from, to, meta);
      await this.#fs.remove(from);
    }
  }

  async #copy(from: string, to: string, meta: FileMeta): Promise<void> {
    const file = await this.#fs.open(from, { followLinks: false });
    const { size } = file;
    try {
      await createFile(this.#fs, to, attributesOf(meta, this.#owners), {
        size,
        async lend(take) {
          for (let at = 0; at < size; at += COPIED_BYTES) {
            await take(await file.read(at, COPIED_BYTES));
          }
        },
      });
    } finally {
      await file.close();
    }
  }

  /** Removes the directory, and what is left in it. */
  async remove(): Promise<void> {
    await this.#fs.remove(this.#path, { recursive: true });
  }

  #at(number: number): string {
    return `${this.#path}/${number}`;
  }
}
