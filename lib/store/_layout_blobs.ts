import { iterate } from "../bytes/iterate.ts";
import { freeChunk, ownsChunks } from "../bytes/lineage.ts";
import { openSource } from "../bytes/source.ts";
import { withSignal } from "../bytes/signal.ts";
import { verified, verifyBytes } from "../bytes/verify.ts";
import type { HasherFactory } from "../hash/hasher.ts";
import type { Bytes, ByteSource, ByteStream } from "../model/bytes.ts";
import type { FetchOptions } from "../model/content.ts";
import type { Descriptor } from "../model/descriptor.ts";
import { digestAlgorithm, isDigest, parseDigest } from "../model/digest.ts";
import { NotFoundError } from "../model/errors.ts";
import { MAX_MANIFEST_BYTES } from "../model/manifest.ts";
import { failedBecause, joinPath, quietly, streamFile, uniqueName } from "./_files.ts";
import {
  checkThere,
  FileBeside,
  type LayoutContext,
  refusedLink,
  TEMPORARY_PREFIX,
  writeBeside,
} from "./_layout_files.ts";
import { type ManifestFacts, manifestFacts } from "./_manifest_facts.ts";
import { spanOf } from "../bytes/span.ts";
import { checkSize } from "./_check_size.ts";
import type { RandomAccess } from "./random_access.ts";
import { stagedBeside, StagedUpload, UPLOAD_ALGORITHM } from "./_staged_upload.ts";
import { UNKNOWN_BYTES } from "./_write_behind.ts";

/** The directories of blobs: one for each algorithm. */
export const BLOB_ALGORITHMS = ["sha256", "sha512"] as const;

/** A blob that is there. */
export interface StoredBlob extends Pick<Descriptor, "digest" | "size"> {
  /** When it was written, or somebody was about to name it. */
  readonly mtimeMs: number;
}

/** The blobs of a layout: `blobs/<algorithm>/<hex>`. */
export class LayoutBlobs {
  readonly #context: LayoutContext;
  readonly #hasher: HasherFactory | undefined;
  /** What is in a blob never changes; `null` is for blobs that are no manifests. */
  readonly #facts = new Map<string, ManifestFacts | null>();

  constructor(context: LayoutContext, hasher: HasherFactory | undefined) {
    this.#context = context;
    this.#hasher = hasher;
  }

  /** The directory of the blobs of one algorithm. */
  directoryOf(algorithm: string): string {
    return joinPath(this.#context.path, `blobs/${algorithm}`);
  }

  #pathOf(digest: string): string {
    // Checks the grammar and the length too: nothing else may become a path (CVE-2024-3727).
    return joinPath(this.directoryOf(digestAlgorithm(digest)), parseDigest(digest).encoded);
  }

  #nameOf(digest: string): string {
    return `${digest} of ${this.#context.place}`;
  }

  /** The size of a blob that is a file as it should be. */
  async sizeOf(digest: string): Promise<number | undefined> {
    const { fs, followLinks } = this.#context;
    const info = await fs.stat(this.#pathOf(digest), { followLinks });
    return info?.type === "file" ? info.size : undefined;
  }

  /** Refuses a blob that is absent or of another size. */
  async check(target: Descriptor): Promise<void> {
    const file = await this.#open(target.digest);
    await file.close();
    checkSize(file.size, target, this.#nameOf(target.digest));
  }

  /** Opens a blob, to be proved while it is read. */
  async read(target: Descriptor, { range, signal }: FetchOptions): Promise<ByteStream> {
    const file = await this.#open(target.digest);
    try {
      const what = this.#nameOf(target.digest);
      checkSize(file.size, target, what);
      const content = streamFile(file, spanOf(range, file.size));
      const isWhole = range === undefined;
      return withSignal(
        isWhole ? verified(content, target, { hasher: this.#hasher, what }) : content,
        signal,
      );
    } catch (error) {
      await quietly(file.close());
      throw error;
    }
  }

  /** Writes a blob beside its place; the content is opened once there is a file for it. */
  async write(
    expected: Descriptor,
    content: ByteSource,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    const { algorithm, encoded } = parseDigest(expected.digest);
    const file = { name: encoded, size: expected.size };
    await writeBeside(this.#context, this.directoryOf(algorithm), file, async (write) => {
      const stream = withSignal(await openSource(content), signal);
      const proved = verified(stream, expected, {
        hasher: this.#hasher,
        what: `the content for ${this.#nameOf(expected.digest)}`,
      });
      const isOwner = ownsChunks(proved);
      for await (const chunk of iterate(proved)) {
        await write(chunk);
        if (isOwner) freeChunk(chunk);
      }
      signal?.throwIfAborted();
    });
  }

  /** Begins a blob that is named when all of it is there. */
  async stage(given: AbortSignal | undefined): Promise<StagedUpload> {
    const { place } = this.#context;
    const directory = this.directoryOf(UPLOAD_ALGORITHM);
    const file = await FileBeside.create(this.#context, directory, UNKNOWN_BYTES);
    const stage = stagedBeside(file, async ({ digest, size }) => {
      const isThere = await this.sizeOf(digest) === size && await this.renew(digest);
      return isThere ? undefined : parseDigest(digest).encoded;
    });
    return new StagedUpload(stage, { place, hasher: this.#hasher, given });
  }

  /** Makes a blob as young as a new one: who finds it is about to name it. Tells whether it is there. */
  async renew(digest: string): Promise<boolean> {
    try {
      await this.#context.fs.setAttributes(this.#pathOf(digest), { mtimeMs: Date.now() });
      return true;
    } catch (error) {
      // Where no time can be set, none can be old, and nothing is taken away.
      return !failedBecause(error, "not-found", "not-directory");
    }
  }

  /**
   * Takes a blob away, unless it was made younger since it was looked at.
   *
   * @returns Whether it is gone.
   */
  async collect({ digest, mtimeMs }: StoredBlob): Promise<boolean> {
    const { fs, owner } = this.#context;
    const { algorithm } = parseDigest(digest);
    const path = this.#pathOf(digest);
    const aside = joinPath(this.directoryOf(algorithm), TEMPORARY_PREFIX + uniqueName(owner));
    try {
      // From here on nobody finds it, so that nobody can rely on it any more.
      await fs.rename(path, aside);
    } catch (error) {
      if (failedBecause(error, "not-found", "not-directory")) return false;
      throw error;
    }
    if ((await fs.stat(aside, { followLinks: false }))?.mtimeMs !== mtimeMs) {
      await fs.rename(aside, path);
      return false;
    }
    this.#facts.delete(digest);
    await fs.remove(aside);
    return true;
  }

  /** Removes a blob; an absent one is no error. */
  async remove(digest: string): Promise<void> {
    this.#facts.delete(digest);
    try {
      await this.#context.fs.remove(this.#pathOf(digest));
    } catch (error) {
      if (!failedBecause(error, "not-found", "not-directory")) throw error;
    }
  }

  /** Lists the blobs by their names. */
  async *list(): AsyncGenerator<Pick<Descriptor, "digest" | "size">, void, undefined> {
    const { fs } = this.#context;
    for (const algorithm of BLOB_ALGORITHMS) {
      const directory = this.directoryOf(algorithm);
      if (await fs.stat(directory) === undefined) continue;
      for (const { name } of await fs.readDirectory(directory)) {
        const digest = `${algorithm}:${name}`;
        const size = isDigest(digest) ? await this.sizeOf(digest) : undefined;
        if (size !== undefined) yield { digest, size };
      }
    }
  }

  /** Lists the blobs that are files, and no links, with their times. */
  async *files(): AsyncGenerator<StoredBlob, void, undefined> {
    const { fs } = this.#context;
    for await (const { digest } of this.list()) {
      const info = await fs.stat(this.#pathOf(digest), { followLinks: false });
      if (info?.type === "file") yield { digest, size: info.size, mtimeMs: info.mtimeMs };
    }
  }

  /** Reads a manifest, proved by its digest; `undefined` when the blob is none, or absent. */
  async factsOf(digest: string): Promise<ManifestFacts | undefined> {
    const known = this.#facts.get(digest);
    if (known !== undefined) return known ?? undefined;
    if (await this.sizeOf(digest) === undefined) return undefined;
    const raw = await this.documentOf(digest);
    const facts = raw === undefined ? undefined : manifestFacts(raw);
    this.#facts.set(digest, facts ?? null);
    return facts;
  }

  /**
   * Reads a blob that may be a manifest, proved by its digest; `undefined` when it is too long for one,
   * or no JSON.
   */
  async documentOf(digest: string): Promise<Bytes | undefined> {
    const file = await this.#open(digest);
    try {
      if (file.size > MAX_MANIFEST_BYTES) return undefined;
      // Small layers are told from manifests by their first byte.
      const [first = 0] = await file.read(0, 1);
      if (!JSON_STARTS.has(first)) return undefined;
      const raw = await file.read(0, file.size);
      const expected = { mediaType: "application/json", digest, size: file.size };
      verifyBytes(raw, expected, { hasher: this.#hasher, what: this.#nameOf(digest) });
      return raw;
    } finally {
      await file.close();
    }
  }

  async #open(digest: string): Promise<RandomAccess> {
    const { fs, followLinks } = this.#context;
    const path = this.#pathOf(digest);
    try {
      return await fs.open(path, { followLinks });
    } catch (error) {
      if (!failedBecause(error, "not-found", "not-directory")) throw refusedLink(error, path);
      await checkThere(this.#context);
      throw new NotFoundError(`Cannot read ${this.#nameOf(digest)}: it is not there`, {
        cause: error,
      });
    }
  }
}

/** `{`, and the white space that JSON allows before it. */
export const JSON_STARTS: ReadonlySet<number> = new Set([0x7b, 0x20, 0x09, 0x0a, 0x0d]);
