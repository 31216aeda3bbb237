import { withSignal } from "../bytes/signal.ts";
import { type Feed, feedOf, streamOfFeed, tapped } from "../bytes/feed.ts";
import { limited } from "../bytes/limit.ts";
import { hasProof } from "../bytes/lineage.ts";
import type { LayerThreads } from "../compress/layer_threads.ts";
import { readArchive } from "../compress/read_archive.ts";
import { type KernelChoice, stagesOf } from "../compress/stages.ts";
import type { HashAlgorithm } from "../hash/hasher.ts";
import type { ByteStream } from "../model/bytes.ts";
import type { CallOptions, ContentSource } from "../model/content.ts";
import type { Descriptor } from "../model/descriptor.ts";
import { digestAlgorithm, formatDigest } from "../model/digest.ts";
import { DigestMismatchError } from "../model/errors.ts";
import type { EntryFeed, FedEntry } from "../tar/entry_feed.ts";
import { EntryReader } from "../tar/entry_reader.ts";
import { readEntries } from "../tar/read_entries.ts";
import type { TarEntry } from "../tar/reader.ts";
import { isArchiveSource, openArchive } from "./_archive_source.ts";
import { cut } from "./_cut.ts";
import { Memo } from "./_memo.ts";

/** Options of the reading methods of a {@linkcode Layer}. */
export interface LayerReadOptions extends CallOptions {
  /**
   * The most bytes that the layer may have when it is decompressed, and the most zeros that the holes
   * of its sparse files may come to when they are read; default 64 GiB.
   */
  readonly maxOutputBytes?: number | undefined;
  /** Who inflates and hashes; default `"host"`. The results are the same. */
  readonly kernel?: KernelChoice | undefined;
  /** Threads to inflate and hash in; default none. The results are the same. */
  readonly threads?: LayerThreads | undefined;
}

/** A layer of an image. It is read from its source each time it is asked for; memory is fixed. */
export interface Layer {
  /**
   * Gives the descriptor of the layer as it is stored.
   *
   * @returns Media type, digest and size of the stored bytes.
   */
  descriptor(): Descriptor;
  /**
   * Gives the digest of the uncompressed layer. Where the image has no config that names it, the
   * layer is read once to compute it.
   *
   * @param options A signal.
   * @returns The digest.
   */
  diffID(options?: LayerReadOptions): Promise<string>;
  /**
   * Opens the layer as it is stored.
   *
   * @param options A signal, which also ends the stream.
   * @returns The bytes; errors instead of closing when size or digest do not match.
   */
  compressed(options?: CallOptions): Promise<ByteStream>;
  /**
   * Opens the layer decompressed, by its first bytes, whatever its media type says. The stream
   * ends only when the stored bytes have ended and are proved, and the diffID of the config is
   * proved.
   *
   * @param options A signal, which also ends the stream, and a limit.
   * @returns The tar archive; errors with {@linkcode DigestMismatchError} instead of closing when
   * the diffID does not match.
   */
  uncompressed(options?: LayerReadOptions): Promise<ByteStream>;
  /**
   * Reads the entries of the layer as they are: whiteouts included, duplicates in order. When the
   * loop runs to its end, digest and diffID are proved, also of what follows the end of the
   * archive. Leaving the loop early cancels the source, and nothing of what was seen is proved.
   *
   * It is one pass: what is read of a chunk is read where it was inflated to, and nothing is copied
   * but what is asked for. {@linkcode TarEntry.lend} gives contents without copying them.
   *
   * @param options A signal, a limit, and who does the work.
   * @returns The entries; an entry's body has to be read before the next entry is asked for.
   */
  entries(options?: LayerReadOptions): AsyncGenerator<TarEntry, void, undefined>;
}

/**
 * Makes the view of a layer in a source.
 *
 * @param source Where the layer is.
 * @param descriptor What it is.
 * @param diffID The digest of the uncompressed layer, where the config names it.
 * @returns The view; nothing is read yet.
 */
export function openLayer(
  source: ContentSource,
  descriptor: Descriptor,
  diffID?: string,
): Layer {
  return new SourceLayer(source, descriptor, diffID);
}

/**
 * Gives the place where a layer can be fetched from by its descriptor.
 *
 * @param layer A layer of any image.
 * @returns Its source; one that reads the layer itself when it is no view of a source.
 */
export function layerContent(layer: Layer): ContentSource {
  return SourceLayer.sourceOf(layer) ?? {
    exists: () => Promise.resolve(true),
    fetch: async (_, options = {}) => {
      const { range, signal } = options;
      const stream = await layer.compressed({ signal });
      return cut(stream, range, layer.descriptor().size);
    },
  };
}

/**
 * Gives the entries of a layer as {@linkcode Layer.entries} does, without its promises.
 *
 * @param layer A layer of any image.
 * @param options A signal, a limit, and who does the work.
 * @returns The entries.
 */
export function entryFeed(layer: Layer, options: LayerReadOptions): EntryFeed<FedEntry> {
  const reader = SourceLayer.feedOf(layer, options);
  if (reader !== undefined) return reader;
  const entries = layer.entries(options);
  return {
    async next() {
      const { value } = await entries.next();
      return value ?? undefined;
    },
    cancel: async () => void await entries.return(),
  };
}

/** A layer that is stored in a source, not made when it is read. */
export interface StoredLayer {
  /** The diffID that it is proved against, where the image has a config that names it. */
  readonly diffID: string | undefined;
  /**
   * Reads its entries as {@linkcode entryFeed} does.
   *
   * @param gunzip Decompresses it when it is gzip.
   * @param options A signal.
   */
  entries(gunzip: (source: Feed) => Feed, options: CallOptions): EntryFeed<FedEntry>;
}

/**
 * Gives what a layer is that is stored.
 *
 * @param layer A layer of any image.
 * @returns The same layer; nothing when it is made when it is read, or is no view of a source.
 */
export function storedLayer(layer: Layer): StoredLayer | undefined {
  return SourceLayer.storedOf(layer);
}

interface PassOptions extends LayerReadOptions {
  /** Decompresses gzip; default the kernel. */
  readonly gunzip?: ((source: Feed) => Feed) | undefined;
}

class SourceLayer implements Layer {
  /** Tells where a layer is, when it is a view of a source. */
  static sourceOf(layer: object): ContentSource | undefined {
    return #source in layer ? layer.#source : undefined;
  }

  /** Gives what a layer is, when it is a view of a source that stores it. */
  static storedOf(layer: object): StoredLayer | undefined {
    if (!(#source in layer) || isArchiveSource(layer.#source)) return undefined;
    return {
      diffID: layer.#expected,
      entries: (gunzip, options) => layer.#reader({ ...options, gunzip }),
    };
  }

  /** Gives the entries of a layer, when it is a view of a source. */
  static feedOf(layer: object, options: LayerReadOptions): EntryReader | undefined {
    return #source in layer ? layer.#reader(options) : undefined;
  }

  readonly #source: ContentSource;
  readonly #descriptor: Descriptor;
  readonly #expected: string | undefined;
  readonly #computed = new Memo<string>();
  /** Whether it was seen that the stored bytes decompress to what the config says. */
  #isProved = false;

  constructor(source: ContentSource, descriptor: Descriptor, diffID: string | undefined) {
    this.#source = source;
    this.#descriptor = descriptor;
    this.#expected = diffID;
  }

  descriptor(): Descriptor {
    return this.#descriptor;
  }

  async diffID(options: LayerReadOptions = {}): Promise<string> {
    if (this.#expected !== undefined) return this.#expected;
    return await this.#computed.get(async (signal) => {
      const hasher = stagesOf(options.kernel).hasher("sha256");
      const plain = await this.#plain({ ...options, signal });
      for (let piece = await plain.next(); piece !== undefined; piece = await plain.next()) {
        await hasher.update(piece);
      }
      return formatDigest("sha256", await hasher.digest());
    }, options.signal);
  }

  async compressed(options: CallOptions = {}): Promise<ByteStream> {
    const { signal } = options;
    return withSignal(await this.#source.fetch(this.#descriptor, { signal }), signal);
  }

  async uncompressed(options: LayerReadOptions = {}): Promise<ByteStream> {
    return streamOfFeed(await this.#plain(options));
  }

  entries(options: LayerReadOptions = {}): AsyncGenerator<TarEntry, void, undefined> {
    return readEntries(this.#reader(options), () => {});
  }

  #reader(options: PassOptions): EntryReader {
    return new EntryReader(() => this.#plain(options), { maxHoleBytes: options.maxOutputBytes });
  }

  /**
   * Makes the one pass over the layer: each chunk of the source is inflated, checked and hashed
   * piece by piece in the memory of the kernel, and whoever reads the pieces sees them there.
   */
  async #plain(options: PassOptions): Promise<Feed> {
    const { signal } = options;
    const expected = this.#expected;
    const algorithm = expected === undefined ? undefined : digestAlgorithm(expected);
    const archive = await openArchive(this.#source, this.#descriptor, { signal });
    return archive === undefined
      ? this.#decompressed(await this.compressed({ signal }), algorithm, options)
      : this.#made(withSignal(archive, signal), algorithm, options);
  }

  #decompressed(
    stored: ByteStream,
    algorithm: HashAlgorithm | undefined,
    options: PassOptions,
  ): Feed {
    // Bytes that are proved decompress to the same each time: then the diffID is proved once.
    const isSame = hasProof(stored, this.#descriptor, undefined);
    const isKnown = isSame && this.#isProved;
    const { size } = this.#descriptor;
    return readArchive(
      stored,
      { ...options, size, algorithm: isKnown ? undefined : algorithm },
      {
        end: ({ digest }) => {
          if (digest === undefined) return;
          this.#check(digest);
          this.#isProved = isSame;
        },
      },
    );
  }

  #made(
    archive: ByteStream,
    algorithm: HashAlgorithm | undefined,
    { maxOutputBytes, kernel }: LayerReadOptions,
  ): Feed {
    const plain = feedOf(bounded(archive, maxOutputBytes));
    if (algorithm === undefined) return plain;
    const hasher = stagesOf(kernel).hasher(algorithm);
    return tapped(plain, {
      piece: (piece) => hasher.update(piece),
      end: async () => this.#check(formatDigest(algorithm, await hasher.digest())),
    });
  }

  /** Compares the digest of the uncompressed layer with what the config says. */
  #check(actual: string): void {
    const expected = this.#expected;
    if (expected === undefined || actual === expected) return;
    throw new DigestMismatchError(
      `Cannot read the layer ${this.#descriptor.digest}: uncompressed it has the digest ` +
        `${actual}, but the config says ${expected}`,
      { expected, actual, descriptor: this.#descriptor },
    );
  }
}

/** A layer that is made here is no attack; a limit that somebody gives counts all the same. */
function bounded(archive: ByteStream, maxBytes: number | undefined): ByteStream {
  return maxBytes === undefined ? archive : limited(archive, maxBytes, "the layer");
}
