import { iterate } from "../../bytes/iterate.ts";
import { type Span, spanOf } from "../../bytes/span.ts";
import { streamFrom, streamOf } from "../../bytes/stream_from.ts";
import { verified } from "../../bytes/verify.ts";
import { digestBytes } from "../../hash/digest_bytes.ts";
import type { Bytes, ByteStream } from "../../model/bytes.ts";
import type { CallOptions, ContentSource, FetchOptions, Source } from "../../model/content.ts";
import type { Descriptor } from "../../model/descriptor.ts";
import { NotFoundError } from "../../model/errors.ts";

/** Opens a layer as it is stored. */
interface OpenLayer {
  open(options: CallOptions & { readonly size: number }): Promise<ByteStream>;
}

/** A converted image: manifest and config in memory, layers where they have always been. */
export class ConvertedV1Image implements Source {
  /** What the image was converted to. */
  readonly descriptor: Descriptor;
  readonly #documents: ReadonlyMap<string, Bytes>;
  readonly #layers: ReadonlyMap<string, OpenLayer>;
  readonly #store: ContentSource | undefined;

  /**
   * Takes over what was converted.
   *
   * @param descriptor The manifest.
   * @param documents Manifest and config.
   * @param layers The layers by their digests.
   * @param store Where layers may have been kept.
   * @ignore
   */
  constructor(
    descriptor: Descriptor,
    documents: readonly Bytes[],
    layers: ReadonlyMap<string, OpenLayer>,
    store: ContentSource | undefined,
  ) {
    this.descriptor = descriptor;
    this.#documents = new Map(documents.map((bytes) => [digestBytes("sha256", bytes), bytes]));
    this.#layers = layers;
    this.#store = store;
  }

  /**
   * Gives the image: it is the only one.
   *
   * @param _reference Any reference.
   * @param options A signal.
   * @returns The manifest.
   */
  resolve(_reference: string, options: CallOptions = {}): Promise<Descriptor> {
    return Promise.resolve().then(() => {
      options.signal?.throwIfAborted();
      return this.descriptor;
    });
  }

  /**
   * Tells whether something is a part of the image.
   *
   * @param target What is asked for.
   * @returns Whether it is.
   */
  exists(target: Descriptor): Promise<boolean> {
    return Promise.resolve(this.#documents.has(target.digest) || this.#layers.has(target.digest));
  }

  /**
   * Opens a part of the image. Layers are proved: the registry has to serve what it served when the
   * image was converted.
   *
   * @param target What is asked for.
   * @param options A range and a signal.
   * @returns The bytes.
   * @throws {NotFoundError} when it is no part of the image.
   */
  async fetch(target: Descriptor, options: FetchOptions = {}): Promise<ByteStream> {
    const { signal, range } = options;
    signal?.throwIfAborted();
    const document = this.#documents.get(target.digest);
    if (document !== undefined) {
      const { start, end } = spanOf(range, document.byteLength);
      return streamOf(document.subarray(start, end));
    }
    const store = this.#store;
    if (store !== undefined && await store.exists(target, { signal })) {
      return await store.fetch(target, options);
    }
    const layer = this.#layers.get(target.digest);
    if (layer === undefined) {
      throw new NotFoundError(`Cannot read ${target.digest}: it is no part of the converted image`);
    }
    const open = async () => verified(await layer.open({ signal, size: target.size }), target);
    return range === undefined ? await open() : streamFrom(cut(open, spanOf(range, target.size)));
  }
}

/** The bytes of a part; what comes before it is read and dropped. */
async function* cut(
  open: () => Promise<ByteStream>,
  { start, end }: Span,
): AsyncGenerator<Bytes, void, undefined> {
  let at = 0;
  for await (const chunk of iterate(await open())) {
    const part = chunk.subarray(Math.max(0, start - at), Math.max(0, end - at));
    at += chunk.byteLength;
    if (part.byteLength > 0) yield part;
    if (at >= end) return;
  }
}
