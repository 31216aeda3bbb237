import { letGo } from "../bytes/source.ts";
import { iterate } from "../bytes/iterate.ts";
import type { ByteSource, ByteStream } from "../model/bytes.ts";
import type {
  CallOptions,
  ContentUpload,
  FetchOptions,
  ReferrersOptions,
  Root,
} from "../model/content.ts";
import type { Descriptor } from "../model/descriptor.ts";
import { NotFoundError } from "../model/errors.ts";
import { isDigestReference } from "../model/reference.ts";
import { type ArchiveFormat, nameIn } from "./_archive_documents.ts";
import { collectGraph, type GraphOptions } from "./_archive_graph.ts";
import { archiveTar } from "./_archive_tar.ts";
import type { ArchiveTarget, ArchiveTargetOptions } from "./archive_target.ts";
import { type FileSystem, FileSystemError } from "./file_system.ts";
import { baseName, directoryOf, failedBecause, joinPath, uniqueName } from "./_files.ts";
import { Layout } from "./_layout.ts";
import { sweep, writeBeside } from "./_layout_files.ts";
import { loadableImage } from "./_loadable_image.ts";
import { UNKNOWN_BYTES } from "./_write_behind.ts";

/** Where an archive is being made. */
interface Workshop {
  readonly fs: FileSystem;
  readonly directory: string;
}

/**
 * An archive that is being written:
 *
 *     .app.tar.lading-1f2e/layout/     what was pushed (in `temporary`, where that is given)
 *     .app.tar.lading-1f2e/archive     what is written of it by `close()`
 *     app.tar                          moved there
 */
export class ArchiveWriter implements ArchiveTarget {
  readonly #fs: FileSystem;
  readonly #path: string;
  readonly #place: string;
  readonly #format: ArchiveFormat;
  readonly #options: ArchiveTargetOptions;
  /** Beside the archive: only there a file can be moved to its place. */
  readonly #here: Workshop;
  /** Where content waits; the same, or on another file system. */
  readonly #waiting: Workshop;
  readonly #layout: Layout;
  readonly #given = new AbortController();
  readonly #changes = new Set<Promise<unknown>>();
  #prepared: Promise<void> | undefined;
  #closing: Promise<void> | undefined;
  #state: "open" | "closing" | "ended" = "open";

  constructor(fs: FileSystem, path: string, format: ArchiveFormat, options: ArchiveTargetOptions) {
    const name = `.${baseName(path)}.${uniqueName("lading")}`;
    this.#fs = fs;
    this.#path = path;
    this.#place = `${format === "oci" ? "OCI" : "docker"} archive ${JSON.stringify(path)}`;
    this.#format = format;
    this.#options = options;
    this.#here = { fs, directory: joinPath(directoryOf(path), name) };
    const { temporary } = options;
    this.#waiting = temporary === undefined
      ? this.#here
      : { fs: temporary.fileSystem, directory: joinPath(temporary.directory, name) };
    this.#layout = new Layout(
      this.#waiting.fs,
      joinPath(this.#waiting.directory, "layout"),
      this.#place,
      { hasher: options.hasher, isDurable: false },
    );
  }

  async exists(target: Descriptor, options: CallOptions = {}): Promise<boolean> {
    this.#checkOpen();
    return await this.#layout.exists(target, options);
  }

  async fetch(target: Descriptor, options: FetchOptions = {}): Promise<ByteStream> {
    this.#checkOpen();
    return await this.#layout.fetch(target, options);
  }

  async resolve(reference: string, options: CallOptions = {}): Promise<Descriptor> {
    this.#checkOpen();
    return await this.#layout.resolve(reference, options);
  }

  async *roots(options: CallOptions = {}): AsyncGenerator<Root, void, undefined> {
    this.#checkOpen();
    options.signal?.throwIfAborted();
    if (await this.#hasContent()) yield* this.#layout.roots(options);
  }

  async *referrers(
    subject: Descriptor,
    options: ReferrersOptions = {},
  ): AsyncGenerator<Descriptor, void, undefined> {
    this.#checkOpen();
    if (await this.#hasContent()) yield* this.#layout.referrers(subject, options);
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

  async delete(target: Descriptor, options: CallOptions = {}): Promise<void> {
    this.#checkOpen();
    await this.#tracked(this.#layout.delete(target, options));
  }

  async untag(reference: string, options: CallOptions = {}): Promise<void> {
    this.#checkOpen();
    await this.#tracked(this.#layout.untag(this.#nameOf(reference), options));
  }

  async close(options: CallOptions = {}): Promise<void> {
    options.signal?.throwIfAborted();
    if (this.#state === "ended") return;
    this.#closing ??= this.#finish(this.#signalFor(options)).finally(() => {
      this.#closing = undefined;
    });
    await this.#closing;
  }

  async abort(reason?: unknown): Promise<void> {
    this.#given.abort(reason);
    await Promise.allSettled([...this.#changes, this.#closing]);
    this.#state = "ended";
    await this.#layout.settled();
    await this.#clear();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.abort();
  }

  async #push(expected: Descriptor, content: ByteSource, signal: AbortSignal): Promise<void> {
    try {
      await this.#ready(signal);
    } catch (error) {
      await letGo(content, error);
      throw error;
    }
    await this.#layout.push(expected, content, { signal });
  }

  async #startUpload(signal: AbortSignal): Promise<ContentUpload> {
    await this.#ready(signal);
    const upload = await this.#layout.startUpload({ signal }, this.#given.signal);
    this.#tracked(upload.ended);
    return upload;
  }

  /** Makes sure that there is a place for content to wait. */
  async #ready(signal: AbortSignal): Promise<void> {
    this.#checkOpen();
    signal.throwIfAborted();
    this.#prepared ??= this.#prepare().catch((error) => {
      this.#prepared = undefined;
      throw error;
    });
    await this.#prepared;
  }

  async #tag(target: Descriptor, reference: string, signal: AbortSignal): Promise<void> {
    this.#checkOpen();
    signal.throwIfAborted();
    const name = this.#nameOf(reference);
    if (this.#format === "docker") await this.#checkLoadable(target, signal);
    await this.#layout.tag(target, name, { signal });
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

  #nameOf(reference: string): string {
    return isDigestReference(reference) ? reference : nameIn(this.#format, reference);
  }

  async #finish(signal: AbortSignal): Promise<void> {
    this.#state = "closing";
    try {
      await Promise.allSettled(this.#changes);
      await this.#write(signal);
      this.#state = "ended";
    } catch (error) {
      this.#state = "open";
      throw error;
    }
    await this.#clear();
  }

  async #write(signal: AbortSignal): Promise<void> {
    if (!await this.#hasContent()) return;
    const roots = await gather(this.#layout.roots({ signal }));
    if (roots.length === 0) return;
    const mediaType = "application/octet-stream";
    const others = await gather(this.#layout.contents());
    const archive = archiveTar(this.#layout, {
      ...this.#graphOptions(signal),
      roots: roots.sort(byName),
      others: others.map((content) => ({ mediaType, ...content })),
      format: this.#format,
      platform: this.#options.platform,
      place: this.#place,
    });
    const { directory } = this.#here;
    const isDurable = this.#options.isDurable ?? true;
    const context = { fs: this.#fs, owner: "lading", isDurable };
    const file = { name: "archive", size: UNKNOWN_BYTES };
    await writeBeside(context, directory, file, async (write) => {
      for await (const chunk of iterate(archive)) await write(chunk);
      signal.throwIfAborted();
    });
    await this.#fs.rename(joinPath(directory, file.name), this.#path);
    if (isDurable) await this.#fs.syncDirectory(directoryOf(this.#path));
  }

  /** Checks where the archive goes before anything is read for it. */
  async #prepare(): Promise<void> {
    const directory = directoryOf(this.#path);
    const info = await this.#fs.stat(directory);
    if (info?.type !== "directory") {
      throw new NotFoundError(`Cannot write ${this.#place}: its directory is not there`);
    }
    const there = await this.#fs.stat(this.#path);
    if (there !== undefined && there.type !== "file") {
      throw new FileSystemError(
        `Cannot write ${this.#place}: there is something of that name that is no file`,
        { reason: there.type === "directory" ? "is-directory" : "not-file", path: this.#path },
      );
    }
    const prefix = `.${baseName(this.#path)}.lading-`;
    const above = this.#options.temporary?.directory ?? directory;
    for (const [workshop, parent] of [[this.#here, directory], [this.#waiting, above]] as const) {
      await sweep(workshop, parent, prefix);
      await workshop.fs.makeDirectory(workshop.directory, { mode: 0o700, recursive: true });
    }
  }

  async #hasContent(): Promise<boolean> {
    return await this.#waiting.fs.stat(joinPath(this.#waiting.directory, "layout")) !== undefined;
  }

  async #checkLoadable(target: Descriptor, signal: AbortSignal): Promise<void> {
    const options = this.#graphOptions(signal);
    const graph = await collectGraph(this.#layout, [target], options);
    const { platform } = this.#options;
    const image = await loadableImage(this.#layout, graph, target, { ...options, platform });
    if (image instanceof Error) throw image;
  }

  #graphOptions(signal: AbortSignal | undefined): GraphOptions {
    return { isSparse: true, hasher: this.#options.hasher, signal };
  }

  #signalFor({ signal }: CallOptions): AbortSignal {
    const given = this.#given.signal;
    return signal === undefined ? given : AbortSignal.any([given, signal]);
  }

  #checkOpen(): void {
    if (this.#state === "open") return;
    throw new TypeError(`Cannot use ${this.#place}: it is closed`);
  }

  async #clear(): Promise<void> {
    for (const { fs, directory } of new Set([this.#here, this.#waiting])) {
      try {
        await fs.remove(directory, { recursive: true });
      } catch (error) {
        if (!failedBecause(error, "not-found")) throw error;
      }
    }
  }
}

async function gather<Item>(items: AsyncIterable<Item>): Promise<Item[]> {
  const gathered: Item[] = [];
  for await (const item of items) gathered.push(item);
  return gathered;
}

/** The order in which images were tagged depends on which copy was faster. */
function byName(a: Root, b: Root): number {
  const [left, right] = [keyOf(a), keyOf(b)];
  return left < right ? -1 : left > right ? 1 : 0;
}

function keyOf({ reference = "", descriptor }: Root): string {
  return `${reference} ${descriptor.digest}`;
}
