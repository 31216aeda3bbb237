import { chooseFromIndex } from "../image/choose_image.ts";
import type { CallOptions } from "../model/content.ts";
import type { Descriptor } from "../model/descriptor.ts";
import { UnsupportedMediaTypeError } from "../model/errors.ts";
import { copy } from "../ops/copy.ts";
import { copyBlob } from "../ops/copy_blob.ts";
import type { Manifest } from "../registry/manifests.ts";
import type { Repository } from "../registry/repository.ts";
import type {
  DeleteContentsOptions,
  ImageContents,
  PushContentsOptions,
  RepositoryBackend,
  SelectOptions,
} from "./_backend.ts";
import { contentsOf } from "./_contents_of.ts";
import { ContentsV21 } from "./_contents_v21.ts";
import { ContentsV22, openManifestV22 } from "./_contents_v22.ts";
import { sourceOf } from "./_located.ts";
import { ManifestListV22 } from "./manifest_list.ts";
import { ManifestV21 } from "./manifest_v21.ts";
import type { DeletedImage, MissingContent } from "./metadata.ts";
import { deleteImage } from "./_v2_delete.ts";
import { missingContent } from "./_v2_missing.ts";

/** A repository of a registry of version 2. */
export class V2Repository implements RepositoryBackend {
  /** What everything is done with. */
  readonly repository: Repository;

  constructor(repository: Repository) {
    this.repository = repository;
  }

  get name(): string {
    return this.repository.name;
  }

  get blobs(): Repository {
    return this.repository;
  }

  async tags(options: CallOptions): Promise<string[]> {
    const tags: string[] = [];
    for await (const tag of this.repository.tags(options)) tags.push(tag);
    return tags;
  }

  async reference(reference: string, options: CallOptions): Promise<Descriptor> {
    return await this.repository.resolve(reference, options);
  }

  async image(reference: string, options: SelectOptions): Promise<ImageContents> {
    const { repository } = this;
    const { signal } = options;
    const root = await repository.manifest(reference, { signal });
    const entry = await this.#choose(root, options);
    const isChosen = entry.digest !== root.descriptor.digest;
    const { parsed, descriptor } = isChosen
      ? await repository.manifest(entry.digest, { signal })
      : root;
    const place = {
      repository: this.name,
      tag: reference.includes(":") ? undefined : reference,
      digest: descriptor.digest,
    };
    if (parsed.kind === "schema1") {
      return new ContentsV21(repository, new ManifestV21(parsed.raw, place));
    }
    if (parsed.kind !== "image") {
      const { mediaType } = parsed;
      throw new UnsupportedMediaTypeError(
        `Cannot open ${reference} of ${this.name}: ${mediaType} is no image`,
        { mediaType },
      );
    }
    const list = root.parsed.kind === "index"
      ? new ManifestListV22(root.parsed.raw, { ...place, digest: root.descriptor.digest })
      : undefined;
    const listed = isChosen ? { list, entry } : {};
    const manifest = await openManifestV22(repository, parsed, { ...place, ...listed }, options);
    return new ContentsV22(repository, descriptor, manifest, root.descriptor);
  }

  async adopt(
    manifest: ImageContents["manifest"],
    reference: string,
    options: CallOptions,
  ): Promise<ImageContents> {
    if (manifest.version === "v2.1" || manifest.version === "v2.2") {
      return contentsOf(this.repository, manifest);
    }
    return await this.image(reference, options);
  }

  async missing(reference: string, options: SelectOptions): Promise<MissingContent[]> {
    const { signal } = options;
    const root = await this.repository.manifest(reference, { signal });
    return await missingContent(this.repository, await this.#choose(root, options), { signal });
  }

  async delete(tag: string, options: DeleteContentsOptions): Promise<DeletedImage> {
    const { platform, signal } = options;
    const root = await this.repository.manifest(tag, { signal });
    const chosen = platform === undefined ? undefined : await this.#choose(root, options);
    const isRoot = chosen === undefined || chosen.digest === root.descriptor.digest;
    const target = isRoot ? root.descriptor : chosen;
    return await deleteImage(this.repository, { tag, root: root.descriptor, target }, options);
  }

  async untag(tag: string, options: CallOptions): Promise<void> {
    await this.repository.untag(tag, options);
  }

  async tag(reference: string, newTag: string, options: SelectOptions): Promise<Descriptor> {
    const { platform, signal } = options;
    const root = await this.repository.manifest(reference, { signal });
    if (root.parsed.kind === "schema1") {
      // The tag is a part of the document.
      return await this.#pushManifestV21(new ManifestV21(root.parsed.raw), newTag, { signal });
    }
    const target = platform === undefined ? root.descriptor : await this.#choose(root, options);
    await this.repository.tag(target, newTag, { signal });
    return target;
  }

  async push(
    image: ImageContents,
    tag: string,
    options: PushContentsOptions,
  ): Promise<Descriptor> {
    const { mountFrom, isConverted, signal } = options;
    if (image instanceof ContentsV21 && isConverted !== true) {
      return await this.#pushV21(image, tag, options);
    }
    const open = await image.open({ signal });
    const { digest } = open.descriptor;
    const how = { targetReference: tag, mountFrom, signal };
    return (await copy(sourceOf(open), digest, this.repository, how)).descriptor;
  }

  /** Copies an image or a whole list as it is. */
  async copyFrom(
    source: Repository,
    reference: string,
    tag: string,
    options: PushContentsOptions,
  ): Promise<Descriptor> {
    const { mountFrom, signal } = options;
    const how = { targetReference: tag, mountFrom, signal };
    return (await copy(source, reference, this.repository, how)).descriptor;
  }

  async #choose(
    { parsed, descriptor }: Manifest,
    { platform, signal }: SelectOptions,
  ): Promise<Descriptor> {
    if (parsed.kind !== "index") return descriptor;
    return await chooseFromIndex(this.repository, { parsed, descriptor }, platform, { signal });
  }

  async #pushV21(
    image: ContentsV21,
    tag: string,
    options: PushContentsOptions,
  ): Promise<Descriptor> {
    const { mountFrom, signal = new AbortController().signal } = options;
    const way = { source: image.source, target: this.repository, mountFrom };
    for (const blob of await image.blobs({ signal })) await copyBlob(way, blob, () => {}, signal);
    return await this.#pushManifestV21(image.manifest, tag, { signal });
  }

  /** Pushes a manifest of schema 1 under a name, and signs it anew where the name is another. */
  async #pushManifestV21(
    manifest: ManifestV21,
    tag: string,
    options: CallOptions,
  ): Promise<Descriptor> {
    const { name } = this;
    const isSame = manifest.value.name === name && manifest.value.tag === tag;
    const own = isSame ? manifest : await manifest.modify({ repository: name, tag });
    // Registries take no manifest of schema 1 without a signature.
    const { raw, digest, mediaType } = own.signatures.length > 0 ? own : await own.sign();
    const descriptor = { mediaType, digest, size: raw.byteLength };
    await this.repository.push(descriptor, raw, options);
    await this.repository.tag(descriptor, tag, options);
    return descriptor;
  }
}
