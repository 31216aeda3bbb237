import type { Engine } from "../engine/engine.ts";
import type { ByteStream } from "../model/bytes.ts";
import type { CallOptions, FetchOptions, Source } from "../model/content.ts";
import type { Descriptor } from "../model/descriptor.ts";
import { ImageNotFoundError, NotFoundError } from "../model/errors.ts";
import type { Platform } from "../model/platform.ts";
import type { ArchiveOptions } from "../store/archive_options.ts";
import { type DockerArchive, dockerArchive } from "../store/docker_archive.ts";
import { type OCIArchive, ociArchive } from "../store/oci_archive.ts";

/** Options of {@linkcode engineSource}. */
export interface EngineSourceOptions extends ArchiveOptions {
  /** Saves the image of this platform alone (API 1.48, Docker 28). */
  readonly platform?: Platform | string | undefined;
}

/** The images of an engine, for reading. Close it: archives that are open hold a connection. */
export interface EngineSource extends Source, AsyncDisposable {
  /** Ends the connections, and frees what was put aside. */
  close(): Promise<void>;
}

/**
 * Reads images out of an engine, by saving them as archives that are read as they come. Layers are
 * those of the archive, mostly uncompressed, and every digest is proved. Engines tell digests of
 * manifests only where containerd stores their images; elsewhere a manifest of version 2, schema 2
 * is made of the archive, which has to be read through for it: it is put aside in `temporary`.
 *
 * @param engine The engine.
 * @param options The platform, and where to put archives aside.
 * @returns The source. A reference is a name, a digest or an ID of an image there. Its calls reject
 * with {@linkcode NotFoundError} when the engine does not have it, and with
 * {@linkcode EngineError} when it fails.
 */
export function engineSource(engine: Engine, options: EngineSourceOptions = {}): EngineSource {
  return new SavedImages(engine, options);
}

class SavedImages implements EngineSource {
  readonly #engine: Engine;
  readonly #options: EngineSourceOptions;
  readonly #archives = new Map<string, DockerArchive | OCIArchive>();

  constructor(engine: Engine, options: EngineSourceOptions) {
    this.#engine = engine;
    this.#options = options;
  }

  async resolve(reference: string, { signal }: CallOptions = {}): Promise<Descriptor> {
    for (const archive of this.#archives.values()) {
      const found = await archive.resolve(reference, { signal }).catch(() => undefined);
      if (found !== undefined && reference.startsWith("sha")) return found;
    }
    try {
      const { platform } = this.#options;
      const image = await this.#engine.images.get(reference, { signal });
      const archive = this.#archives.get(image.id) ??
        open(image.save({ platform }), image.descriptor !== undefined, this.#options);
      this.#archives.set(image.id, archive);
      return await archive.resolve("", { signal });
    } catch (error) {
      if (!(error instanceof ImageNotFoundError)) throw error;
      throw new NotFoundError(error.message, { cause: error });
    }
  }

  async exists(target: Descriptor, options: CallOptions = {}): Promise<boolean> {
    return await this.#find(target, options) !== undefined;
  }

  async fetch(target: Descriptor, options: FetchOptions = {}): Promise<ByteStream> {
    const archive = await this.#find(target, options);
    if (archive !== undefined) return await archive.fetch(target, options);
    const { name } = this.#engine;
    throw new NotFoundError(
      `Cannot read ${target.digest} of the engine at ${name}: no image that was asked for has it`,
    );
  }

  async close(): Promise<void> {
    const archives = [...this.#archives.values()];
    this.#archives.clear();
    for (const archive of archives) await archive.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #find(
    target: Descriptor,
    { signal }: CallOptions,
  ): Promise<DockerArchive | OCIArchive | undefined> {
    const archives = [...this.#archives.values()];
    // The only one is asked itself: it may still be on its way.
    if (archives.length === 1) return archives[0];
    for (const archive of archives) {
      if (await archive.exists(target, { signal })) return archive;
    }
    return undefined;
  }
}

/** Engines that keep the manifest of an image save it along, in a layout. */
function open(
  archive: ByteStream,
  isLayout: boolean,
  options: ArchiveOptions,
): DockerArchive | OCIArchive {
  return isLayout ? ociArchive(archive, options) : dockerArchive(archive, options);
}
