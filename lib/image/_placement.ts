import { mapConcurrent } from "../bytes/map_concurrent.ts";
import { NotFoundError } from "../model/errors.ts";
import { type FileSystem, FileSystemError } from "../store/file_system.ts";
import { attributesOf } from "./_extracted_file.ts";
import type { ExtractDirectory } from "./_extract_directory.ts";
import type { ExtractOptions, ExtractResult } from "./extract_options.ts";
import type { FileNode, TreePath } from "./_file_tree.ts";
import { type JudgedTree, refusal } from "./_judged_tree.ts";
import type { FileMeta } from "./_layer_files.ts";
import { entryOf } from "./_rootfs_entry_of.ts";
import type { RootfsEntry } from "./rootfs_entry.ts";
import type { Staging } from "./_staging.ts";

/** What nobody else may look into while it is being filled. */
const PRIVATE_DIRECTORY = 0o700;

/** Names that are given at the same time: a disk may have several threads for that. */
const MAX_CALLS = 8;

type Node = FileNode<FileMeta>;

/** What a directory has that no layer mentions. */
const IMPLIED = { mode: 0o755, uid: 0, gid: 0, mtime: 0, mtimeNs: 0n };

/** Gives everything in a tree its name. */
export class Placement {
  readonly #tree: JudgedTree;
  readonly #staging: Staging;
  readonly #fs: FileSystem;
  readonly #directory: ExtractDirectory;
  readonly #options: ExtractOptions;
  readonly #owners: boolean;
  readonly #leftOut: RootfsEntry[] = [];
  #files = 0;
  #links = 0;
  #bytes = 0;

  constructor(
    tree: JudgedTree,
    staging: Staging,
    fs: FileSystem,
    directory: ExtractDirectory,
    options: ExtractOptions,
  ) {
    this.#tree = tree;
    this.#staging = staging;
    this.#fs = fs;
    this.#directory = directory;
    this.#options = options;
    this.#owners = options.owners === true;
  }

  async run(): Promise<ExtractResult> {
    const { root, directories, others, links, withXattrs } = this.#tree;
    const { signal } = this.#options;
    for (const { path } of directories) {
      signal?.throwIfAborted();
      await this.#makeDirectory(path);
    }
    await mapConcurrent(others, MAX_CALLS, (named) => this.#make(named), { signal });
    for (const { path, node, target } of links) {
      signal?.throwIfAborted();
      await this.#link(path, node, target);
    }
    await this.#staging.remove();
    await this.#checkNames();
    for (const { path, node } of [...directories].reverse()) await this.#finish(path, node.meta);
    if (root.meta !== undefined) await this.#finish("", root.meta);
    return {
      directories: directories.length,
      files: this.#files,
      links: this.#links,
      bytes: this.#bytes,
      leftOut: this.#leftOut,
      withXattrs,
    };
  }

  async #makeDirectory(path: string): Promise<void> {
    const full = this.#directory.at(path);
    if (this.#options.existing === "replace") {
      const found = await this.#fs.stat(full, { followLinks: false });
      if (found?.type === "directory") return;
      if (found !== undefined) throw inTheWay(path, found.type);
    }
    await this.#fs.makeDirectory(full, { mode: PRIVATE_DIRECTORY });
  }

  #make(named: TreePath<FileMeta>): Promise<void> | void {
    const { node } = named;
    const { meta } = node;
    if (meta === undefined || isLeftOut(node)) {
      this.#leftOut.push(entryOf(named.path, node));
      return;
    }
    if (this.#options.existing !== "replace") return this.#create(named, meta);
    return this.#clear(named.path).then(() => this.#create(named, meta));
  }

  #create(named: TreePath<FileMeta>, meta: FileMeta): Promise<void> | void {
    const { target } = named.node;
    if (target !== undefined) return this.#symlink(named.path, target, meta);
    if (meta.size > 0 && !this.#staging.has(meta)) throw missing(named.path);
    this.#files++;
    this.#bytes += meta.size;
    return meta.size > 0 ? this.#staging.place(meta, named) : this.#staging.placeEmpty(meta, named);
  }

  async #symlink(path: string, target: string, meta: FileMeta): Promise<void> {
    const full = this.#directory.at(path);
    await this.#fs.symlink(target, full);
    // Links have no permissions of their own.
    const { mode: _mode, ...attributes } = attributesOf(meta, this.#owners);
    await this.#fs.setAttributes(full, attributes);
    this.#links++;
  }

  async #link(path: string, node: Node, target: string): Promise<void> {
    if (isLeftOut(node)) {
      this.#leftOut.push(entryOf(path, node));
      return;
    }
    if (this.#options.existing === "replace") await this.#clear(path);
    await this.#fs.link(this.#directory.at(target), this.#directory.at(path));
    this.#links++;
  }

  /** Removes what is in the way; a directory never. */
  async #clear(path: string): Promise<void> {
    const full = this.#directory.at(path);
    const found = await this.#fs.stat(full, { followLinks: false });
    if (found === undefined) return;
    if (found.type === "directory") throw inTheWay(path, found.type);
    await this.#fs.remove(full);
  }

  /**
   * Sees to it that every name is there. To some file systems names are the same that differ in
   * case, or in how an accent is written; a rename onto such a name replaces what had it.
   */
  async #checkNames(): Promise<void> {
    if (this.#options.existing === "replace" || !this.#staging.replacesNames) return;
    for (const { path, node } of [{ path: "", node: this.#tree.root }, ...this.#tree.directories]) {
      if (node.children.size < 2) continue;
      let expected = 0;
      for (const child of node.children.values()) if (!isLeftOut(child.node)) expected++;
      const full = this.#directory.at(path);
      if ((await this.#fs.readDirectory(full)).length >= expected) continue;
      throw new FileSystemError(
        `Cannot extract to "${full}": the file system takes two of the names in it for one`,
        { reason: "exists", path: full },
      );
    }
  }

  async #finish(path: string, meta: FileMeta | undefined): Promise<void> {
    const attributes = attributesOf(meta ?? IMPLIED, this.#owners);
    await this.#fs.setAttributes(this.#directory.at(path), attributes);
  }
}

/** Devices and pipes are not made. */
function isLeftOut({ kind, meta }: Node): boolean {
  return kind === "other" && meta?.type !== "file";
}

function inTheWay(path: string, type: string): Error {
  return refusal(path, `there is a ${type === "other" ? "device" : type} in the way`);
}

function missing(path: string): NotFoundError {
  return new NotFoundError(
    `Cannot extract ${JSON.stringify(path)}: its layer does not have it any more`,
  );
}
