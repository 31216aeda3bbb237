import { iterate } from "../../bytes/iterate.ts";
import { mapConcurrent } from "../../bytes/map_concurrent.ts";
import { through } from "../../bytes/through.ts";
import { decompress } from "../../compress/decompress.ts";
import { type Compression, detectCompression, DETECTION_BYTES } from "../../compress/detect.ts";
import { createHasher } from "../../hash/create_hasher.ts";
import { digestBytes } from "../../hash/digest_bytes.ts";
import type { Bytes, ByteStream } from "../../model/bytes.ts";
import type { CallOptions, ContentSource } from "../../model/content.ts";
import type { Descriptor } from "../../model/descriptor.ts";
import { formatDigest } from "../../model/digest.ts";
import type { HistoryEntry } from "../../model/image_config.ts";
import { parseImageConfig } from "../../model/parse_image_config.ts";
import {
  MEDIA_TYPE_OCI_CONFIG,
  MEDIA_TYPE_OCI_LAYER,
  MEDIA_TYPE_OCI_LAYER_GZIP,
  MEDIA_TYPE_OCI_LAYER_ZSTD,
  MEDIA_TYPE_OCI_MANIFEST,
} from "../../model/media_types.ts";
import { ConvertedV1Image } from "./converted_v1_image.ts";
import type { V1Image } from "./v1_image.ts";

/** How many layers are read at the same time. */
const LAYER_JOBS = 3;

/** Tar archives without entries, as engines wrote them for steps that changed no file. */
const EMPTY_DIFF_IDS: ReadonlySet<string> = new Set([
  // 1,024 zeros: the end of an archive.
  "sha256:5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef",
  // Nothing at all.
  "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
]);

const LAYER_TYPES: Readonly<Partial<Record<Compression, string>>> = {
  gzip: MEDIA_TYPE_OCI_LAYER_GZIP,
  zstd: MEDIA_TYPE_OCI_LAYER_ZSTD,
  none: MEDIA_TYPE_OCI_LAYER,
};

/** How a layer is opened. */
export interface V1LayerOpenOptions extends CallOptions {
  /** The bytes of the layer, once they are known. */
  readonly size?: number | undefined;
}

/** One step of an image of version 1, or of a manifest of schema 1. */
export interface V1Layer {
  /** Equal for layers that are the same content, which is read once then. */
  readonly key: string;
  /** What the step says of itself. */
  readonly image: V1Image;
  /** Whether the step changed no file; its layer is not read then. */
  readonly isThrowaway?: boolean | undefined;
  /** Opens the layer as it is stored. */
  open(options: V1LayerOpenOptions): Promise<ByteStream>;
}

/** Keeps layers while they are read for the first time, so that they are read once. */
export interface V1LayerStore extends ContentSource {
  /**
   * Keeps content whose digest is not known yet.
   *
   * @param content The content.
   * @param options A signal.
   * @returns Gives the content its name once it is known.
   */
  keep(
    content: ByteStream,
    options: CallOptions,
  ): Promise<(digest: string) => Promise<void>>;
}

/** Options of {@linkcode convertV1}. */
export interface ConvertV1Options extends CallOptions {
  /** Keeps the layers; without it they are opened once more when they are copied. */
  readonly store?: V1LayerStore | undefined;
}

/** What was found out about a layer by reading it. */
interface ReadLayer {
  readonly descriptor: Descriptor;
  readonly diffID: string;
}

/**
 * Converts an image of version 1, or of schema 1, to one of the OCI. Neither knows the digests of
 * uncompressed layers, so each layer is read once for that, a few at a time, without being held.
 * Layers stay as they are stored; steps that changed no file become history without a layer.
 *
 * @param layers The steps, base first.
 * @param options Where layers are kept, and a signal.
 * @returns A source that `copy` takes; it knows this one image.
 * @throws {TypeError} when there is no step.
 * @throws {InvalidConfigError} when the newest step has no config that an image could have.
 * @throws {UnsupportedMediaTypeError} when a layer is compressed with something else than gzip or
 * zstd.
 */
export async function convertV1(
  layers: readonly V1Layer[],
  options: ConvertV1Options = {},
): Promise<ConvertedV1Image> {
  const { store, signal } = options;
  const top = layers.at(-1);
  if (top === undefined) throw new TypeError("Cannot convert an image without a layer");
  const wanted = new Map<string, V1Layer>();
  for (const layer of layers) if (layer.isThrowaway !== true) wanted.set(layer.key, layer);
  const read = new Map<string, ReadLayer>();
  await mapConcurrent(wanted.values(), LAYER_JOBS, async (layer, _, signal) => {
    read.set(layer.key, await readLayer(layer, store, { signal }));
  }, { signal });
  const steps = layers.map((layer) => {
    const found = layer.isThrowaway === true ? undefined : read.get(layer.key);
    const isEmpty = found === undefined || EMPTY_DIFF_IDS.has(found.diffID);
    return { layer, found: isEmpty ? undefined : found };
  });
  const kept = steps.flatMap(({ found }) => found ?? []);
  const config = encode({
    ...withoutV1Fields(top.image),
    rootfs: { type: "layers", diff_ids: kept.map(({ diffID }) => diffID) },
    history: steps.map(({ layer, found }) => historyOf(layer.image, found === undefined)),
  });
  parseImageConfig(config);
  const manifest = encode({
    schemaVersion: 2,
    mediaType: MEDIA_TYPE_OCI_MANIFEST,
    config: describe(config, MEDIA_TYPE_OCI_CONFIG),
    layers: kept.map(({ descriptor }) => descriptor),
  });
  return new ConvertedV1Image(
    describe(manifest, MEDIA_TYPE_OCI_MANIFEST),
    [manifest, config],
    new Map(
      [...wanted].flatMap(([key, layer]) => {
        const digest = read.get(key)?.descriptor.digest;
        return digest === undefined ? [] : [[digest, layer] as const];
      }),
    ),
    store,
  );
}

/** Reads a layer to its end: its digest, its size, and the digest of what is in it. */
async function readLayer(
  layer: V1Layer,
  store: V1LayerStore | undefined,
  options: CallOptions,
): Promise<ReadLayer> {
  const stored = new StoredBytes();
  const content = stored.watch(await layer.open(options));
  if (store === undefined) {
    const diffID = await digestOf(decompress(content));
    return { descriptor: stored.describe(), diffID };
  }
  const giveName = await store.keep(content, options);
  const descriptor = stored.describe();
  await giveName(descriptor.digest);
  return { descriptor, diffID: await digestOf(decompress(await store.fetch(descriptor, options))) };
}

async function digestOf(stream: ByteStream): Promise<string> {
  const hasher = createHasher("sha256");
  for await (const chunk of iterate(stream)) hasher.update(chunk);
  return formatDigest("sha256", hasher.digest());
}

/** Looks at the bytes of a layer as they pass. */
class StoredBytes {
  readonly #hasher = createHasher("sha256");
  readonly #prefix: number[] = [];
  #size = 0;

  watch(stream: ByteStream): ByteStream {
    return through(stream, {
      chunk: (chunk) => {
        this.#hasher.update(chunk);
        this.#size += chunk.byteLength;
        const missing = DETECTION_BYTES - this.#prefix.length;
        if (missing > 0) this.#prefix.push(...chunk.subarray(0, missing));
        return chunk;
      },
    });
  }

  describe(): Descriptor {
    const compression = detectCompression(Uint8Array.from(this.#prefix));
    return {
      mediaType: LAYER_TYPES[compression] ?? MEDIA_TYPE_OCI_LAYER,
      digest: formatDigest("sha256", this.#hasher.digest()),
      size: this.#size,
    };
  }
}

/** What of an image of version 1 is no part of a config. */
function withoutV1Fields(image: V1Image): Record<string, unknown> {
  const config: Record<string, unknown> = { architecture: "amd64", os: "linux", ...image };
  for (const name of ["id", "parent", "parent_id", "layer_id", "Size", "throwaway"]) {
    delete config[name];
  }
  return config;
}

function historyOf(image: V1Image, isEmpty: boolean): HistoryEntry {
  const { created, author, comment, container_config: container } = image;
  // Nobody has checked what the fields of a container hold.
  const words: readonly unknown[] = Array.isArray(container?.Cmd) ? container.Cmd : [];
  const command = words.filter((word) => typeof word === "string").join(" ");
  return {
    ...(created === undefined ? {} : { created }),
    ...(command === "" ? {} : { created_by: command }),
    ...(author === undefined || author === "" ? {} : { author }),
    ...(comment === undefined || comment === "" ? {} : { comment }),
    ...(isEmpty ? { empty_layer: true } : {}),
  };
}

function encode(document: object): Bytes {
  return new TextEncoder().encode(JSON.stringify(document));
}

function describe(bytes: Bytes, mediaType: string): Descriptor {
  return { mediaType, digest: digestBytes("sha256", bytes), size: bytes.byteLength };
}
