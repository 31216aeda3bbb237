import type { FileSystem, UnnamedFile } from "../store/file_system.ts";
import type { TarEntry } from "../tar/reader.ts";
import { attributesOf } from "./_extracted_file.ts";
import type { FileMeta } from "./_layer_files.ts";
import type { Staging } from "./_staging.ts";

/** Contents in files without a name, where a file system has that; what is lost goes by itself. */
export class UnnamedFiles implements Staging {
  readonly replacesNames = false;
  readonly hasLost = false;
  readonly #create: () => UnnamedFile;
  readonly #owners: boolean;
  readonly #files = new Map<FileMeta, UnnamedFile>();

  private constructor(create: () => UnnamedFile, owners: boolean) {
    this.#create = create;
    this.#owners = owners;
  }

  /** Gives nothing where files have to have names. */
  static on(fs: FileSystem, owners: boolean): UnnamedFiles | undefined {
    const create = fs.createUnnamed?.bind(fs);
    return create && new UnnamedFiles(create, owners);
  }

  write(meta: FileMeta, entry: TarEntry): Promise<void> {
    const file = this.#create();
    file.setAttributes(attributesOf(meta, this.#owners));
    this.#files.set(meta, file);
    return entry.lend((piece) => file.write(piece));
  }

  lose(meta: FileMeta): void {
    this.#files.delete(meta);
  }

  async sweep(): Promise<void> {}

  has(meta: FileMeta): boolean {
    return this.#files.has(meta);
  }

  place(meta: FileMeta, path: string): void {
    this.#files.get(meta)?.place(path);
  }

  placeEmpty(meta: FileMeta, path: string): void {
    const file = this.#create();
    file.setAttributes(attributesOf(meta, this.#owners));
    file.place(path);
  }

  async remove(): Promise<void> {}
}
