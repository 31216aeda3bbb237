import type { Bytes } from "../model/bytes.ts";
import type { FileAttributes, FileSystem, UnnamedFile } from "../store/file_system.ts";
import type { FedEntry } from "../tar/entry_feed.ts";
import { attributesOf } from "./_extracted_file.ts";
import type { ExtractDirectory } from "./_extract_directory.ts";
import type { TreePath } from "./_file_tree.ts";
import type { FileMeta } from "./_layer_files.ts";
import type { Staging } from "./_staging.ts";

/** Contents in files without a name, where a file system has that; what is lost goes by itself. */
export class UnnamedFiles implements Staging {
  readonly replacesNames = false;
  readonly hasLost = false;
  readonly #create: (attributes: FileAttributes) => UnnamedFile;
  readonly #directory: ExtractDirectory;
  readonly #owners: boolean;
  /** By the number of the layer, and of the entry in it: nothing has to be hashed. */
  readonly #files: (UnnamedFile | undefined)[][] = [];
  /** What is written now: contents come one after another. */
  #file: UnnamedFile | undefined;
  readonly #take = (piece: Bytes) => this.#file?.write(piece);

  private constructor(
    create: (attributes: FileAttributes) => UnnamedFile,
    directory: ExtractDirectory,
    owners: boolean,
  ) {
    this.#create = create;
    this.#directory = directory;
    this.#owners = owners;
  }

  /** Gives nothing where files have to have names. */
  static on(
    fs: FileSystem,
    directory: ExtractDirectory,
    owners: boolean,
  ): UnnamedFiles | undefined {
    const create = fs.createUnnamed?.bind(fs);
    return create && new UnnamedFiles(create, directory, owners);
  }

  write(meta: FileMeta, entry: FedEntry): void | Promise<void> {
    const file = this.#create(attributesOf(meta, this.#owners));
    (this.#files[meta.layer] ??= [])[meta.ordinal] = file;
    this.#file = file;
    return entry.lend(this.#take);
  }

  lose({ layer, ordinal }: FileMeta): void {
    const files = this.#files[layer];
    if (files !== undefined) files[ordinal] = undefined;
  }

  async sweep(): Promise<void> {}

  has({ layer, ordinal }: FileMeta): boolean {
    return this.#files[layer]?.[ordinal] !== undefined;
  }

  place({ layer, ordinal }: FileMeta, { directory, name }: TreePath<FileMeta>): void {
    this.#files[layer]?.[ordinal]?.place(this.#directory.at(directory), name);
  }

  placeEmpty(meta: FileMeta, { directory, name }: TreePath<FileMeta>): void {
    this.#create(attributesOf(meta, this.#owners)).place(this.#directory.at(directory), name);
  }

  async remove(): Promise<void> {}
}
