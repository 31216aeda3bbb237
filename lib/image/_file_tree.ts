import { KnownParents } from "../bytes/known_parents.ts";
import { LimitExceededError, NotFoundError, UnsafePathError } from "../model/errors.ts";

/** The most symbolic links that one path may lead through, as in Linux (MAXSYMLINKS). */
const MAX_SYMLINKS = 40;

/** How deep directories may lie in one another: links could make them deeper than any path is long. */
const MAX_DEPTH = 1024;

/** The most paths of a tree: what an archive may have, held at some hundred bytes each. */
export const MAX_TREE_ENTRIES = 2_000_000;

/**
 * What may be kept of each entry, and how much beyond that of all together: extended attributes may
 * have a megabyte in an archive, and take next to nothing when they are compressed.
 */
const ENTRY_BYTES = 1024;
const MAX_EXTRA_BYTES: number = 32 * 1024 * 1024;

/** What a path leads to. Hard links are several paths to the same node. */
export interface FileNode<Meta> {
  /** Whether it is a directory, a symbolic link or anything else. */
  readonly kind: "directory" | "symlink" | "other";
  /** Where a symbolic link points to. */
  readonly target?: string | undefined;
  /** What is known about it; absent for a directory that no layer mentions. */
  meta: Meta | undefined;
  /** What is in a directory. */
  readonly children: Map<string, TreeLink<Meta>>;
  /** How many paths lead here. */
  links: number;
}

/** One name in a directory. */
export interface TreeLink<Meta> {
  readonly node: FileNode<Meta>;
  /** The last layer that had this path, or one below it. */
  touched: number;
}

/** A path of a tree, and what it leads to. */
export class TreePath<Meta> {
  /** The path of the directory; `""` is the root. */
  readonly directory: string;
  readonly name: string;
  readonly node: FileNode<Meta>;

  constructor(directory: string, name: string, node: FileNode<Meta>) {
    this.directory = directory;
    this.name = name;
    this.node = node;
  }

  /** The whole path. It is not kept: of millions of files few are asked for it. */
  get path(): string {
    return this.directory === "" ? this.name : `${this.directory}/${this.name}`;
  }
}

interface Step<Meta> {
  readonly name: string;
  readonly link: TreeLink<Meta> | undefined;
}

/**
 * The file tree that layers make when they are applied one after another, as it would be on a
 * disk. Paths are followed as after a `chroot`: a symbolic link among the parents of an entry, also
 * of a whiteout, leads to where it points to inside of the tree, as in umoci and containerd; `..`
 * never leaves the root. Parents that no layer mentions are made.
 */
export class FileTree<Meta> {
  readonly #root: TreeLink<Meta> = { node: newNode("directory"), touched: -1 };
  readonly #maxEntries: number;
  readonly #lose: ((meta: Meta) => void) | undefined;
  /** Directories that have nothing of the layers before any more. */
  readonly #cleared = new Set<FileNode<Meta>>();
  /** Directories that entries of this layer were put in lately: most entries are in one of them. */
  readonly #known = new KnownParents<FileNode<Meta>>();
  #layer = 0;
  #size = 0;
  #extraBytes = 0;

  /**
   * Makes an empty tree.
   *
   * @param maxEntries The most paths it may have.
   * @param lose Is told what no path leads to any more.
   */
  constructor(maxEntries: number = MAX_TREE_ENTRIES, lose?: (meta: Meta) => void) {
    this.#maxEntries = maxEntries;
    this.#lose = lose;
    this.#root.node.links = 1;
  }

  /** The root directory. */
  get root(): FileNode<Meta> {
    return this.#root.node;
  }

  /** Starts the next layer: whiteouts delete what is there from the layers before. */
  nextLayer(): void {
    this.#layer++;
    this.#cleared.clear();
    this.#known.clear();
  }

  /** Takes note of an entry's names, owners and attributes before they are kept. */
  keep(bytes: number): void {
    if (bytes <= ENTRY_BYTES) return;
    this.#extraBytes += bytes - ENTRY_BYTES;
    if (this.#extraBytes <= MAX_EXTRA_BYTES) return;
    throw new LimitExceededError(
      `Cannot merge the layers: the metadata of large entries takes more than ${MAX_EXTRA_BYTES} bytes`,
      { limit: MAX_EXTRA_BYTES, unit: "bytes" },
    );
  }

  /** Sets what is known about a directory, and makes it where it is not there. */
  addDirectory(path: string, meta: Meta): void {
    const { parent, name } = this.#place(path);
    const found = name === "" ? this.#root : parent.children.get(name);
    if (found?.node.kind === "directory") {
      found.node.meta = meta;
      found.touched = this.#layer;
      return;
    }
    this.#put(parent, name, newNode("directory", meta));
  }

  /**
   * Puts something that is no directory in place of whatever is there.
   *
   * @returns Whether it is in the tree: the root stays what it is.
   */
  addNode(path: string, kind: "symlink" | "other", meta: Meta, target?: string): boolean {
    const { parent, name } = this.#place(path);
    if (name === "") return false;
    this.#put(parent, name, newNode(kind, meta, target));
    return true;
  }

  /** Gives another path to what a path leads to; a symbolic link at its end is not followed. */
  addLink(path: string, target: string): void {
    const found = this.lookup(target, false);
    if (found === undefined || found.kind === "directory") {
      const reason = found === undefined ? "is not there" : "is a directory";
      throw refusal(path, `the target of the hard link, ${JSON.stringify(target)}, ${reason}`);
    }
    const { parent, name } = this.#place(path);
    const there = parent.children.get(name);
    if (there?.node === found) there.touched = this.#layer;
    else if (name !== "") this.#put(parent, name, found);
  }

  /** Deletes a path of the layers before; what this layer has put there stays. */
  remove(directory: string, name: string): void {
    const parent = this.#lowerDirectory(directory);
    const link = parent?.children.get(name);
    if (parent !== undefined && link !== undefined) this.#removeLower(parent, name, link);
  }

  /** Deletes everything in a directory that is of the layers before. */
  clear(directory: string): void {
    const found = this.#lowerDirectory(directory);
    if (found !== undefined) this.#clear(found);
  }

  /**
   * Finds what a path leads to.
   *
   * @param path Any path; it counts from the root.
   * @param follow Whether a symbolic link at its end is followed.
   * @returns What is there; `undefined` when nothing is, or when links lead in a circle.
   */
  lookup(path: string, follow: boolean): FileNode<Meta> | undefined {
    const { steps, problem } = this.#walk(path, follow);
    return problem === undefined ? steps.at(-1)?.link?.node : undefined;
  }

  /** Lists all paths, directories before what is in them, names in the order of code units. */
  *entries(): Generator<TreePath<Meta>, void, undefined> {
    const stack = [new TreePath("", "", this.root)];
    for (let next = stack.pop(); next !== undefined; next = stack.pop()) {
      const { name, node } = next;
      if (name !== "") yield next;
      if (node.children.size === 0) continue;
      const { path } = next;
      const names = sortedNames(node.children);
      // What is put on the stack last comes first.
      for (let i = names.length - 1; i >= 0; i--) {
        const name = names[i] ?? "";
        const child = node.children.get(name);
        if (child !== undefined) stack.push(new TreePath(path, name, child.node));
      }
    }
  }

  #walk(path: string, follow: boolean): { steps: Step<Meta>[]; problem?: string } {
    const steps: Step<Meta>[] = [{ name: "", link: this.#root }];
    const waiting = path.split("/").reverse();
    let symlinks = 0;
    for (let name = waiting.pop(); name !== undefined; name = waiting.pop()) {
      if (name === "" || name === ".") continue;
      if (name === "..") {
        if (steps.length > 1) steps.pop();
        continue;
      }
      const directory = steps.at(-1)?.link?.node;
      if (directory !== undefined && directory.kind !== "directory") {
        return { steps, problem: `${JSON.stringify(pathOf(steps))} is no directory` };
      }
      const link = directory?.children.get(name);
      if (link?.node.kind !== "symlink" || !follow && isEnd(waiting)) {
        steps.push({ name, link });
        continue;
      }
      if (++symlinks > MAX_SYMLINKS) return { steps, problem: "too many symbolic links" };
      const target = link.node.target ?? "";
      if (target.startsWith("/")) steps.length = 1;
      waiting.push(...target.split("/").reverse());
    }
    return { steps };
  }

  /** Finds the directory of a path, making what is missing, and the name in it. */
  #place(path: string): { parent: FileNode<Meta>; name: string } {
    const slash = path.lastIndexOf("/");
    const name = path.slice(slash + 1);
    const known = this.#known.get(path, Math.max(slash, 0));
    if (known !== undefined) return { parent: known, name };
    const above = path.slice(0, Math.max(slash, 0));
    const parent = this.#descend(above) ?? this.#makeDirectories(path, above);
    this.#known.set(above, parent);
    return { parent, name };
  }

  /** Follows a path to a directory where each of its names is one already, as most are. */
  #descend(path: string): FileNode<Meta> | undefined {
    const links: TreeLink<Meta>[] = [];
    let { node } = this.#root;
    for (let at = 0; at < path.length;) {
      const slash = path.indexOf("/", at);
      const end = slash < 0 ? path.length : slash;
      const link = node.children.get(path.slice(at, end));
      if (link?.node.kind !== "directory") return undefined;
      links.push(link);
      ({ node } = link);
      at = end + 1;
    }
    for (const link of links) link.touched = this.#layer;
    return node;
  }

  /** Follows the directory of a path over links, and makes what is missing. */
  #makeDirectories(path: string, above: string): FileNode<Meta> {
    const { steps, problem } = this.#walk(above, true);
    if (problem !== undefined) throw refusal(path, problem);
    if (steps.length > MAX_DEPTH) {
      throw new LimitExceededError(
        `Cannot apply ${
          JSON.stringify(path.slice(0, 256))
        }: it is more than ${MAX_DEPTH} levels deep`,
        { limit: MAX_DEPTH, unit: "levels" },
      );
    }
    let parent = this.#root.node;
    for (const [index, { name, link }] of steps.entries()) {
      const here = link ?? this.#put(parent, name, newNode("directory"));
      if (here.node.kind !== "directory") {
        throw refusal(path, `${JSON.stringify(pathOf(steps.slice(0, index + 1)))} is no directory`);
      }
      here.touched = this.#layer;
      parent = here.node;
    }
    return parent;
  }

  /** Finds the directory that a whiteout is in; it is not made for that. */
  #lowerDirectory(directory: string): FileNode<Meta> | undefined {
    const found = this.lookup(directory, true);
    return found?.kind === "directory" ? found : undefined;
  }

  #put(parent: FileNode<Meta>, name: string, node: FileNode<Meta>): TreeLink<Meta> {
    // The new link counts first, so that a node that replaces itself is not forgotten.
    node.links++;
    const before = parent.children.get(name);
    if (before !== undefined) this.#forget(before);
    const link = { node, touched: this.#layer };
    parent.children.set(name, link);
    if (++this.#size > this.#maxEntries) {
      throw new LimitExceededError(
        `Cannot merge the layers: there are more than ${this.#maxEntries} entries`,
        { limit: this.#maxEntries, unit: "entries" },
      );
    }
    return link;
  }

  /** Deletes what no entry of this layer needs: whole subtrees where nothing was touched. */
  #removeLower(parent: FileNode<Meta>, name: string, link: TreeLink<Meta>): void {
    if (link.touched !== this.#layer) {
      parent.children.delete(name);
      this.#forget(link);
      return;
    }
    if (link.node.kind === "directory") this.#clear(link.node);
  }

  /** Clears a directory, once in a layer: what comes to it later is of this layer. */
  #clear(directory: FileNode<Meta>): void {
    if (this.#cleared.has(directory)) return;
    this.#cleared.add(directory);
    for (const [name, link] of [...directory.children]) this.#removeLower(directory, name, link);
  }

  #forget(link: TreeLink<Meta>): void {
    // The way there may have led over what is gone.
    if (link.node.kind !== "other") this.#known.clear();
    const stack = [link.node];
    for (let node = stack.pop(); node !== undefined; node = stack.pop()) {
      node.links--;
      this.#size--;
      if (node.links === 0 && node.meta !== undefined) this.#lose?.(node.meta);
      for (const child of node.children.values()) stack.push(child.node);
    }
  }
}

/** What everything but a directory has; it is never written to. */
const NO_CHILDREN = new Map<string, never>();

function newNode<Meta>(
  kind: FileNode<Meta>["kind"],
  meta?: Meta,
  target?: string,
): FileNode<Meta> {
  const children = kind === "directory" ? new Map<string, TreeLink<Meta>>() : NO_CHILDREN;
  return { kind, meta, target, children, links: 0 };
}

/** Lists the names of a directory in the order of code units, which most archives have them in. */
function sortedNames(children: ReadonlyMap<string, unknown>): string[] {
  const names = [...children.keys()];
  for (let i = 1; i < names.length; i++) {
    if ((names[i - 1] ?? "") > (names[i] ?? "")) return names.sort();
  }
  return names;
}

function isEnd(waiting: readonly string[]): boolean {
  return waiting.every((name) => name === "" || name === ".");
}

function pathOf(steps: readonly Step<unknown>[]): string {
  return steps.map((step) => step.name).join("/");
}

function refusal(path: string, reason: string): UnsafePathError {
  return new UnsafePathError(`Cannot apply ${JSON.stringify(path)}: ${reason}`, { path, reason });
}

/** Makes the error for a path that leads to nothing. */
export function noSuchFile(path: string): NotFoundError {
  return new NotFoundError(`Cannot find ${JSON.stringify(path)} in the image: it is not there`);
}
