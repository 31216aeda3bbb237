import type { Bytes } from "../model/bytes.ts";
import { parseDigest } from "../model/digest.ts";
import { encodeHex } from "../model/hex.ts";
import { type FileSystem, FileSystemError } from "../store/file_system.ts";
import type { LayerIndexes } from "./layer_indexes.ts";

/** Options of {@linkcode layerIndexDirectory}. */
export interface LayerIndexDirectoryOptions {
  /** The least uncompressed bytes between two places to inflate from, from 64 KiB; default 4 MiB. */
  readonly everyBytes?: number | undefined;
  /** The most bytes that are kept; default 256 MiB, which is some 32 GiB of layers. */
  readonly maxBytes?: number | undefined;
  /**
   * The user ID of whoever runs this. With it a directory that belongs to somebody else, or that
   * others may write to, keeps nothing. Default: any directory is trusted.
   */
  readonly uid?: number | undefined;
}

const DEFAULT_MAX_BYTES = 256 * 1024 * 1024;

/** What a file takes of a disk at least; it also bounds how many there are. */
const BLOCK_BYTES = 4096;

/** An index is written in seconds: what a killed process left behind is older than this. */
const TEMPORARY_MAX_AGE_MS = 60 * 60 * 1000;

const TEMPORARY_PREFIX = ".tmp-";

/** What is no index and no temporary file of ours is somebody else's, and stays. */
const INDEX_REGEXP = /^sha(?:256|384|512)-[0-9a-f]{64,128}$/;
const TEMPORARY_REGEXP = /^\.tmp-[0-9a-f]{16}$/;

/** The permission to write for anybody but the owner. */
const WRITABLE_BY_OTHERS = 0o022;

/**
 * Keeps indexes of layers in a directory, a file each, for as many processes as there are. A file
 * appears whole, by a rename; the one that was not used for longest makes room, and files of another
 * kind are left alone. The directory and the files are open for their owner alone. A cache is never a
 * reason to fail: a directory that cannot be read or written is one that keeps nothing.
 *
 * @param fileSystem Where the directory is: `nodeFileSystem()`, or `memoryFileSystem()`.
 * @param directory Its path; it is made when the first index is kept.
 * @param options A limit.
 * @returns The indexes.
 *
 * @example Indexes that another process finds
 * ```ts
 * import { memoryFileSystem, memoryStore } from "@lading/lading/store";
 * import { randomImage } from "@lading/lading/testing";
 * import { layerIndexDirectory, loadImage } from "@lading/lading/image";
 *
 * const store = memoryStore();
 * await (await randomImage("seed")).pushTo(store, "demo:1");
 * const image = await loadImage(store, await store.resolve("demo:1"));
 * const layerIndexes = layerIndexDirectory(memoryFileSystem(), "/cache/layers");
 * await image.rootfs({ layerIndexes });
 * const [layer] = await image.layers();
 * console.log(await layerIndexes.get(layer?.descriptor().digest ?? "") !== undefined); // true
 * ```
 */
export function layerIndexDirectory(
  fileSystem: FileSystem,
  directory: string,
  options: LayerIndexDirectoryOptions = {},
): LayerIndexes {
  return new LayerIndexDirectory(fileSystem, directory, options);
}

class LayerIndexDirectory implements LayerIndexes {
  readonly everyBytes: number | undefined;
  readonly #fs: FileSystem;
  readonly #directory: string;
  readonly #maxBytes: number;
  readonly #uid: number | undefined;
  /** What the files take, as far as this process knows; infinite before it has looked. */
  #total = Infinity;

  constructor(
    fs: FileSystem,
    directory: string,
    { everyBytes, maxBytes = DEFAULT_MAX_BYTES, uid }: LayerIndexDirectoryOptions,
  ) {
    this.#fs = fs;
    this.#directory = directory;
    this.#maxBytes = maxBytes;
    this.#uid = uid;
    this.everyBytes = everyBytes;
  }

  async get(digest: string): Promise<Bytes | undefined> {
    const path = this.#at(nameOf(digest));
    return await unlessRefused(async () => {
      if (!await this.#isTrusted()) return undefined;
      const file = await this.#fs.open(path, { followLinks: false });
      try {
        if (file.size > this.#maxBytes) return undefined;
        const index = await file.read(0, file.size);
        await unlessRefused(() => this.#fs.setAttributes(path, { mtimeMs: Date.now() }));
        return index;
      } finally {
        await file.close();
      }
    });
  }

  async set(digest: string, index: Bytes): Promise<void> {
    if (index.byteLength > this.#maxBytes) return;
    await unlessRefused(async () => {
      await this.#fs.makeDirectory(this.#directory, { recursive: true, mode: 0o700 });
      if (!await this.#isTrusted()) return;
      await this.#write(nameOf(digest), index);
      this.#total += onDisk(index.byteLength);
      if (this.#total > this.#maxBytes) this.#total = await this.#makeRoom();
    });
  }

  async #isTrusted(): Promise<boolean> {
    if (this.#uid === undefined) return true;
    const info = await this.#fs.stat(this.#directory);
    return info?.uid === this.#uid && (info.mode & WRITABLE_BY_OTHERS) === 0;
  }

  async #write(name: string, index: Bytes): Promise<void> {
    const temporary = this.#at(
      TEMPORARY_PREFIX + encodeHex(crypto.getRandomValues(new Uint8Array(8))),
    );
    const writer = await this.#fs.create(temporary, { mode: 0o600 });
    try {
      await writer.write(index);
      await writer.close();
      await this.#fs.rename(temporary, this.#at(name));
    } catch (error) {
      await unlessRefused(() => writer.close());
      await unlessRefused(() => this.#fs.remove(temporary));
      throw error;
    }
  }

  /**
   * Removes the indexes that were not used for longest, and what killed processes left behind.
   *
   * @returns What the indexes take.
   */
  async #makeRoom(): Promise<number> {
    const files: { readonly path: string; readonly bytes: number; readonly mtimeMs: number }[] = [];
    for (const { name, type } of await this.#fs.readDirectory(this.#directory)) {
      const isIndex = INDEX_REGEXP.test(name);
      if (type !== "file" || !isIndex && !TEMPORARY_REGEXP.test(name)) continue;
      const path = this.#at(name);
      const info = await this.#fs.stat(path, { followLinks: false });
      if (info === undefined) continue;
      const { size, mtimeMs } = info;
      if (isIndex) {
        files.push({ path, bytes: onDisk(size), mtimeMs });
      } else if (Date.now() - mtimeMs > TEMPORARY_MAX_AGE_MS) {
        await unlessRefused(() => this.#fs.remove(path));
      }
    }
    let total = files.reduce((sum, { bytes }) => sum + bytes, 0);
    for (const { path, bytes } of files.sort((a, b) => a.mtimeMs - b.mtimeMs)) {
      if (total <= this.#maxBytes) break;
      await unlessRefused(() => this.#fs.remove(path));
      total -= bytes;
    }
    return total;
  }

  #at(name: string): string {
    return `${this.#directory}/${name}`;
  }
}

function onDisk(bytes: number): number {
  return Math.ceil(bytes / BLOCK_BYTES) * BLOCK_BYTES;
}

/** Names of files have no colon on Windows. */
function nameOf(digest: string): string {
  const { algorithm, encoded } = parseDigest(digest);
  return `${algorithm}-${encoded}`;
}

async function unlessRefused<Result>(work: () => Promise<Result>): Promise<Result | undefined> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof FileSystemError) return undefined;
    throw error;
  }
}
