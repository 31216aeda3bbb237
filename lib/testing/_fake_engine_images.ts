import { readAll } from "../bytes/read_all.ts";
import { decompress } from "../compress/decompress.ts";
import { chainIDs } from "../hash/chain_id.ts";
import { digestBytes } from "../hash/digest_bytes.ts";
import type { Bytes } from "../model/bytes.ts";
import type { Descriptor } from "../model/descriptor.ts";
import { type ImageConfig, MAX_CONFIG_BYTES } from "../model/image_config.ts";
import { parseImageConfig } from "../model/parse_image_config.ts";
import type { ImageManifest } from "../model/manifest.ts";
import { MAX_MANIFEST_BYTES } from "../model/manifest.ts";
import { parseManifest } from "../model/parse_manifest.ts";
import {
  isIndexType,
  MEDIA_TYPE_DOCKER_CONFIG,
  MEDIA_TYPE_DOCKER_LAYER,
  MEDIA_TYPE_DOCKER_MANIFEST,
} from "../model/media_types.ts";
import type { Platform } from "../model/platform.ts";
import { choosePlatform } from "../model/platform_match.ts";
import {
  DEFAULT_TAG,
  familiarName,
  familiarReference,
  formatReference,
  parseReference,
  type Reference,
} from "../model/reference.ts";
import type { MemoryStore } from "../store/memory_store.ts";
import { streamOf } from "../bytes/stream_from.ts";
import { readTar } from "../tar/reader.ts";
import { parseNameOrID, shownName } from "./_fake_engine_names.ts";
import { noSuchImage } from "./_fake_engine_refusal.ts";

/** A layer is held whole: images for tests fit into memory many times. */
export const MAX_LAYER_BYTES: number = 1024 * 1024 * 1024;

/** A layer of an image. */
export interface FakeLayer {
  /** The digest of the tar archive. */
  readonly diffID: string;
  /** The digest of this layer and all below it. */
  readonly chainID: string;
  /** The layer as it is stored. */
  readonly descriptor: Descriptor;
}

/** An image of the fake engine. */
export interface FakeImage {
  /** The digest of the config. */
  readonly id: string;
  readonly rawConfig: Bytes;
  readonly config: ImageConfig;
  readonly layers: readonly FakeLayer[];
  /** Its manifests in the store; the same image may have been pushed there in two ways. */
  readonly manifests: readonly Descriptor[];
  /** Its names, in the order in which engines list them. */
  readonly names: readonly FakeName[];
}

/** A name of an image. */
export interface FakeName {
  readonly reference: Reference;
  /** The name as the store has it; `undefined` for one with a digest, which only the engine knows. */
  readonly stored: string | undefined;
}

/** A layer to be stored. */
export interface NewLayer {
  readonly mediaType: string;
  readonly bytes: Bytes;
}

/** The images of the fake engine: those that the store has a root of, and what an engine adds. */
export class FakeImages {
  readonly store: MemoryStore;
  readonly platform: Platform;
  readonly #parents = new Map<string, string>();
  readonly #digests = new Map<string, { readonly reference: Reference; readonly id: string }>();
  readonly #taggedAt = new Map<string, string>();
  readonly #sizes = new Map<string, number>();

  constructor(store: MemoryStore, platform: Platform) {
    this.store = store;
    this.platform = platform;
  }

  /** Every image, by its ID. */
  async all(): Promise<Map<string, FakeImage>> {
    const found = new Map<string, FakeImage & { readonly names: FakeName[] }>();
    for await (const { descriptor, reference } of this.store.roots()) {
      const image = await this.#read(descriptor);
      if (image === undefined) continue;
      const known = found.get(image.id);
      const names = known?.names ?? [];
      if (reference !== undefined) {
        const parsed = parseReference(reference);
        const tag = parsed.tag ?? DEFAULT_TAG;
        names.push({ reference: { ...parsed, tag, digest: undefined }, stored: reference });
      }
      const manifests = [...known?.manifests ?? [], ...image.manifests];
      found.set(image.id, { ...(known ?? image), manifests, names });
    }
    for (const { reference, id } of this.#digests.values()) {
      found.get(id)?.names.push({ reference, stored: undefined });
    }
    for (const { names } of found.values()) names.sort(byText);
    return found;
  }

  /**
   * Finds an image by a name, an ID, or the begin of one.
   *
   * @param badName The status of names that are none.
   * @param shown How messages name what is not there; default with the tag that was meant.
   */
  async find(name: string, badName = 400, shown?: string): Promise<FakeImage> {
    const reference = parseNameOrID(name, badName);
    const images = await this.all();
    if (reference !== undefined) {
      const { digest } = reference;
      const wanted = shownName(digest === undefined ? reference : { ...reference, tag: undefined });
      for (const image of images.values()) {
        const isIt = image.names.some((one) => nameText(one) === wanted);
        if (isIt) return image;
      }
    }
    const prefix = name.startsWith("sha256:") ? name : `sha256:${name}`;
    const byID = /^sha256:[0-9a-f]+$/.test(prefix)
      ? [...images.values()].filter(({ id }) => id.startsWith(prefix))
      : [];
    const [only] = byID;
    if (only !== undefined && byID.length === 1) return only;
    throw noSuchImage(shown ?? (reference === undefined ? name : shownName(reference)));
  }

  /** Stores an image; it has no name yet. */
  async add(rawConfig: Bytes, layers: readonly NewLayer[], parent?: string): Promise<string> {
    const config = describe(rawConfig, MEDIA_TYPE_DOCKER_CONFIG);
    const stored = layers.map(({ bytes, mediaType }) => describe(bytes, mediaType));
    for (const [i, { bytes }] of layers.entries()) {
      const descriptor = stored[i];
      if (descriptor !== undefined) await this.store.push(descriptor, bytes);
    }
    await this.store.push(config, rawConfig);
    const mediaType = MEDIA_TYPE_DOCKER_MANIFEST;
    const manifest: ImageManifest = { schemaVersion: 2, mediaType, config, layers: stored };
    const raw = new TextEncoder().encode(JSON.stringify(manifest));
    const descriptor = describe(raw, mediaType);
    await this.store.push(descriptor, raw);
    await this.store.tag(descriptor, descriptor.digest);
    if (parent !== undefined) this.#parents.set(config.digest, parent);
    return config.digest;
  }

  /** Gives an image a name, and takes it away from the one that had it; that one stays. */
  async tag(id: string, reference: Reference, now: Date): Promise<void> {
    const images = await this.all();
    const image = images.get(id);
    const [manifest] = image?.manifests ?? [];
    if (manifest === undefined) throw noSuchImage(id);
    await this.#untag(images, shownName(reference));
    await this.store.tag(manifest, shownName(reference));
    this.#taggedAt.set(id, now.toISOString());
  }

  /** Notes under which digest a registry has an image. */
  noteDigest(id: string, reference: Reference, digest: string): void {
    const named = { ...reference, tag: undefined, digest };
    this.#digests.set(formatReference(named), { reference: named, id });
  }

  /** Takes a name away; the image stays. */
  async untag(name: FakeName): Promise<void> {
    if (name.stored === undefined) {
      this.#digests.delete(formatReference(name.reference));
      return;
    }
    await this.#untag(await this.all(), nameText(name));
  }

  async #untag(images: Map<string, FakeImage>, text: string): Promise<void> {
    for (const { names, manifests } of images.values()) {
      for (const name of names) {
        if (name.stored === undefined || nameText(name) !== text) continue;
        // Without a root the image would be gone.
        for (const manifest of manifests) await this.store.tag(manifest, manifest.digest);
        await this.store.untag(name.stored);
      }
    }
  }

  /** Removes an image with all its names; gives the layers that nobody has any more, top first. */
  async delete({ id, manifests, layers }: FakeImage): Promise<FakeLayer[]> {
    const before = await this.all();
    for (const { stored } of before.get(id)?.names ?? []) {
      if (stored !== undefined) await this.store.untag(stored);
    }
    for (const manifest of manifests) await this.store.delete(manifest);
    for (const [key, digest] of this.#digests) if (digest.id === id) this.#digests.delete(key);
    this.#parents.delete(id);
    this.#taggedAt.delete(id);
    const others = [...(await this.all()).values()].flatMap((image) => image.layers);
    const chains = new Set(others.map(({ chainID }) => chainID));
    const blobs = new Set(others.map(({ descriptor }) => descriptor.digest));
    for (const { descriptor } of layers) {
      if (!blobs.has(descriptor.digest)) await this.store.delete(descriptor);
    }
    return layers.filter(({ chainID }) => !chains.has(chainID)).reverse();
  }

  /** The ID of the image that an image was made of here; "" for none. */
  parentOf(id: string): string {
    return this.#parents.get(id) ?? "";
  }

  /** Tells whether another image was made of this one here. */
  hasChildren(id: string): boolean {
    return [...this.#parents.values()].includes(id);
  }

  /** When an image got its last name; Go's zero time when never. */
  taggedAt(id: string): string {
    return this.#taggedAt.get(id) ?? "0001-01-01T00:00:00Z";
  }

  /** The tar archive of a layer. */
  async tarOf({ descriptor, diffID }: FakeLayer): Promise<Bytes> {
    const stream = decompress(await this.store.fetch(descriptor));
    return await readAll(stream, { maxBytes: MAX_LAYER_BYTES, what: diffID });
  }

  /** The size of the files of a layer, as engines count it. */
  async sizeOf(layer: FakeLayer): Promise<number> {
    const known = this.#sizes.get(layer.diffID);
    if (known !== undefined) return known;
    const size = await filesSize(await this.tarOf(layer));
    this.#sizes.set(layer.diffID, size);
    return size;
  }

  async #read(root: Descriptor): Promise<FakeImage | undefined> {
    const raw = await this.#document(root, MAX_MANIFEST_BYTES);
    const parsed = parseManifest(raw, root.mediaType);
    if (parsed.kind === "index") {
      const chosen = choosePlatform(parsed.value.manifests, this.platform);
      const isHere = chosen !== undefined && await this.store.exists(chosen);
      return isHere && !isIndexType(chosen.mediaType) ? await this.#read(chosen) : undefined;
    }
    if (parsed.kind !== "image") return undefined;
    const { config: described, layers } = parsed.value;
    const rawConfig = await this.#document(described, MAX_CONFIG_BYTES);
    const config = parseImageConfig(rawConfig).value;
    const chains = chainIDs(config.rootfs.diff_ids);
    return {
      id: described.digest,
      rawConfig,
      config,
      layers: layers.map((descriptor, i) => ({
        descriptor,
        diffID: config.rootfs.diff_ids[i] ?? "",
        chainID: chains[i] ?? "",
      })),
      manifests: [root],
      names: [],
    };
  }

  async #document(target: Descriptor, maxBytes: number): Promise<Bytes> {
    return await readAll(await this.store.fetch(target), { maxBytes, what: target.digest });
  }
}

/** A name as Docker shows it. */
export function nameText({ reference }: FakeName): string {
  return familiarReference(reference);
}

/** The names of an image that have tags, or those that have digests. */
export function namesOf({ names }: FakeImage, kind: "tags" | "digests"): string[] {
  return names.filter(({ stored }) => (stored === undefined) === (kind === "digests"))
    .map(({ reference: { digest, ...reference } }) => {
      return digest === undefined
        ? familiarReference(reference)
        : `${familiarName(reference)}@${digest}`;
    });
}

/** A layer as engines store it. */
export function plainLayer(bytes: Bytes): NewLayer {
  return { bytes, mediaType: MEDIA_TYPE_DOCKER_LAYER };
}

async function filesSize(tar: Bytes): Promise<number> {
  let total = 0;
  for await (const { type, size } of readTar(streamOf(tar))) if (type === "file") total += size;
  return total;
}

function byText(a: FakeName, b: FakeName): number {
  const [left, right] = [formatReference(a.reference), formatReference(b.reference)];
  return left < right ? -1 : left > right ? 1 : 0;
}

function describe(bytes: Bytes, mediaType: string): Descriptor {
  return { mediaType, digest: digestBytes("sha256", bytes), size: bytes.byteLength };
}
