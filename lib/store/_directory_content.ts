import { readAll } from "../bytes/read_all.ts";
import { withSignal } from "../bytes/signal.ts";
import { spanOf } from "../bytes/span.ts";
import { verified } from "../bytes/verify.ts";
import type { HasherFactory } from "../hash/hasher.ts";
import type { ByteStream } from "../model/bytes.ts";
import type { CallOptions, FetchOptions, Root, Roots, Source } from "../model/content.ts";
import type { Descriptor } from "../model/descriptor.ts";
import { NotFoundError } from "../model/errors.ts";
import { MAX_MANIFEST_BYTES } from "../model/manifest.ts";
import { isSchema1Type, MEDIA_TYPE_OCI_MANIFEST } from "../model/media_types.ts";
import { isDigestReference } from "../model/reference.ts";
import { checkSize } from "./_check_size.ts";
import { locate, readImage, readManifest } from "./_directory_files.ts";
import { quietly, streamFile } from "./_files.ts";
import { type LayoutContext, refusedLink } from "./_layout_files.ts";
import { manifestFacts } from "./_manifest_facts.ts";
import { noSuchReference } from "./_names.ts";

/** Reads the directory of an image. */
export class DirectoryContent implements Source, Roots {
  readonly #context: LayoutContext;
  readonly #hasher: HasherFactory | undefined;

  constructor(context: LayoutContext, hasher: HasherFactory | undefined) {
    this.#context = context;
    this.#hasher = hasher;
  }

  async exists(target: Descriptor, options: CallOptions = {}): Promise<boolean> {
    options.signal?.throwIfAborted();
    return (await locate(this.#context, target))?.size === target.size;
  }

  async fetch(target: Descriptor, options: FetchOptions = {}): Promise<ByteStream> {
    const { range, signal } = options;
    signal?.throwIfAborted();
    const { fs, place, followLinks } = this.#context;
    const what = `${target.digest} of ${place}`;
    const found = await locate(this.#context, target);
    if (found === undefined) throw new NotFoundError(`Cannot read ${what}: it is not there`);
    const file = await fs.open(found.path, { followLinks }).catch((error) => {
      throw refusedLink(error, found.path);
    });
    try {
      checkSize(file.size, target, what);
      const content = streamFile(file, spanOf(range, file.size));
      // A range cannot be proved, and what was signed of schema 1 was proved when it was found.
      const isAsItIs = range !== undefined || isSchema1Type(target.mediaType);
      const proved = isAsItIs ? content : verified(content, target, { hasher: this.#hasher, what });
      return withSignal(proved, signal);
    } catch (error) {
      await quietly(file.close());
      throw error;
    }
  }

  async resolve(reference: string, options: CallOptions = {}): Promise<Descriptor> {
    options.signal?.throwIfAborted();
    if (reference === "") return (await readImage(this.#context)).descriptor;
    const found = isDigestReference(reference) ? await this.#manifest(reference) : undefined;
    if (found === undefined) throw noSuchReference(reference, this.#context.place);
    return found;
  }

  async *roots(options: CallOptions = {}): AsyncGenerator<Root, void, undefined> {
    options.signal?.throwIfAborted();
    yield { descriptor: (await readImage(this.#context)).descriptor };
  }

  async #manifest(digest: string): Promise<Descriptor | undefined> {
    const image = (await readManifest(this.#context))?.descriptor;
    if (image?.digest === digest) return image;
    const manifest = { mediaType: MEDIA_TYPE_OCI_MANIFEST, digest };
    const size = (await locate(this.#context, manifest))?.size;
    if (size === undefined || size > MAX_MANIFEST_BYTES) return undefined;
    const content = await this.fetch({ ...manifest, size });
    const facts = manifestFacts(await readAll(content, { maxBytes: size }));
    return facts && { mediaType: facts.mediaType, digest, size };
  }
}
