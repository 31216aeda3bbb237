import { MAX_INDEX_DEPTH, tooMany } from "../image/walk_indexes.ts";
import type { CallOptions } from "../model/content.ts";
import type { Descriptor } from "../model/descriptor.ts";
import { LimitExceededError, NotFoundError } from "../model/errors.ts";
import { childDescriptors } from "../model/manifest.ts";
import { isIndexType, isManifestType, isSchema1Type } from "../model/media_types.ts";
import { schema1Layers } from "../model/schema1_layers.ts";
import type { Repository } from "../registry/repository.ts";

/** Everything below some manifests; manifests that are not there need nothing. */
export class ContentGraph {
  /** The manifests, outer ones before inner ones. */
  readonly manifests: Map<string, Descriptor> = new Map();
  /** The blobs; of schema 1 without sizes. */
  readonly blobs: Map<string, Descriptor> = new Map();
  readonly #repository: Repository;
  readonly #maxManifests: number;
  readonly #options: CallOptions;

  constructor(repository: Repository, maxManifests: number, options: CallOptions) {
    this.#repository = repository;
    this.#maxManifests = maxManifests;
    this.#options = options;
  }

  /** Tells whether content is in the graph. */
  has(digest: string): boolean {
    return this.manifests.has(digest) || this.blobs.has(digest);
  }

  /** Adds a manifest with everything below it. */
  async add(root: Descriptor, depth = 0): Promise<void> {
    if (this.manifests.has(root.digest)) return;
    if (depth > MAX_INDEX_DEPTH) throw tooMany(root, "levels");
    if (this.manifests.size >= this.#maxManifests) throw this.#tooMany();
    this.manifests.set(root.digest, root);
    for (const child of await this.#childrenOf(root)) {
      if (isManifest(child)) await this.add(child, depth + 1);
      else this.blobs.set(child.digest, child);
    }
  }

  #tooMany(): LimitExceededError {
    const limit = this.#maxManifests;
    return new LimitExceededError(
      `Cannot tell what ${this.#repository.name} needs: it has more than ${limit} manifests`,
      { limit, unit: "manifests" },
    );
  }

  async #childrenOf({ digest }: Descriptor): Promise<readonly Descriptor[]> {
    try {
      const { parsed } = await this.#repository.manifest(digest, this.#options);
      if (parsed.kind !== "schema1") return childDescriptors(parsed);
      const mediaType = "application/octet-stream";
      return schema1Layers(parsed.value)
        .map(({ blobSum }) => ({ mediaType, digest: blobSum, size: 0 }));
    } catch (error) {
      if (error instanceof NotFoundError) return [];
      throw error;
    }
  }
}

function isManifest({ mediaType }: Descriptor): boolean {
  return isIndexType(mediaType) || isManifestType(mediaType) || isSchema1Type(mediaType);
}
