/** How many directories are remembered: most trees have no more. */
const MAX_KNOWN = 1024;

/**
 * Remembers where the directories of paths lead. Most paths are in the directory of the one before,
 * which is found by comparing: to cut its text out and look that up takes longer.
 */
export class KnownParents<Directory> {
  readonly #known = new Map<string, Directory>();
  #lastPath = "";
  #last: Directory | undefined;

  /**
   * Finds the directory of a path.
   *
   * @param path The path.
   * @param length How many characters of it are its directory.
   * @returns The directory, if it is remembered.
   */
  get(path: string, length: number): Directory | undefined {
    const last = this.#lastPath;
    // Who asks for a directory itself mostly has the same text.
    const isLast = length === last.length && (path === last || path.startsWith(last));
    if (isLast && this.#last !== undefined) return this.#last;
    const parent = path.slice(0, length);
    const known = this.#known.get(parent);
    if (known !== undefined) this.#keep(parent, known);
    return known;
  }

  /** Remembers what a directory is. */
  set(path: string, directory: Directory): void {
    if (this.#known.size >= MAX_KNOWN) this.#known.clear();
    this.#known.set(path, directory);
    this.#keep(path, directory);
  }

  /** Forgets all: something that paths lead through is gone. */
  clear(): void {
    this.#known.clear();
    this.#last = undefined;
  }

  #keep(path: string, directory: Directory): void {
    this.#lastPath = path;
    this.#last = directory;
  }
}
