import type { GzipLevel } from "../compress/gzip.ts";
import type { ContentSource } from "../model/content.ts";
import type { Descriptor } from "../model/descriptor.ts";
import { entryInput } from "../tar/entry_input.ts";
import { readTar } from "../tar/reader.ts";
import { type TarInput, writeTar } from "../tar/writer.ts";
import type { UploadStore } from "../server/upload_store.ts";
import type { ImageEdit } from "./_edit_image.ts";
import { formatOf, typeIn } from "../model/image_format.ts";
import type { Image } from "./image.ts";
import { type Layer, layerContent } from "./layer.ts";
import { checkZstd } from "./_check_zstd.ts";
import { newLayer } from "./_new_layer.ts";
import type { NewLayer } from "./new_layer.ts";

/** How layers are written anew. */
export interface LayerRewrite {
  /** How many of the lowest layers stay as they are. */
  readonly from: number;
  /** Makes the edit of one layer: it gives an entry as it is, another one, or none. */
  readonly editor?: (() => (entry: TarInput) => TarInput | undefined) | undefined;
  /** How layers are stored; default as they are. */
  readonly compression?: "gzip" | "zstd" | "none" | undefined;
  /** How hard to compress. */
  readonly level?: GzipLevel | undefined;
  /** Keeps the bytes of new layers. */
  readonly spool?: UploadStore | undefined;
}

/** Writes layers of an image anew; a layer that nothing changes keeps its bytes. */
export async function rewrittenLayers(
  image: Image,
  rewrite: LayerRewrite,
  signal: AbortSignal,
): Promise<ImageEdit> {
  if (rewrite.compression === "zstd") checkZstd(image.mediaType);
  const [manifest, config] = [await image.manifest({ signal }), await image.config({ signal })];
  const descriptors: Descriptor[] = [];
  const diffIDs: string[] = [];
  const contents = new Map<string, ContentSource>();
  const spooled: NewLayer[] = [];
  try {
    for (const [number, layer] of (await image.layers({ signal })).entries()) {
      const made = number < rewrite.from ? undefined : await rewritten(layer, rewrite, signal);
      if (made !== undefined) spooled.push(made);
      diffIDs.push(await (made ?? layer).diffID({ signal }));
      descriptors.push(made === undefined ? layer.descriptor() : describe(made, layer, image));
      if (made !== undefined) contents.set(made.descriptor().digest, layerContent(made));
    }
  } catch (error) {
    // Nobody else knows of them.
    await Promise.allSettled(spooled.map((made) => made.close()));
    throw error;
  }
  if (contents.size === 0) return {};
  return {
    manifest: { ...manifest, layers: descriptors },
    config: { ...config, rootfs: { ...config.rootfs, diff_ids: diffIDs } },
    contents,
  };
}

async function rewritten(
  layer: Layer,
  { editor, compression, level, spool }: LayerRewrite,
  signal: AbortSignal,
): Promise<NewLayer | undefined> {
  const { mediaType } = layer.descriptor();
  const stored = storedAs(mediaType);
  const storing = compression ?? stored;
  const recipe = { storing, compression: storing, level } as const;
  if (editor !== undefined) {
    let isChanged = false;
    const note = () => isChanged = true;
    const made = await newLayer({
      ...recipe,
      open: (signal) => Promise.resolve(writeTar(edited(layer, editor(), note, signal))),
    }, { spool, signal });
    if (isChanged) return made;
    await made.close();
  }
  if (compression === undefined || compression === stored) return undefined;
  const open = (signal: AbortSignal | undefined) => layer.uncompressed({ signal });
  return await newLayer({ ...recipe, open }, { spool, signal });
}

function storedAs(mediaType: string): "gzip" | "zstd" | "none" {
  if (/[.+]zstd$/.test(mediaType)) return "zstd";
  return /[.+]gzip$/.test(mediaType) ? "gzip" : "none";
}

async function* edited(
  layer: Layer,
  edit: (entry: TarInput) => TarInput | undefined,
  noteChange: () => void,
  signal: AbortSignal | undefined,
): AsyncGenerator<TarInput, void, undefined> {
  for await (const entry of readTar(await layer.uncompressed({ signal }))) {
    const input = entryInput(entry);
    const changed = input === undefined ? undefined : edit(input);
    if (input !== undefined && changed !== input) noteChange();
    if (changed !== undefined) yield changed;
  }
}

/** What else the descriptor of the old layer says stays, but for what is about its bytes. */
function describe(made: Layer, layer: Layer, image: Image): Descriptor {
  const { annotations: _annotations, data: _data, urls: _urls, ...rest } = layer.descriptor();
  const { mediaType, digest, size } = made.descriptor();
  return { ...rest, mediaType: typeIn(formatOf(image.mediaType), mediaType), digest, size };
}
