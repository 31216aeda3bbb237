import { readAll } from "../bytes/read_all.ts";
import { streamOf } from "../bytes/stream_from.ts";
import { gzip } from "../compress/gzip.ts";
import { digestBytes } from "../hash/digest_bytes.ts";
import type { Bytes } from "../model/bytes.ts";
import type { ContentStore, Tagger } from "../model/content.ts";
import type { Descriptor } from "../model/descriptor.ts";
import type { ImageConfig } from "../model/image_config.ts";
import type { ImageIndex } from "../model/image_index.ts";
import type { ImageManifest } from "../model/manifest.ts";
import {
  MEDIA_TYPE_DOCKER_CONFIG,
  MEDIA_TYPE_DOCKER_LAYER,
  MEDIA_TYPE_DOCKER_LAYER_GZIP,
  MEDIA_TYPE_DOCKER_MANIFEST,
  MEDIA_TYPE_DOCKER_MANIFEST_LIST,
  MEDIA_TYPE_OCI_CONFIG,
  MEDIA_TYPE_OCI_INDEX,
  MEDIA_TYPE_OCI_LAYER,
  MEDIA_TYPE_OCI_LAYER_GZIP,
  MEDIA_TYPE_OCI_MANIFEST,
} from "../model/media_types.ts";
import type { Platform } from "../model/platform.ts";
import { Random } from "./_random.ts";
import { randomLayerTar } from "./_random_layer.ts";

/** The largest layer that is made: images for tests fit into memory many times. */
const MAX_LAYER_BYTES = 256 * 1024 * 1024;

/** Options of {@linkcode randomImage}. */
export interface RandomImageOptions {
  /** The number of layers; 2 by default. */
  readonly layers?: number | undefined;
  /** The number of files in each layer; 4 by default. */
  readonly files?: number | undefined;
  /** The size of the largest file; 4096 by default. */
  readonly maxFileBytes?: number | undefined;
  /** What the config says; `linux/amd64` by default. */
  readonly platform?: Platform | undefined;
  /** How layers are stored; `gzip` by default. */
  readonly compression?: "gzip" | "none" | undefined;
  /** Whose media types are used; `oci` by default. */
  readonly format?: "oci" | "docker" | undefined;
  /** The type of the artifact, in the manifest. */
  readonly artifactType?: string | undefined;
  /** The manifest that this one speaks about. */
  readonly subject?: Descriptor | undefined;
  /** The annotations of the manifest. */
  readonly annotations?: Readonly<Record<string, string>> | undefined;
}

/** Content in memory. */
export interface RandomContent {
  /** What it is. */
  readonly descriptor: Descriptor;
  /** The bytes as they are stored. */
  readonly bytes: Bytes;
}

/** A layer in memory. */
export interface RandomLayer extends RandomContent {
  /** The digest of the tar archive. */
  readonly diffID: string;
  /** The regular files that this layer adds: path and content. */
  readonly files: ReadonlyMap<string, Bytes>;
}

/** What can be pushed in one piece: an image or an index with everything below it. */
export interface RandomArtifact {
  /** The manifest or index. */
  readonly descriptor: Descriptor;
  /** Everything, in an order in which a registry takes it: the manifest or index is the last. */
  readonly contents: readonly RandomContent[];
  /**
   * Pushes everything.
   *
   * @param target Where to; content that is there already is no error.
   * @param reference The name to give it; without one it is pushed by digest alone.
   */
  pushTo(target: ContentStore & Tagger, reference?: string): Promise<void>;
}

/** An image in memory. */
export interface RandomImage extends RandomArtifact {
  /** What its manifest says. */
  readonly manifest: ImageManifest;
  /** What its config says. */
  readonly config: ImageConfig;
  /** Its layers, base first. */
  readonly layers: readonly RandomLayer[];
}

/** An index in memory, and its images. */
export interface RandomIndex extends RandomArtifact {
  /** What the index says. */
  readonly index: ImageIndex;
  /** Its images, one per platform. */
  readonly images: readonly RandomImage[];
}

/**
 * Makes an image that depends on the seed and the options alone: the same digests on every runtime
 * and every day. Layers hold files, directories and links; each layer but the first replaces a
 * file of the one below and deletes another one.
 *
 * @param seed Any text; another seed gives an image that shares nothing with this one.
 * @param options How large it is, and of which types.
 * @returns The image, whole in memory.
 *
 * @example An image in a memory registry
 * ```ts
 * import { memoryRegistry, randomImage } from "@lading/lading/testing";
 *
 * const registry = memoryRegistry();
 * const image = await randomImage("seed");
 * await image.pushTo(registry.store, "demo/app:1");
 * const answer = await registry.transport(
 *   new Request("https://registry.test/v2/demo/app/manifests/1"),
 * );
 * console.log(answer.headers.get("docker-content-digest") === image.descriptor.digest); // true
 * ```
 */
export async function randomImage(
  seed: string,
  options: RandomImageOptions = {},
): Promise<RandomImage> {
  const { platform = { os: "linux", architecture: "amd64" }, format = "oci" } = options;
  const layers = await randomLayers(seed, options);
  const config: ImageConfig = {
    created: "1970-01-01T00:00:00Z",
    ...platform,
    config: { Env: ["PATH=/usr/bin:/bin"], Cmd: ["/bin/sh"], Labels: { seed } },
    rootfs: { type: "layers", diff_ids: layers.map(({ diffID }) => diffID) },
    history: layers.map((_, i) => ({
      created: "1970-01-01T00:00:00Z",
      created_by: `random layer ${i}`,
    })),
  };
  const isDocker = format === "docker";
  const storedConfig = json(config, isDocker ? MEDIA_TYPE_DOCKER_CONFIG : MEDIA_TYPE_OCI_CONFIG);
  const mediaType = isDocker ? MEDIA_TYPE_DOCKER_MANIFEST : MEDIA_TYPE_OCI_MANIFEST;
  const { artifactType, subject, annotations } = options;
  const manifest: ImageManifest = {
    schemaVersion: 2,
    mediaType,
    ...(artifactType === undefined ? {} : { artifactType }),
    config: storedConfig.descriptor,
    layers: layers.map(({ descriptor }) => descriptor),
    ...(subject === undefined ? {} : { subject }),
    ...(annotations === undefined ? {} : { annotations }),
  };
  const contents = [...layers, storedConfig, json(manifest, mediaType)];
  return { ...artifact(contents), manifest, config, layers };
}

/** Options of {@linkcode randomIndex}. */
export interface RandomIndexOptions extends Omit<RandomImageOptions, "platform" | "subject"> {
  /** The platforms; `linux/amd64` and `linux/arm64/v8` by default. */
  readonly platforms?: readonly Platform[] | undefined;
}

/**
 * Makes an index with one image per platform, in the way of {@linkcode randomImage}.
 *
 * @param seed Any text.
 * @param options The platforms, and how large the images are.
 * @returns The index and its images, whole in memory.
 */
export async function randomIndex(
  seed: string,
  options: RandomIndexOptions = {},
): Promise<RandomIndex> {
  const {
    platforms = [
      { os: "linux", architecture: "amd64" },
      { os: "linux", architecture: "arm64", variant: "v8" },
    ],
    ...rest
  } = options;
  const images: RandomImage[] = [];
  for (const [i, platform] of platforms.entries()) {
    images.push(await randomImage(`${seed}/${i}`, { ...rest, platform }));
  }
  const mediaType = options.format === "docker"
    ? MEDIA_TYPE_DOCKER_MANIFEST_LIST
    : MEDIA_TYPE_OCI_INDEX;
  const index: ImageIndex = {
    schemaVersion: 2,
    mediaType,
    manifests: images.map(({ descriptor }, i) => {
      const platform = platforms[i];
      return { ...descriptor, ...(platform === undefined ? {} : { platform }) };
    }),
  };
  const contents = [...images.flatMap((image) => image.contents), json(index, mediaType)];
  return { ...artifact(contents), index, images };
}

async function randomLayers(seed: string, options: RandomImageOptions): Promise<RandomLayer[]> {
  const { layers: count = 2, files: fileCount = 4, maxFileBytes = 4096 } = options;
  const { compression = "gzip", format = "oci" } = options;
  const types = format === "docker"
    ? { gzip: MEDIA_TYPE_DOCKER_LAYER_GZIP, none: MEDIA_TYPE_DOCKER_LAYER }
    : { gzip: MEDIA_TYPE_OCI_LAYER_GZIP, none: MEDIA_TYPE_OCI_LAYER };
  const random = new Random(seed);
  const layers: RandomLayer[] = [];
  for (let i = 0; i < count; i++) {
    const below = [...layers[i - 1]?.files.keys() ?? []];
    const { archive, files } = randomLayerTar(random, { below, fileCount, maxFileBytes });
    const limit = { maxBytes: MAX_LAYER_BYTES, what: "the random layer" };
    const tar = await readAll(archive, limit);
    const bytes = compression === "gzip" ? await readAll(gzip(streamOf(tar)), limit) : tar;
    const diffID = digestBytes("sha256", tar);
    layers.push({ descriptor: describe(bytes, types[compression]), bytes, diffID, files });
  }
  return layers;
}

function artifact(contents: readonly RandomContent[]): RandomArtifact {
  const descriptor = contents.at(-1)?.descriptor;
  if (descriptor === undefined) throw new TypeError("Cannot make an artifact of nothing");
  return {
    descriptor,
    contents,
    async pushTo(target, reference = descriptor.digest) {
      for (const content of contents) await target.push(content.descriptor, content.bytes);
      await target.tag(descriptor, reference);
    },
  };
}

function json(value: unknown, mediaType: string): RandomContent {
  const bytes = new TextEncoder().encode(JSON.stringify(value));
  return { descriptor: describe(bytes, mediaType), bytes };
}

function describe(bytes: Bytes, mediaType: string): Descriptor {
  return { mediaType, digest: digestBytes("sha256", bytes), size: bytes.byteLength };
}
