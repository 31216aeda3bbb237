import { mapConcurrent } from "../bytes/map_concurrent.ts";
import { RecentMap } from "../bytes/recent_map.ts";
import { withSignal } from "../bytes/signal.ts";
import { verified } from "../bytes/verify.ts";
import { watched } from "../bytes/watched.ts";
import { gzip } from "../compress/gzip.ts";
import { layerContent, openLayer } from "../image/layer.ts";
import { layerFrom } from "../image/layer_from.ts";
import type { NewLayer } from "../image/new_layer.ts";
import type { ByteStream } from "../model/bytes.ts";
import type { ContentSource, Locator, Uploader } from "../model/content.ts";
import type { Descriptor } from "../model/descriptor.ts";
import { RegistryError, UploadError } from "../model/errors.ts";
import type { ImageFormat } from "../model/image_format.ts";
import { MEDIA_TYPE_OCI_LAYER_ZSTD } from "../model/media_types.ts";
import type { UploadStore } from "../server/upload_store.ts";
import { isConverted } from "./_convert_graph.ts";
import type { CopyGraph, Route } from "./_copy_graph.ts";
import { madeInto, type MakingFailure } from "./_made_into.ts";
import { blame } from "./_side.ts";

/** Layers of a graph that are stored in gzip instead of zstd. */
export interface GzipLayers {
  /** What they are then, by their digests in zstd. */
  readonly layers: ReadonlyMap<string, Descriptor>;
  /** What they are in zstd, by their digests in gzip. */
  readonly origins: ReadonlyMap<string, Descriptor>;
  /** The digests of those that the target has got already. */
  readonly stored: ReadonlySet<string>;
  /** Has the content of the graph, and that of these layers. */
  readonly source: ContentSource & Partial<Locator>;
}

/** How layers are read. */
interface Reading extends Pick<Route, "source" | "signal"> {
  readonly format: ImageFormat | undefined;
  readonly jobs: number;
  /** Where they go. */
  readonly target: ContentSource & Partial<Uploader>;
  /**
   * Which of them are stored while they are made, if the target takes what is not known yet: `all`,
   * those that are known to be `missing` there, or `none`.
   */
  readonly storing: "all" | "missing" | "none";
  /** Is told how much of a layer was read, whenever it is, and that it was stored meanwhile. */
  readonly tell?:
    | ((layer: Descriptor, status: "moving" | "done", current: number) => void)
    | undefined;
}

/** How many layers are remembered for each target; most images share a few. */
const MAX_REMEMBERED = 1000;

/**
 * What layers in zstd came to, by their digests, for each target that they were made for. Their bytes
 * were proved when they were read, and the same bytes always come to the same.
 */
const REMEMBERED = new WeakMap<ContentSource, RecentMap<string, Descriptor>>();

/**
 * Makes layers gzip, where the format that is wanted knows no zstd: Docker's does not. A target that
 * takes what is not known yet gets them meanwhile. Otherwise, and where a registry did not take one so,
 * it is read once for its digest, and once more when it moves. One that came into the same target
 * object before is not read again where it still is there. The archive in it stays the same, and with
 * it the diffID. Memory is fixed.
 */
export async function gzipLayers(
  { manifests }: CopyGraph,
  { source, target, storing, format, jobs, signal, tell = () => {} }: Reading,
): Promise<GzipLayers> {
  const found = new Map<string, Descriptor>();
  for (const { parsed } of format === "docker" ? manifests : []) {
    if (parsed.kind !== "image" || !isConverted(parsed, "docker")) continue;
    for (const layer of parsed.value.layers) {
      if (layer.mediaType === MEDIA_TYPE_OCI_LAYER_ZSTD) found.set(layer.digest, layer);
    }
  }
  const layers = new Map<string, Descriptor>();
  const origins = new Map<string, Descriptor>();
  const stored = new Set<string>();
  const counted = countedSource(source, (layer, current) => tell(layer, "moving", current));
  const contents = new Map<string, ContentSource>();
  const remembered = rememberedFor(target);
  await mapConcurrent(found.values(), jobs, async (layer, _, stop) => {
    // It is opened again when it moves, which another signal ends.
    const open = () => openLayer(counted, layer).uncompressed({ signal });
    const make = async (spool?: UploadStore): Promise<NewLayer> =>
      await layerFrom(open, { compression: "gzip", spool, signal: stop });
    const known = remembered.get(layer.digest);
    const isThere = known !== undefined && storing !== "none" &&
      await target.exists(known, { signal: stop }).catch((error) => {
        throw blame("target", error, layer, signal);
      });
    const isWanted = storing === "all" || storing === "missing" && known !== undefined;
    const kept = isWanted && !isThere && isUploader(target)
      ? await madeInto(target, make, stop)
      : undefined;
    if (kept !== undefined && "error" in kept && !mayBeSent(kept)) {
      throw blame(kept.isOfPlace ? "target" : "source", kept.error, layer, signal);
    }
    const isStored = kept !== undefined && !("error" in kept);
    const add = (descriptor: Descriptor, content: ContentSource): void => {
      layers.set(layer.digest, descriptor);
      origins.set(descriptor.digest, layer);
      contents.set(descriptor.digest, content);
    };
    if (!isStored && known !== undefined) return add(known, madeWhenRead(known, open));
    const made = isStored ? kept : await make().catch((error) => {
      throw blame("source", error, layer, signal);
    });
    const descriptor = made.descriptor();
    remembered.set(layer.digest, descriptor);
    if (isStored) {
      stored.add(descriptor.digest);
      tell(layer, "done", layer.size);
    }
    add(descriptor, layerContent(made));
  }, { signal });
  const all = contents.size === 0 ? source : withContents(source, contents);
  return { layers, origins, stored, source: all };
}

function rememberedFor(target: ContentSource): RecentMap<string, Descriptor> {
  const remembered = REMEMBERED.get(target) ?? new RecentMap<string, Descriptor>(MAX_REMEMBERED);
  REMEMBERED.set(target, remembered);
  return remembered;
}

function isUploader(
  target: ContentSource & Partial<Uploader>,
): target is ContentSource & Uploader {
  return target.startUpload !== undefined;
}

/** Has a layer whose descriptor is known; it is made when it is read, and proved to be the same. */
function madeWhenRead(known: Descriptor, open: () => Promise<ByteStream>): ContentSource {
  return {
    exists: () => Promise.resolve(true),
    fetch: async (_, { signal } = {}) => withSignal(verified(gzip(await open()), known), signal),
  };
}

/** Tells whether an upload has failed for what it was: in pieces, or at this moment. */
function mayBeSent({ isOfPlace, error }: MakingFailure): boolean {
  if (!isOfPlace || !(error instanceof RegistryError)) return false;
  return error instanceof UploadError || error.status === 0 || error.status >= 500;
}

/** A place that tells how much of what is fetched was read so far. */
function countedSource(
  source: ContentSource,
  moved: (content: Descriptor, current: number) => void,
): ContentSource {
  return {
    exists: (target, options) => source.exists(target, options),
    fetch: async (target, options) => {
      let current = 0;
      return watched(await source.fetch(target, options), {
        moved: (bytes) => moved(target, current += bytes),
      });
    },
  };
}

/** A place that has more content than another one. */
function withContents(
  source: ContentSource & Partial<Locator>,
  contents: ReadonlyMap<string, ContentSource>,
): ContentSource & Locator {
  return {
    exists: async (target, options) =>
      await (contents.get(target.digest) ?? source).exists(target, options),
    fetch: async (target, options) =>
      await (contents.get(target.digest) ?? source).fetch(target, options),
    locate: async (target, options) =>
      contents.has(target.digest) ? undefined : await source.locate?.(target, options),
  };
}
