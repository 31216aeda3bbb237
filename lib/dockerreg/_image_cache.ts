import { iterate } from "../bytes/iterate.ts";
import { readAll } from "../bytes/read_all.ts";
import { withSignal } from "../bytes/signal.ts";
import { type Span, spanOf } from "../bytes/span.ts";
import { streamFrom } from "../bytes/stream_from.ts";
import { verified } from "../bytes/verify.ts";
import type { Bytes, ByteStream } from "../model/bytes.ts";
import type { CallOptions, ContentSource, FetchOptions } from "../model/content.ts";
import type { Descriptor } from "../model/descriptor.ts";
import { digestAlgorithm, parseDigest } from "../model/digest.ts";
import { isLadingError, NotFoundError } from "../model/errors.ts";
import { MAX_MANIFEST_BYTES } from "../model/manifest.ts";
import { type FileSystem, FileSystemError } from "../store/file_system.ts";

/** How much of a file is read at once. */
const CHUNK_BYTES = 128 * 1024;

/**
 * An image in files: `<base>.manifest`, and `<base>.<hex>` for the config and each layer, named by
 * their digests. Files appear whole, by renaming; what is read is proved each time.
 */
export class ImageCache implements ContentSource {
  readonly #files: FileSystem;
  readonly #base: string;

  constructor(files: FileSystem, base: string) {
    if (base === "" || base.endsWith("/")) {
      throw new TypeError("Cannot cache the image: give the beginning of file names, such as app");
    }
    this.#files = files;
    this.#base = base;
  }

  /** Reads the manifest; `undefined` when there is none. */
  async readManifest(options: CallOptions): Promise<Bytes | undefined> {
    const size = await this.#sizeOf("manifest");
    if (size === undefined) return undefined;
    const what = `the manifest ${this.#base}.manifest`;
    const content = this.#read("manifest", { start: 0, end: size });
    return await readAll(content, { maxBytes: MAX_MANIFEST_BYTES, what, ...options });
  }

  /** Replaces the manifest unless it is the same. */
  async writeManifest(raw: Bytes, options: CallOptions): Promise<void> {
    if (await this.#sizeOf("manifest") === raw.byteLength) {
      const present = await this.readManifest(options);
      if (present?.every((byte, index) => byte === raw[index])) return;
    }
    await this.#write("manifest", streamFrom([raw]), options);
  }

  /** Tells whether content is there, of the right size. */
  async exists(target: Descriptor): Promise<boolean> {
    return await this.sizeOf(target.digest) === target.size;
  }

  /** The size of content that is there. */
  async sizeOf(digest: string): Promise<number | undefined> {
    return await this.#sizeOf(nameOf(digest));
  }

  /** Describes content of which only the digest is known. */
  async resolveBlob(digest: string): Promise<Descriptor> {
    const size = await this.sizeOf(digest) ?? this.#absent(digest);
    return { mediaType: "application/octet-stream", digest, size };
  }

  /** Opens content, to be proved while it is read. */
  async fetch(target: Descriptor, options: FetchOptions = {}): Promise<ByteStream> {
    const name = nameOf(target.digest);
    const size = await this.#sizeOf(name) ?? this.#absent(target.digest);
    const { range, signal } = options;
    const content = withSignal(this.#read(name, spanOf(range, size)), signal);
    const what = `${target.digest} of the cache ${this.#base}`;
    return range === undefined ? verified(content, target, { what }) : content;
  }

  /** Tells whether content is there and good; what is damaged is removed. */
  async isGood(target: Descriptor, options: CallOptions): Promise<boolean> {
    try {
      if (await this.exists(target)) {
        for await (const _ of iterate(await this.fetch(target, options)));
        return true;
      }
    } catch (error) {
      options.signal?.throwIfAborted();
      if (!isLadingError(error) || error instanceof FileSystemError) throw error;
    }
    await this.#remove(this.#pathOf(nameOf(target.digest)));
    return false;
  }

  /** Brings content in unless it is there and good. */
  async ensure(
    target: Descriptor,
    open: () => Promise<ByteStream>,
    options: CallOptions,
  ): Promise<void> {
    if (await this.isGood(target, options)) return;
    await this.#write(nameOf(target.digest), verified(await open(), target), options);
  }

  /**
   * Keeps content whose digest is not known before it has been read.
   *
   * @returns Gives it its name.
   */
  async keep(
    content: ByteStream,
    options: CallOptions,
  ): Promise<(digest: string) => Promise<void>> {
    const temporary = await this.#spool(content, options);
    return (digest) => this.#files.rename(temporary, this.#pathOf(nameOf(digest)));
  }

  #absent(digest: string): never {
    throw new NotFoundError(`Cannot read ${digest}: it is not in the cache ${this.#base}`);
  }

  #pathOf(name: string): string {
    return `${this.#base}.${name}`;
  }

  async #sizeOf(name: string): Promise<number | undefined> {
    const info = await this.#files.stat(this.#pathOf(name), { followLinks: false });
    return info?.type === "file" ? info.size : undefined;
  }

  /** Streams a part of a file, which is opened by the first read. */
  #read(name: string, span: Span): ByteStream {
    return streamFrom(chunksOf(this.#files, this.#pathOf(name), span));
  }

  async #remove(path: string): Promise<void> {
    try {
      await this.#files.remove(path);
    } catch (error) {
      if (!(error instanceof FileSystemError && error.reason === "not-found")) throw error;
    }
  }

  async #write(name: string, content: ByteStream, options: CallOptions): Promise<void> {
    const temporary = await this.#spool(content, options);
    await this.#files.rename(temporary, this.#pathOf(name));
  }

  /** Writes content beside its place; nothing stays behind when that fails. */
  async #spool(content: ByteStream, { signal }: CallOptions): Promise<string> {
    const [random = 0] = crypto.getRandomValues(new Uint32Array(1));
    const temporary = this.#pathOf(`tmp-${random.toString(16).padStart(8, "0")}`);
    const writer = await this.#files.create(temporary).catch((error) => {
      content.cancel(error).catch(() => {});
      throw error;
    });
    try {
      for await (const chunk of iterate(withSignal(content, signal))) await writer.write(chunk);
      await writer.sync();
      await writer.close();
      return temporary;
    } catch (error) {
      await writer.close().catch(() => {});
      await this.#files.remove(temporary).catch(() => {});
      throw error;
    }
  }
}

/** The last part of a file's name: the digest without its algorithm, which the length tells. */
function nameOf(digest: string): string {
  digestAlgorithm(digest);
  return parseDigest(digest).encoded;
}

async function* chunksOf(
  files: FileSystem,
  path: string,
  { start, end }: Span,
): AsyncGenerator<Bytes, void, undefined> {
  const file = await files.open(path, { followLinks: false });
  try {
    for (let at = start; at < end;) {
      const chunk = await file.read(at, Math.min(CHUNK_BYTES, end - at));
      // A file that became shorter ends here; size and digest are proved further on.
      if (chunk.byteLength === 0) return;
      at += chunk.byteLength;
      yield chunk;
    }
  } finally {
    await file.close();
  }
}
