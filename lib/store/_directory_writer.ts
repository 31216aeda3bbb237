import { iterate } from "../bytes/iterate.ts";
import { readAll } from "../bytes/read_all.ts";
import { withSignal } from "../bytes/signal.ts";
import { letGo, openSource } from "../bytes/source.ts";
import { verified } from "../bytes/verify.ts";
import type { Bytes, ByteSource, ByteStream } from "../model/bytes.ts";
import type { CallOptions, ContentUpload, FetchOptions, Root } from "../model/content.ts";
import type { Descriptor } from "../model/descriptor.ts";
import { isLadingError, LadingError, NotFoundError } from "../model/errors.ts";
import { childDescriptors, MAX_MANIFEST_BYTES } from "../model/manifest.ts";
import { parseManifest } from "../model/parse_manifest.ts";
import { checkSize } from "./_check_size.ts";
import { DirectoryContent } from "./_directory_content.ts";
import {
  blobFile,
  isOwnFile,
  isSignature,
  locate,
  MANIFEST,
  manifestFile,
  readManifest,
  VERSION,
  VERSION_TEXT,
} from "./_directory_files.ts";
import { failedBecause, joinPath, quietly } from "./_files.ts";
import {
  FileBeside,
  type LayoutContext,
  readSmall,
  sweep,
  TEMPORARY_PREFIX,
  writeBeside,
} from "./_layout_files.ts";
import { isResolvable } from "./_manifest_facts.ts";
import { findByName, isNameFor, noSuchReference } from "./_names.ts";
import { type FileSystem, FileSystemError } from "./file_system.ts";
import { stagedBeside, StagedUpload } from "./_staged_upload.ts";
import { UNKNOWN_BYTES } from "./_write_behind.ts";
import type {
  ImageDirectoryTarget,
  ImageDirectoryTargetOptions,
} from "./image_directory_target.ts";

/** Writes the directory of an image. */
export class DirectoryWriter implements ImageDirectoryTarget {
  readonly #context: LayoutContext;
  readonly #content: DirectoryContent;
  readonly #options: ImageDirectoryTargetOptions;
  readonly #given = new AbortController();
  readonly #changes = new Set<Promise<unknown>>();
  readonly #tagged = new Map<string, Descriptor>();
  /** What is removed when this is given up. */
  readonly #written = new Set<string>();
  #isCreated = false;
  #state: "open" | "closing" | "ended" = "open";
  #prepared: Promise<void> | undefined;

  constructor(fs: FileSystem, path: string, options: ImageDirectoryTargetOptions) {
    this.#options = options;
    this.#context = {
      fs,
      path,
      place: `image directory ${JSON.stringify(path)}`,
      owner: "lading",
      followLinks: false,
      isDurable: options.isDurable ?? true,
    };
    this.#content = new DirectoryContent(this.#context, options.hasher);
  }

  async exists(target: Descriptor, options: CallOptions = {}): Promise<boolean> {
    this.#checkOpen();
    return await this.#content.exists(target, options);
  }

  async fetch(target: Descriptor, options: FetchOptions = {}): Promise<ByteStream> {
    this.#checkOpen();
    return await this.#content.fetch(target, options);
  }

  async resolve(reference: string, options: CallOptions = {}): Promise<Descriptor> {
    this.#checkOpen();
    options.signal?.throwIfAborted();
    const { place } = this.#context;
    const named = [...this.#tagged].map(([name, descriptor]) => {
      return { name, descriptor, digest: descriptor.digest };
    });
    const found = findByName(named, reference, place)?.descriptor;
    return found ?? await this.#content.resolve(reference, options);
  }

  async *roots(options: CallOptions = {}): AsyncGenerator<Root, void, undefined> {
    this.#checkOpen();
    options.signal?.throwIfAborted();
    for (const [name, descriptor] of [...this.#tagged]) {
      yield name === descriptor.digest ? { descriptor } : { descriptor, reference: name };
    }
  }

  async push(expected: Descriptor, content: ByteSource, options: CallOptions = {}): Promise<void> {
    await this.#tracked(this.#push(expected, content, this.#signalFor(options)));
  }

  async startUpload(options: CallOptions = {}): Promise<ContentUpload> {
    return await this.#tracked(this.#startUpload(this.#signalFor(options)));
  }

  async tag(target: Descriptor, reference: string, options: CallOptions = {}): Promise<void> {
    await this.#tracked(this.#tag(target, reference, this.#signalFor(options)));
  }

  async close(options: CallOptions = {}): Promise<void> {
    options.signal?.throwIfAborted();
    if (this.#state === "ended") return;
    this.#checkOpen();
    this.#state = "closing";
    try {
      await Promise.allSettled(this.#changes);
      const [image, other] = new Map([...this.#tagged.values()].map((root) => [root.digest, root]))
        .values();
      if (other !== undefined) {
        throw new LadingError(
          "UNSUPPORTED_PLACE",
          `Cannot write to ${this.#context.place}: it holds one image, not several`,
        );
      }
      if (image === undefined) await this.#removeWritten();
      else await this.#commit(image, this.#signalFor(options));
      this.#state = "ended";
    } catch (error) {
      this.#state = "open";
      throw error;
    }
  }

  async abort(reason?: unknown): Promise<void> {
    if (this.#state === "ended") return;
    this.#given.abort(reason);
    await Promise.allSettled([...this.#changes]);
    this.#state = "ended";
    await this.#removeWritten();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.abort();
  }

  async #push(expected: Descriptor, content: ByteSource, signal: AbortSignal): Promise<void> {
    try {
      const { digest, mediaType, size } = expected;
      const name = isResolvable(mediaType) ? manifestFile(digest) : blobFile(digest);
      await this.#ready(signal);
      if (await this.#content.exists(expected)) return await letGo(content);
      this.#written.add(name);
      await writeBeside(this.#context, this.#context.path, { name, size }, async (write) => {
        const stream = withSignal(await openSource(content), signal);
        const proved = verified(stream, expected, {
          hasher: this.#options.hasher,
          what: `the content for ${digest} of ${this.#context.place}`,
        });
        for await (const chunk of iterate(proved)) await write(chunk);
        signal.throwIfAborted();
      });
    } catch (error) {
      await letGo(content, error);
      throw error;
    }
  }

  async #startUpload(signal: AbortSignal): Promise<ContentUpload> {
    await this.#ready(signal);
    const { path, place } = this.#context;
    const file = await FileBeside.create(this.#context, path, UNKNOWN_BYTES);
    const stage = stagedBeside(file, async (content) => {
      if (await this.#content.exists(content)) return undefined;
      const name = blobFile(content.digest);
      this.#written.add(name);
      return name;
    });
    const { hasher } = this.#options;
    const upload = new StagedUpload(stage, { place, hasher, given: this.#given.signal });
    this.#tracked(upload.ended);
    return upload;
  }

  /** Makes sure that there is a directory to write to. */
  async #ready(signal: AbortSignal): Promise<void> {
    this.#checkOpen();
    signal.throwIfAborted();
    await (this.#prepared ??= this.#prepare().catch((error) => {
      this.#prepared = undefined;
      throw error;
    }));
  }

  async #tag(target: Descriptor, reference: string, signal: AbortSignal): Promise<void> {
    this.#checkOpen();
    signal.throwIfAborted();
    const what = `${target.digest} of ${this.#context.place}`;
    isNameFor(target, reference);
    const found = await locate(this.#context, target);
    if (found === undefined) throw new NotFoundError(`Cannot tag ${what}: it is not there`);
    checkSize(found.size, target, what);
    if (!isResolvable(target.mediaType)) throw noSuchReference(target.digest, this.#context.place);
    this.#tagged.set(reference, target);
  }

  /** Puts the image in the place of the one that is there. */
  async #commit(image: Descriptor, signal: AbortSignal): Promise<void> {
    const kept = new Set<string>();
    await this.#collect(image, kept);
    const raw = await readAll(await this.#content.fetch(image, { signal }), {
      maxBytes: MAX_MANIFEST_BYTES,
      what: image.digest,
      signal,
    });
    const isSame = await this.#digestBefore() === image.digest;
    if (!isSame) await this.#writeManifest(image, raw);
    this.#keepWritten();
    await this.#removeFiles((name) => {
      if (isSignature(name)) return !isSame;
      const [of = ""] = name.split(".signature-");
      return isOwnFile(name) && !kept.has(of);
    });
  }

  async #writeManifest(image: Descriptor, raw: Bytes): Promise<void> {
    const { path } = this.#context;
    try {
      const file = { name: MANIFEST, size: raw.byteLength };
      await writeBeside(this.#context, path, file, (write) => write(raw));
    } catch (error) {
      // The rename may have worked, and what came after it failed.
      const digest = await this.#digestBefore().catch(() => image.digest);
      if (digest === image.digest) this.#keepWritten();
      throw error;
    }
  }

  /** From here on the image is there: giving up takes nothing of it away. */
  #keepWritten(): void {
    this.#written.clear();
    this.#isCreated = false;
  }

  /** The digest of the image that is there; `undefined` when there is none that can be read. */
  async #digestBefore(): Promise<string | undefined> {
    try {
      return (await readManifest(this.#context))?.descriptor.digest;
    } catch (error) {
      if (isLadingError(error) && !(error instanceof FileSystemError)) return undefined;
      throw error;
    }
  }

  /** Lists the files of an image beside its manifest. */
  async #collect(manifest: Descriptor, kept: Set<string>): Promise<void> {
    const raw = await readAll(await this.#content.fetch(manifest), {
      maxBytes: MAX_MANIFEST_BYTES,
      what: manifest.digest,
    });
    const children = childDescriptors(parseManifest(raw, manifest.mediaType));
    for (const child of children) {
      if (!isResolvable(child.mediaType)) kept.add(blobFile(child.digest));
      else if (!kept.has(manifestFile(child.digest))) {
        kept.add(manifestFile(child.digest)).add(blobFile(child.digest));
        if (await this.#content.exists(child)) await this.#collect(child, kept);
      }
    }
  }

  /** Makes sure that there is a directory, and that nothing else is in it. */
  async #prepare(): Promise<void> {
    const { fs, path, place } = this.#context;
    const info = await fs.stat(path);
    if (info === undefined) {
      await fs.makeDirectory(path, { recursive: true });
      this.#isCreated = true;
    }
    await sweep(this.#context, path, TEMPORARY_PREFIX);
    const names = (await fs.readDirectory(path)).map(({ name }) => name)
      .filter((name) => !name.startsWith(TEMPORARY_PREFIX));
    const raw = await readSmall(this.#context, VERSION, MAX_MANIFEST_BYTES);
    if (raw !== undefined && new TextDecoder().decode(raw) === VERSION_TEXT) return;
    if (names.length > 0) {
      throw new LadingError(
        "UNSUPPORTED_PLACE",
        `Cannot write to ${place}: something else is there; give an empty directory or a new one`,
      );
    }
    const version = new TextEncoder().encode(VERSION_TEXT);
    const file = { name: VERSION, size: version.byteLength };
    await writeBeside(this.#context, path, file, (write) => write(version));
  }

  async #removeFiles(isUnwanted: (name: string) => boolean): Promise<void> {
    const { fs, path } = this.#context;
    for (const { name, type } of await fs.readDirectory(path)) {
      if (type === "file" && isUnwanted(name)) await fs.remove(joinPath(path, name));
    }
  }

  /** Leaves what was there before. */
  async #removeWritten(): Promise<void> {
    const { fs, path } = this.#context;
    for (const name of this.#written) {
      try {
        await fs.remove(joinPath(path, name));
      } catch (error) {
        if (!failedBecause(error, "not-found")) throw error;
      }
    }
    this.#written.clear();
    if (!this.#isCreated) return;
    const names = (await fs.readDirectory(path)).map(({ name }) => name);
    // Somebody may have put something into it, and then it stays what it says that it is.
    if (names.some((name) => name !== VERSION)) return;
    await quietly(fs.remove(path, { recursive: true }));
  }

  /** Closing waits for what is under way. */
  async #tracked<Value>(change: Promise<Value>): Promise<Value> {
    this.#changes.add(change);
    try {
      return await change;
    } finally {
      this.#changes.delete(change);
    }
  }

  #signalFor({ signal }: CallOptions): AbortSignal {
    const given = this.#given.signal;
    return signal === undefined ? given : AbortSignal.any([given, signal]);
  }

  #checkOpen(): void {
    if (this.#state === "open") return;
    throw new TypeError(`Cannot use ${this.#context.place}: it is closed`);
  }
}
