import type { CallOptions } from "../model/content.ts";
import type { Descriptor } from "../model/descriptor.ts";
import { UnsafePathError } from "../model/errors.ts";
import { claimPrefix, replaceLocked } from "./file_lock.ts";
import { joinPath, quietly } from "./_files.ts";
import type { FileSystem } from "./file_system.ts";
import { BLOB_ALGORITHMS, LayoutBlobs, type StoredBlob } from "./_layout_blobs.ts";
import { INDEX, indexLock, readLayout } from "./_layout_document.ts";
import {
  isYounger,
  type LayoutContext,
  layoutContext,
  leftovers,
  MAX_WRITING_MS,
  TEMPORARY_PREFIX,
} from "./_layout_files.ts";
import type { OCILayoutOptions } from "./layout_options.ts";
import { Reach } from "./_layout_reach.ts";

/** Options of {@linkcode collectGarbage}. */
export interface CollectGarbageOptions extends OCILayoutOptions, CallOptions {
  /**
   * How old something has to be to be garbage, in milliseconds; a day by default. Content comes
   * before the manifest that names it: what is younger may be part of a push that is not over. `0`
   * is for layouts that nobody writes to meanwhile.
   */
  readonly minAgeMs?: number | undefined;
  /** Deletes nothing, and tells what would go; default `false`. Nothing is written, no lock either. */
  readonly isDryRun?: boolean | undefined;
}

/** What {@linkcode collectGarbage} did, or would do. */
export interface GarbageResult {
  /** The blobs that went. */
  readonly deleted: readonly Pick<Descriptor, "digest" | "size">[];
  /** What is left of writers that did not come to their end, and went: paths of files. */
  readonly leftovers: readonly string[];
  /** The bytes of all that went. */
  readonly bytesDeleted: number;
  /** How many blobs stay. */
  readonly kept: number;
  /** Their bytes. */
  readonly bytesKept: number;
  /** How many of them stay only because they are young, or a young manifest leads to them. */
  readonly young: number;
  /** The bytes of these. */
  readonly bytesYoung: number;
}

/**
 * Deletes the blobs of an OCI layout that nothing leads to any more, as they remain when names are
 * taken away or given to other images, and files that writers left behind which did not come to
 * their end.
 *
 * What `index.json` lists stays, named or not, with all that it leads to: indexes in indexes,
 * manifests, configs, layers, and whatever refers to them, such as signatures, listed or not. A
 * subject stays when something leads to it; that a signature speaks about it is not enough (image-spec,
 * "weak association"). Of a manifest of a kind that is not known, everything stays that it names by a
 * digest. Blobs may be missing. `index.json` is not changed.
 *
 * It can run beside pushes of lading, in any process: it holds the lock of `index.json`, what was
 * stored or found there within `minAgeMs` stays with all that it leads to, and a push that finds an
 * old blob makes it young, or stores it again. Other programs do not make what they find young.
 * Where it cannot be told what something leads to, nothing is deleted.
 *
 * Memory is some hundred bytes for each blob, and one manifest.
 *
 * @param fs Where the layout lives.
 * @param path The directory.
 * @param options The age, a dry run, a signal, and how the layout is opened.
 * @returns What went, and what stays.
 * @throws {NotFoundError} when there is no layout.
 * @throws {InvalidManifestError} when `index.json` or a manifest that something leads to is none.
 * @throws {DigestMismatchError} when such a manifest is damaged.
 * @throws {InvalidDigestError} when `index.json` leads to content by a digest that cannot be verified.
 * @throws {UnsafePathError} when the directory of blobs is a symbolic link, and so perhaps not that of
 * this layout alone.
 *
 * @example Delete what nothing leads to any more
 * ```ts
 * import { collectGarbage, memoryFileSystem, ociLayout } from "@lading/lading/store";
 * import { randomImage } from "@lading/lading/testing";
 *
 * const fs = memoryFileSystem();
 * const layout = ociLayout(fs, "images");
 * await (await randomImage("old")).pushTo(layout, "app");
 * await (await randomImage("new")).pushTo(layout, "app"); // takes the name away
 * const { deleted, kept } = await collectGarbage(fs, "images", { minAgeMs: 0 });
 * console.log(deleted.length > 0, kept > 0); // true true
 * ```
 */
export async function collectGarbage(
  fs: FileSystem,
  path: string,
  options: CollectGarbageOptions = {},
): Promise<GarbageResult> {
  const { isDryRun = false, signal, lockStaleAfterMs } = options;
  signal?.throwIfAborted();
  const context = layoutContext(fs, path, `OCI layout ${JSON.stringify(path)}`, options);
  const collection = new Collection(context, options);
  // What is no layout gets no lock.
  await readLayout(context);
  if (isDryRun) return await collection.plan();
  await replaceLocked(indexLock(context, lockStaleAfterMs), async () => {
    await collection.run();
    return undefined;
  }, () => signal?.aborted !== true);
  signal?.throwIfAborted();
  return collection.result();
}

/** What is there that nothing leads to. */
interface Garbage {
  readonly blobs: readonly StoredBlob[];
  /** What stays, in numbers. */
  readonly counts: Pick<GarbageResult, "kept" | "bytesKept" | "young" | "bytesYoung">;
  /** What `index.json` was when it was read. */
  readonly state: string;
}

/** One collection of the garbage of one layout. */
class Collection {
  readonly #context: LayoutContext;
  readonly #options: CollectGarbageOptions;
  readonly #minAgeMs: number;
  /** What went before the lock was lost counts too. */
  readonly #deleted = new Map<string, number>();
  readonly #leftovers = new Map<string, number>();
  #counts: Garbage["counts"] = { kept: 0, bytesKept: 0, young: 0, bytesYoung: 0 };

  constructor(context: LayoutContext, options: CollectGarbageOptions) {
    this.#context = context;
    this.#options = options;
    this.#minAgeMs = options.minAgeMs ?? MAX_WRITING_MS;
  }

  result(): GarbageResult {
    const bytes = [...this.#deleted.values(), ...this.#leftovers.values()];
    return {
      deleted: [...this.#deleted].map(([digest, size]) => ({ digest, size })),
      leftovers: [...this.#leftovers.keys()],
      bytesDeleted: bytes.reduce((sum, size) => sum + size, 0),
      ...this.#counts,
    };
  }

  /** Tells what would go. */
  async plan(): Promise<GarbageResult> {
    const { blobs, counts } = await this.#find(this.#blobs());
    for (const { digest, size } of blobs) this.#deleted.set(digest, size);
    for (const { path, size } of await this.#oldFiles()) this.#leftovers.set(path, size);
    this.#counts = counts;
    return this.result();
  }

  /** Deletes what nothing leads to; begins again when somebody who takes no locks lists something. */
  async run(): Promise<void> {
    for (;;) {
      const blobs = this.#blobs();
      const garbage = await this.#find(blobs);
      this.#counts = garbage.counts;
      if (await this.#delete(blobs, garbage)) break;
    }
    for (const { path, size } of await this.#oldFiles()) {
      await quietly(this.#context.fs.remove(path, { recursive: true }));
      this.#leftovers.set(path, size);
    }
  }

  #blobs(): LayoutBlobs {
    return new LayoutBlobs(this.#context, this.#options.hasher);
  }

  async #find(blobs: LayoutBlobs): Promise<Garbage> {
    await this.#checkDirectories();
    const { signal } = this.#options;
    const state = await this.#state();
    const { manifests } = await readLayout(this.#context);
    const stored: StoredBlob[] = [];
    for await (const blob of blobs.files()) stored.push(blob);
    const reach = new Reach(blobs, this.#context.place, signal);
    await reach.add(manifests);
    const referrers = await reach.referrersAmong(stored);
    await reach.addReferrers(referrers);
    const led = new Set(reach.found);
    for (const blob of stored) if (isYounger(blob, this.#minAgeMs)) await reach.addStray(blob);
    await reach.addReferrers(referrers);
    const kept = stored.filter(({ digest }) => reach.found.has(digest));
    const young = kept.filter(({ digest }) => !led.has(digest));
    const garbage = stored.filter(({ digest }) => !reach.found.has(digest));
    // A manifest goes before what it is made of: whatever happens, none stays without that.
    const order: { readonly blob: StoredBlob; readonly level: number }[] = [];
    for (const blob of garbage) order.push({ blob, level: await reach.levelOf(blob) });
    order.sort((a, b) => b.level - a.level);
    return {
      blobs: order.map(({ blob }) => blob),
      counts: {
        kept: kept.length,
        bytesKept: bytesOf(kept),
        young: young.length,
        bytesYoung: bytesOf(young),
      },
      state,
    };
  }

  async #delete(blobs: LayoutBlobs, { blobs: garbage, state }: Garbage): Promise<boolean> {
    for (const blob of garbage) {
      this.#options.signal?.throwIfAborted();
      if (await this.#state() !== state) return false;
      if (await blobs.collect(blob)) this.#deleted.set(blob.digest, blob.size);
    }
    return true;
  }

  /** Tells whether `index.json` was replaced, by its time and size. */
  async #state(): Promise<string> {
    const { fs, path } = this.#context;
    const info = await fs.stat(joinPath(path, INDEX));
    return `${info?.mtimeMs} ${info?.size}`;
  }

  async #checkDirectories(): Promise<void> {
    const { fs, path } = this.#context;
    for (const name of ["blobs", ...BLOB_ALGORITHMS.map((algorithm) => `blobs/${algorithm}`)]) {
      const directory = joinPath(path, name);
      const info = await fs.stat(directory, { followLinks: false });
      if (info?.type !== "symlink") continue;
      const reason = "it is a symbolic link, and other layouts may have their blobs there too";
      throw new UnsafePathError(`Cannot collect garbage of "${directory}": ${reason}`, {
        path: directory,
        reason,
      });
    }
  }

  async #oldFiles(): ReturnType<typeof leftovers> {
    const { fs, path } = this.#context;
    const found = await leftovers(
      { fs },
      path,
      this.#minAgeMs,
      TEMPORARY_PREFIX,
      claimPrefix(INDEX),
    );
    for (const algorithm of BLOB_ALGORITHMS) {
      const directory = joinPath(path, `blobs/${algorithm}`);
      if (await fs.stat(directory) === undefined) continue;
      found.push(...await leftovers({ fs }, directory, this.#minAgeMs, TEMPORARY_PREFIX));
    }
    return found;
  }
}

function bytesOf(blobs: readonly StoredBlob[]): number {
  return blobs.reduce((sum, { size }) => sum + size, 0);
}
