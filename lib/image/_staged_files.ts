import { encodeHex } from "../model/hex.ts";
import { type FileSystem, FileSystemError } from "../store/file_system.ts";
import type { FedEntry } from "../tar/entry_feed.ts";
import { attributesOf, createEmpty, createFile } from "./_extracted_file.ts";
import type { ExtractDirectory } from "./_extract_directory.ts";
import type { TreePath } from "./_file_tree.ts";
import type { FileMeta } from "./_layer_files.ts";
import type { Staging } from "./_staging.ts";

/** Nobody else may look into it, and what is in it is not complete. */
const PRIVATE_DIRECTORY = 0o700;

/** How much is copied at a time. */
const COPIED_BYTES = 1 << 20;

/**
 * Contents under numbers in a directory beside the tree, on the same file system, complete but for
 * their names; a place is given by a rename.
 */
export class StagedFiles implements Staging {
  readonly replacesNames = true;
  readonly #fs: FileSystem;
  readonly #directory: ExtractDirectory;
  readonly #path: string;
  readonly #owners: boolean;
  /** By the number of the layer, and of the entry in it: nothing has to be hashed. */
  readonly #numbers: (number | undefined)[][] = [];
  /** Contents that nothing leads to any more. */
  #lost: number[] = [];
  #count = 0;

  private constructor(
    fs: FileSystem,
    directory: ExtractDirectory,
    path: string,
    owners: boolean,
  ) {
    this.#fs = fs;
    this.#directory = directory;
    this.#path = path;
    this.#owners = owners;
  }

  /** Makes the directory, under a name that nobody can know before. */
  static async make(
    fs: FileSystem,
    directory: ExtractDirectory,
    owners: boolean,
  ): Promise<StagedFiles> {
    const path = directory.at(`.lading-${encodeHex(crypto.getRandomValues(new Uint8Array(16)))}`);
    await fs.makeDirectory(path, { mode: PRIVATE_DIRECTORY });
    return new StagedFiles(fs, directory, path, owners);
  }

  write(meta: FileMeta, entry: FedEntry): Promise<void> {
    const number = this.#count++;
    (this.#numbers[meta.layer] ??= [])[meta.ordinal] = number;
    return createFile(this.#fs, this.#at(number), attributesOf(meta, this.#owners), entry);
  }

  lose({ layer, ordinal }: FileMeta): void {
    const numbers = this.#numbers[layer];
    const number = numbers?.[ordinal];
    if (numbers === undefined || number === undefined) return;
    numbers[ordinal] = undefined;
    this.#lost.push(number);
  }

  get hasLost(): boolean {
    return this.#lost.length > 0;
  }

  async sweep(): Promise<void> {
    const lost = this.#lost;
    this.#lost = [];
    for (const number of lost) await this.#fs.remove(this.#at(number));
  }

  has({ layer, ordinal }: FileMeta): boolean {
    return this.#numbers[layer]?.[ordinal] !== undefined;
  }

  async place(meta: FileMeta, { path }: TreePath<FileMeta>): Promise<void> {
    const to = this.#directory.at(path);
    const from = this.#at(this.#numbers[meta.layer]?.[meta.ordinal] ?? Number.NaN);
    try {
      await this.#fs.rename(from, to);
    } catch (error) {
      // A directory that was there may be one of another file system (EXDEV).
      if (!(error instanceof FileSystemError) || error.reason !== "unsupported") throw error;
      await this.#copy(from, to, meta);
      await this.#fs.remove(from);
    }
  }

  placeEmpty(meta: FileMeta, { path }: TreePath<FileMeta>): Promise<void> {
    return createEmpty(this.#fs, this.#directory.at(path), attributesOf(meta, this.#owners));
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

  async remove(): Promise<void> {
    await this.#fs.remove(this.#path, { recursive: true });
  }

  #at(number: number): string {
    return `${this.#path}/${number}`;
  }
}
