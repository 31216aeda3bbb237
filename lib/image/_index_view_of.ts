import type { Bytes } from "../model/bytes.ts";
import type { CallOptions, ContentSource } from "../model/content.ts";
import type { Descriptor } from "../model/descriptor.ts";
import type { ImageIndex, ParsedImageIndex } from "../model/image_index.ts";
import { MEDIA_TYPE_DOCKER_MANIFEST, MEDIA_TYPE_OCI_MANIFEST } from "../model/media_types.ts";
import { formatPlatform, type Platform } from "../model/platform.ts";
import { isAttestation } from "../model/platform_match.ts";
import { chooseFromIndex } from "./choose_image.ts";
import type { Image } from "./image.ts";
import { loadImage, type LoadImageOptions } from "./load_image.ts";
import type { IndexView } from "./index_view.ts";
import { Memo } from "./_memo.ts";
import { walkIndexes } from "./walk_indexes.ts";

/** What the rest of an index can be read by. */
export interface IndexParts {
  /** What the index is. */
  readonly descriptor: Descriptor;
  /** The index. */
  readonly parsed: ParsedImageIndex;
  /** Has the index and everything below it. */
  readonly content: ContentSource;
}

/** The view of an index that was read, or is worked out when it is asked for. */
export class IndexViewOf implements IndexView {
  readonly mediaType: string;
  readonly #open: (signal: AbortSignal) => Promise<IndexParts>;
  readonly #parts = new Memo<IndexParts>();

  constructor(mediaType: string, open: (signal: AbortSignal) => Promise<IndexParts>) {
    this.mediaType = mediaType;
    this.#open = open;
  }

  async descriptor(options: CallOptions = {}): Promise<Descriptor> {
    return (await this.#get(options)).descriptor;
  }

  async digest(options: CallOptions = {}): Promise<string> {
    return (await this.descriptor(options)).digest;
  }

  async rawManifest(options: CallOptions = {}): Promise<Bytes> {
    return (await this.#get(options)).parsed.raw.slice();
  }

  async manifest(options: CallOptions = {}): Promise<ImageIndex> {
    return (await this.#get(options)).parsed.value;
  }

  async content(options: CallOptions = {}): Promise<ContentSource> {
    return (await this.#get(options)).content;
  }

  async platforms(options: CallOptions = {}): Promise<Platform[]> {
    const platforms = new Map<string, Platform>();
    for await (const child of this.#children(options)) {
      const { platform } = child;
      if (platform === undefined) continue;
      const name = formatPlatform(platform);
      if (!platforms.has(name)) platforms.set(name, platform);
    }
    return [...platforms.values()];
  }

  async image(options: LoadImageOptions = {}): Promise<Image> {
    const { platform, signal } = options;
    const { content, ...index } = await this.#get(options);
    const chosen = await chooseFromIndex(content, index, platform, { signal });
    return await loadImage(content, chosen, options);
  }

  async *images(options: CallOptions = {}): AsyncGenerator<Image, void, undefined> {
    const { content } = await this.#get(options);
    for await (const child of this.#children(options)) {
      const { mediaType } = child;
      if (mediaType !== MEDIA_TYPE_OCI_MANIFEST && mediaType !== MEDIA_TYPE_DOCKER_MANIFEST) {
        continue;
      }
      yield await loadImage(content, child, options);
    }
  }

  async *#children(options: CallOptions): AsyncGenerator<Descriptor, void, undefined> {
    const { content, ...root } = await this.#get(options);
    for await (const { parsed } of walkIndexes(content, root, options)) {
      for (const child of parsed.value.manifests) if (!isAttestation(child)) yield child;
    }
  }

  async #get({ signal }: CallOptions): Promise<IndexParts> {
    return await this.#parts.get(this.#open, signal);
  }
}
