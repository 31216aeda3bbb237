import { type FileSystem, FileSystemError } from "../store/file_system.ts";
import type { ExtractOptions } from "./extract_options.ts";

/** The directory that a tree is unpacked to. */
export class ExtractDirectory {
  readonly #fs: FileSystem;
  readonly #path: string;
  /** What comes before the paths in it. */
  readonly #prefix: string;
  readonly #found: "nothing" | "empty" | "anything";
  /** Most paths are in the directory that was asked for before. */
  #lastPath = "";
  #last: string;

  private constructor(fs: FileSystem, path: string, found: "nothing" | "empty" | "anything") {
    this.#fs = fs;
    this.#path = path;
    this.#last = path;
    this.#prefix = path.endsWith("/") ? path : `${path}/`;
    this.#found = found;
  }

  /** Makes the directory where it is not there, and refuses one with something in it. */
  static async open(
    fs: FileSystem,
    path: string,
    { existing }: ExtractOptions,
  ): Promise<ExtractDirectory> {
    if (await fs.stat(path) === undefined) {
      await fs.makeDirectory(path, { recursive: true });
      return new ExtractDirectory(fs, path, "nothing");
    }
    if (existing === "replace") return new ExtractDirectory(fs, path, "anything");
    if ((await fs.readDirectory(path)).length === 0) {
      return new ExtractDirectory(fs, path, "empty");
    }
    const message = `Cannot extract to "${path}": the directory is not empty`;
    throw new FileSystemError(message, { reason: "not-empty", path });
  }

  /** Tells where a path of the tree is. */
  at(path: string): string {
    if (path !== this.#lastPath) {
      this.#lastPath = path;
      this.#last = path === "" ? this.#path : this.#prefix + path;
    }
    return this.#last;
  }

  /** Leaves it as it was found; where there may have been anything, nothing is known to be ours. */
  async undo(): Promise<void> {
    if (this.#found === "anything") return;
    if (this.#found === "nothing") return await this.#fs.remove(this.#path, { recursive: true });
    for (const { name } of await this.#fs.readDirectory(this.#path)) {
      await this.#fs.remove(this.at(name), { recursive: true });
    }
  }
}
