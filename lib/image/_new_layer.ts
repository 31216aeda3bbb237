import { iterate } from "../bytes/iterate.ts";
import { withSignal } from "../bytes/signal.ts";
import { letGo, openSource } from "../bytes/source.ts";
import { streamFrom } from "../bytes/stream_from.ts";
import { through } from "../bytes/through.ts";
import { decompress } from "../compress/decompress.ts";
import type { Compression } from "../compress/detect.ts";
import { gzip, type GzipLevel } from "../compress/gzip.ts";
import { createHasher } from "../hash/create_hasher.ts";
import type { Bytes, ByteStream } from "../model/bytes.ts";
import type { ContentSource } from "../model/content.ts";
import type { Descriptor } from "../model/descriptor.ts";
import { formatDigest } from "../model/digest.ts";
import {
  MEDIA_TYPE_OCI_LAYER,
  MEDIA_TYPE_OCI_LAYER_GZIP,
  MEDIA_TYPE_OCI_LAYER_ZSTD,
} from "../model/media_types.ts";
import type { UploadSpool, UploadStore } from "../server/upload_store.ts";
import { openLayer } from "./layer.ts";
import type { NewLayer } from "./new_layer.ts";
import { replayableContent } from "./_replayable_content.ts";
import { startsAsTar } from "./_starts_as_tar.ts";

/** How the bytes of a layer come about. */
export interface LayerRecipe {
  /** How the archive is stored; `"as-is"` when what is opened is stored, compressed already. */
  readonly storing: "gzip" | "zstd" | "none" | "as-is";
  /** How hard to compress. */
  readonly level?: GzipLevel | undefined;
  /** How stored bytes are compressed. */
  readonly compression: Compression;
  /** Opens the archive, or for `"as-is"` the stored bytes. */
  open(signal: AbortSignal | undefined): Promise<ByteStream>;
  /** Lets go of what was opened to look at it, when it is not read after all. */
  discard?(reason: unknown): Promise<void>;
}

/** Options of {@linkcode newLayer}. */
export interface NewLayerOptions {
  readonly spool?: UploadStore | undefined;
  readonly signal?: AbortSignal | undefined;
}

const MEDIA_TYPES: Readonly<Partial<Record<Compression, string>>> = {
  none: MEDIA_TYPE_OCI_LAYER,
  gzip: MEDIA_TYPE_OCI_LAYER_GZIP,
  zstd: MEDIA_TYPE_OCI_LAYER_ZSTD,
};

/**
 * Makes a layer: reads its bytes through once to know what it is. They are made again each time it
 * is read, and proved to be the same, unless a spool keeps them.
 */
export async function newLayer(
  recipe: LayerRecipe,
  { spool, signal }: NewLayerOptions,
): Promise<NewLayer> {
  const mediaType = MEDIA_TYPES[recipe.compression] ?? MEDIA_TYPE_OCI_LAYER;
  if (spool === undefined) {
    const { descriptor, diffID } = await measure(recipe, mediaType, undefined, signal);
    const content = replayableContent(
      (signal) => openStored(recipe, () => {}, signal),
      recipe.storing === "as-is" ? undefined : recipe.open,
    );
    return closeable(descriptor, diffID, content, () => Promise.resolve());
  }
  const held = await created(spool, recipe);
  try {
    const { descriptor, diffID } = await measure(recipe, mediaType, held, signal);
    const source = await held.source();
    const content = replayableContent(() => openSource(source));
    return closeable(descriptor, diffID, content, () => held.remove());
  } catch (error) {
    await held.remove();
    throw error;
  }
}

async function created(spool: UploadStore, recipe: LayerRecipe): Promise<UploadSpool> {
  try {
    return await spool.create();
  } catch (error) {
    await recipe.discard?.(error);
    throw error;
  }
}

interface Measured {
  readonly descriptor: Descriptor;
  readonly diffID: string;
}

async function measure(
  recipe: LayerRecipe,
  mediaType: string,
  spool: UploadSpool | undefined,
  signal: AbortSignal | undefined,
): Promise<Measured> {
  const [stored, plain] = [createHasher("sha256"), createHasher("sha256")];
  let size = 0;
  async function* kept(bytes: ByteStream): AsyncGenerator<Bytes, void, undefined> {
    for await (const chunk of iterate(bytes)) {
      stored.update(chunk);
      size += chunk.byteLength;
      await spool?.append(chunk);
      yield chunk;
    }
  }
  const isMade = recipe.storing !== "as-is";
  const bytes = await openStored(recipe, (chunk) => plain.update(chunk), signal);
  const all = streamFrom(kept(withSignal(bytes, signal)));
  for await (const chunk of iterate(isMade ? all : startsAsTar(decompress(all)))) {
    if (!isMade) plain.update(chunk);
  }
  const digest = formatDigest("sha256", stored.digest());
  return {
    descriptor: { mediaType, digest, size },
    diffID: formatDigest("sha256", plain.digest()),
  };
}

async function openStored(
  { storing, level, open }: LayerRecipe,
  seen: (chunk: Uint8Array) => void,
  signal: AbortSignal | undefined,
): Promise<ByteStream> {
  const opened = await open(signal);
  if (storing === "as-is") return opened;
  const archive = through(opened, {
    chunk(chunk) {
      seen(chunk);
      return chunk;
    },
  });
  if (storing === "none") return archive;
  try {
    if (storing === "gzip") return gzip(archive, { level });
    // Few ask for it: who does not, does not load it.
    const { zstd } = await import("../compress/zstd.ts");
    return zstd(archive, { level });
  } catch (error) {
    await letGo(archive, error);
    throw error;
  }
}

function closeable(
  descriptor: Descriptor,
  diffID: string,
  content: ContentSource,
  close: () => Promise<void>,
): NewLayer {
  return Object.assign(openLayer(content, descriptor, diffID), { close });
}
