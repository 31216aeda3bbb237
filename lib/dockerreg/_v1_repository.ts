import { mapConcurrent } from "../bytes/map_concurrent.ts";
import type { CallOptions } from "../model/content.ts";
import type { Descriptor } from "../model/descriptor.ts";
import { NotFoundError } from "../model/errors.ts";
import { isTag } from "../model/reference.ts";
import { readV1Images } from "../registry/v1/open_v1_image.ts";
import type { RepositoryV1 } from "../registry/v1/repository_v1.ts";
import type {
  DeleteContentsOptions,
  ImageContents,
  PushContentsOptions,
  RepositoryBackend,
} from "./_backend.ts";
import { ContentsV1, descriptorOf } from "./_contents_v1.ts";
import { PULL_JOBS } from "./_contents_v22.ts";
import { sourceOf } from "./_located.ts";
import type { DeletedImage, MissingContent } from "./metadata.ts";
import { pushToV1 } from "./push_to_v1.ts";

/** A repository of a registry of version 1. It knows no lists: platforms decide nothing. */
export class V1Repository implements RepositoryBackend {
  /** Nothing has a digest there. */
  readonly blobs = undefined;
  readonly #repository: RepositoryV1;

  constructor(repository: RepositoryV1) {
    this.#repository = repository;
  }

  get name(): string {
    return this.#repository.name;
  }

  async tags(options: CallOptions): Promise<string[]> {
    return [...(await this.#repository.tags(options)).keys()];
  }

  async reference(reference: string, options: CallOptions): Promise<Descriptor> {
    const id = await this.#repository.resolve(reference, options);
    return descriptorOf(await this.#repository.image(id, options));
  }

  async image(reference: string, { signal }: CallOptions): Promise<ImageContents> {
    const images = await readV1Images(this.#repository, reference, { signal });
    const place = { repository: this.name, tag: isTag(reference) ? reference : undefined };
    return new ContentsV1(this.#repository, images, place);
  }

  async adopt(
    _: ImageContents["manifest"],
    reference: string,
    options: CallOptions,
  ): Promise<ImageContents> {
    // What was converted cannot be asked for by its digests.
    return await this.image(reference, options);
  }

  async missing(reference: string, { signal }: CallOptions): Promise<MissingContent[]> {
    const repository = this.#repository;
    const id = await repository.resolve(reference, { signal });
    const ids = await repository.ancestry(id, { signal });
    const found = await mapConcurrent(
      ids.reverse(),
      PULL_JOBS,
      async (id, _, signal): Promise<MissingContent[]> => {
        const missing = (kind: "manifest" | "layer"): MissingContent[] => [
          { kind, digest: id, descriptor: undefined },
        ];
        try {
          await repository.image(id, { signal });
        } catch (error) {
          if (error instanceof NotFoundError) return missing("manifest");
          throw error;
        }
        return await repository.hasLayer(id, { signal }) ? [] : missing("layer");
      },
      { signal },
    );
    return found.flat();
  }

  /** Images cannot be deleted: the tag goes, and with `layers` the repository when it was the last. */
  async delete(tag: string, options: DeleteContentsOptions): Promise<DeletedImage> {
    const { layers, signal } = options;
    const id = await this.#repository.resolve(tag, { signal });
    const others = (await this.tags({ signal })).filter((other) => other !== tag);
    if (!layers || others.length > 0) {
      await this.#repository.untag(tag, { signal });
      return { deleted: [], kept: [id] };
    }
    const ids = await this.#repository.ancestry(id, { signal });
    await this.#repository.delete({ signal });
    return { deleted: ids, kept: [] };
  }

  async untag(tag: string, options: CallOptions): Promise<void> {
    await this.#repository.untag(tag, options);
  }

  async tag(reference: string, newTag: string, { signal }: CallOptions): Promise<Descriptor> {
    const id = await this.#repository.resolve(reference, { signal });
    const image = await this.#repository.image(id, { signal });
    await this.#repository.tag(id, newTag, { signal });
    return descriptorOf(image);
  }

  async push(
    image: ImageContents,
    tag: string,
    { signal }: PushContentsOptions,
  ): Promise<Descriptor> {
    if (image instanceof ContentsV1) {
      await this.#repository.push(image.images(), tag, { signal });
    } else {
      const open = await image.open({ signal });
      await pushToV1(sourceOf(open), open.descriptor.digest, this.#repository, tag, { signal });
    }
    return await this.reference(tag, { signal });
  }
}
