import { UnsafePathError } from "../model/errors.ts";
import { type FileAttributes, type FileSystem, FileSystemError } from "../store/file_system.ts";
import { sanitizePath } from "../tar/path.ts";
import type { TarEntry } from "../tar/reader.ts";
import type { ExtractOptions, ExtractResult } from "./extract_options.ts";
import type { FileNode } from "./_file_tree.ts";
import type { FileMeta } from "./_layer_files.ts";
import { entryOf } from "./_rootfs_entry_of.ts";
import type { RootfsEntry } from "./rootfs_entry.ts";
import { type NamedNodes, namedNodes, planNodes } from "./_tree_inputs.ts";
import type { TreeParts } from "./rootfs.ts";

/** What nobody else may look into while it is being filled. */
const PRIVATE_DIRECTORY = 0o700;
const PRIVATE_FILE = 0o600;

/** All bits but set-user-ID and set-group-ID: for another owner than the image says they are wrong. */
const WITHOUT_SET_ID = 0o1777;

type Node = FileNode<FileMeta>;
type Attributes = Pick<FileMeta, "mode" | "uid" | "gid" | "mtimeNs">;

/** What a directory has that no layer mentions. */
const IMPLIED: Attributes = { mode: 0o755, uid: 0, gid: 0, mtimeNs: 0n };

/** One extraction under way. */
export class Extraction {
  readonly #parts: TreeParts;
  readonly #fs: FileSystem;
  readonly #root: string;
  readonly #options: ExtractOptions;
  readonly #leftOut: RootfsEntry[] = [];
  #directories = 0;
  #files = 0;
  #links = 0;
  #bytes = 0;
  #withXattrs = 0;

  constructor(parts: TreeParts, fs: FileSystem, directory: string, options: ExtractOptions) {
    this.#parts = parts;
    this.#fs = fs;
    this.#root = directory;
    this.#options = options;
  }

  async run(): Promise<ExtractResult> {
    const { tree } = this.#parts;
    const { signal } = this.#options;
    // Every name is judged before the first one is written.
    const directories: { readonly path: string; readonly node: Node }[] = [];
    for (const { path, node } of tree.entries()) {
      this.#checkName(path);
      if (node.target !== undefined) this.#checkText(path, node.target);
      if (node.meta?.xattrs.size) this.#withXattrs++;
      if (node.kind === "directory") directories.push({ path, node });
    }
    const clean = await this.#prepare();
    try {
      for (const { path } of directories) {
        signal?.throwIfAborted();
        await this.#makeDirectory(path);
      }
      await this.#makeNodes(namedNodes(tree));
      for (const { path, node } of directories.reverse()) await this.#finish(path, node.meta);
      if (tree.root.meta !== undefined) await this.#finish("", tree.root.meta);
    } catch (error) {
      await clean().catch(() => {});
      throw error;
    }
    return {
      directories: this.#directories,
      files: this.#files,
      links: this.#links,
      bytes: this.#bytes,
      leftOut: this.#leftOut,
      withXattrs: this.#withXattrs,
    };
  }

  /** Makes the directory that all goes to, and gives what undoes the extraction. */
  async #prepare(): Promise<() => Promise<void>> {
    const fs = this.#fs;
    const found = await fs.stat(this.#root);
    if (found === undefined) {
      await fs.makeDirectory(this.#root, { recursive: true });
      return () => fs.remove(this.#root, { recursive: true });
    }
    if (this.#options.existing === "replace") return () => Promise.resolve();
    if ((await fs.readDirectory(this.#root)).length > 0) {
      const path = this.#root;
      const message = `Cannot extract to "${path}": the directory is not empty`;
      throw new FileSystemError(message, { reason: "not-empty", path });
    }
    return async () => {
      for (const { name } of await fs.readDirectory(this.#root)) {
        await fs.remove(this.#at(name), { recursive: true });
      }
    };
  }

  async #makeDirectory(path: string): Promise<void> {
    this.#directories++;
    if (this.#options.existing === "replace") {
      const found = await this.#fs.stat(this.#at(path), { followLinks: false });
      if (found?.type === "directory") return;
      if (found !== undefined) throw this.#inTheWay(path, found.type);
    }
    await this.#fs.makeDirectory(this.#at(path), { mode: PRIVATE_DIRECTORY });
  }

  /** Makes what has no content first, then files in the order of the layers. */
  async #makeNodes(nodes: NamedNodes): Promise<void> {
    const { layers } = this.#parts;
    const { threads, signal } = this.#options;
    const { empty, contents } = planNodes(layers, nodes);
    const make = async (node: Node, entry?: TarEntry): Promise<void> => {
      signal?.throwIfAborted();
      const names = nodes.get(node);
      if (node.meta !== undefined && names !== undefined) {
        await this.#make(node, node.meta, names, entry);
      }
    };
    for (const node of empty) await make(node);
    for (const [number, layer] of layers.entries()) {
      const wanted = contents[number];
      if (wanted === undefined || wanted.size === 0) continue;
      let ordinal = 0;
      for await (const entry of layer.entries({ threads, signal })) {
        const node = wanted.get(ordinal++);
        if (node !== undefined) await make(node, entry);
      }
    }
  }

  /** Makes a node under its first name, and links it to the others. */
  async #make(
    node: Node,
    meta: FileMeta,
    [first = "", ...others]: readonly string[],
    entry: TarEntry | undefined,
  ): Promise<void> {
    if (node.kind !== "symlink" && meta.type !== "file") {
      for (const path of [first, ...others]) this.#leftOut.push(entryOf(path, node));
      return;
    }
    await this.#clear(first);
    if (node.target === undefined) await this.#write(first, meta, entry);
    else await this.#symlink(first, meta, node.target);
    for (const path of others) {
      await this.#clear(path);
      await this.#fs.link(this.#at(first), this.#at(path));
      this.#links++;
    }
  }

  async #symlink(path: string, meta: FileMeta, target: string): Promise<void> {
    await this.#fs.symlink(target, this.#at(path));
    // Links have no permissions of their own.
    const { mode: _mode, ...attributes } = this.#attributes(meta);
    await this.#fs.setAttributes(this.#at(path), attributes);
    this.#links++;
  }

  async #write(path: string, meta: FileMeta, entry: TarEntry | undefined): Promise<void> {
    const attributes = this.#attributes(meta);
    const writer = await this.#fs.create(this.#at(path), { mode: PRIVATE_FILE });
    try {
      await entry?.lend((piece) => {
        this.#bytes += piece.byteLength;
        return writer.write(piece);
      });
      await writer.setAttributes?.(attributes);
    } finally {
      await writer.close();
    }
    if (writer.setAttributes === undefined) {
      await this.#fs.setAttributes(this.#at(path), attributes);
    }
    this.#files++;
  }

  /** Removes what is in the way, where that is wanted; a directory never. */
  async #clear(path: string): Promise<void> {
    if (this.#options.existing !== "replace") return;
    const found = await this.#fs.stat(this.#at(path), { followLinks: false });
    if (found === undefined) return;
    if (found.type === "directory") throw this.#inTheWay(path, found.type);
    await this.#fs.remove(this.#at(path));
  }

  async #finish(path: string, meta: FileMeta | undefined): Promise<void> {
    await this.#fs.setAttributes(this.#at(path), this.#attributes(meta ?? IMPLIED));
  }

  #attributes({ mode, uid, gid, mtimeNs }: Attributes): FileAttributes {
    const mtimeMs = Number(mtimeNs / 1000n) / 1000;
    if (this.#options.owners === true) return { mode, uid, gid, mtimeMs };
    return { mode: mode & WITHOUT_SET_ID, mtimeMs };
  }

  #at(path: string): string {
    if (path === "") return this.#root;
    return this.#root.endsWith("/") ? `${this.#root}${path}` : `${this.#root}/${path}`;
  }

  #checkName(path: string): void {
    this.#checkText(path, path);
    sanitizePath(path, { system: this.#options.system });
  }

  /** File systems take names as text: bytes that are none would become other ones. */
  #checkText(path: string, text: string): void {
    if (!LONE_SURROGATE_REGEXP.test(text)) return;
    throw refusal(path, "a name of bytes that are no UTF-8 cannot be written here");
  }

  #inTheWay(path: string, type: string): UnsafePathError {
    return refusal(path, `there is a ${type === "other" ? "device" : type} in the way`);
  }
}

const LONE_SURROGATE_REGEXP = /\p{Surrogate}/u;

function refusal(path: string, reason: string): UnsafePathError {
  return new UnsafePathError(`Cannot extract ${JSON.stringify(path)}: ${reason}`, { path, reason });
}
