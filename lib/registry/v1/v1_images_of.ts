import { concatBytes } from "../../bytes/concat.ts";
import { streamOf } from "../../bytes/stream_from.ts";
import { digestBytes } from "../../hash/digest_bytes.ts";
import { decodeBase64 } from "../../model/base64.ts";
import type { Bytes } from "../../model/bytes.ts";
import type { ContentSource } from "../../model/content.ts";
import type { Descriptor } from "../../model/descriptor.ts";
import { parseDigest } from "../../model/digest.ts";
import { InvalidConfigError, UnsupportedMediaTypeError } from "../../model/errors.ts";
import type { HistoryEntry, ParsedImageConfig } from "../../model/image_config.ts";
import { type JSONObject, parseJSONObject } from "../../model/json_object.ts";
import type { V1PushImage } from "./v1_push_image.ts";

/** A tar archive without entries, compressed, as Docker's engine wrote it for empty layers. */
const EMPTY_LAYER: Bytes = decodeBase64("H4sIAAAJbogA/2IYBaNgFIxYAAgAAP//Lq+17wAEAAA=");

/** The digest of {@linkcode EMPTY_LAYER}. */
const EMPTY_DIGEST = "sha256:a3ed95caeb02ffe68cdd9fd84406680ae93d633cb16422d00e8a7c22955b46d4";

/**
 * Makes images of version 1 out of an image of schema 2 or of the OCI: one for each step of its
 * history. The IDs are those that Docker's engine computes for manifests of schema 1, so that the
 * same layers are the same images for everybody.
 *
 * @param source Where the layers are.
 * @param config The config with its bytes.
 * @param layers The layers of the manifest, base first.
 * @returns The images, base first.
 * @throws {InvalidConfigError} when history and layers do not belong together.
 * @throws {UnsupportedMediaTypeError} when a layer is compressed with zstd, which no such registry
 * has a reader for.
 */
export function v1ImagesOf(
  source: ContentSource,
  config: ParsedImageConfig,
  layers: readonly Descriptor[],
): V1PushImage[] {
  const steps = stepsOf(config, layers);
  const images: V1PushImage[] = [];
  for (const [index, { history, layer }] of steps.entries()) {
    const parent = images.at(-1)?.id;
    const isTop = index === steps.length - 1;
    const blob = parseDigest(layer?.digest ?? EMPTY_DIGEST).encoded;
    const chain = `${blob} ${parent ?? ""}`;
    const fields = isTop ? topFields(config) : lowerFields(history);
    const seed = isTop ? [utf8(`${chain} `), config.raw] : [utf8(chain)];
    const id = hashOf(seed);
    images.push({
      id,
      raw: utf8(JSON.stringify({ ...fields, id, ...(parent === undefined ? {} : { parent }) })),
      open: (options) =>
        layer === undefined
          ? Promise.resolve(streamOf(EMPTY_LAYER.slice()))
          : source.fetch(layer, options),
    });
  }
  return images;
}

/** A step of the history, with its layer unless it changed no file. */
interface Step {
  readonly history: HistoryEntry;
  readonly layer: Descriptor | undefined;
}

function stepsOf({ value }: ParsedImageConfig, layers: readonly Descriptor[]): Step[] {
  const zstd = layers.find(({ mediaType }) => mediaType.endsWith("zstd"));
  if (zstd !== undefined) {
    const { mediaType } = zstd;
    throw new UnsupportedMediaTypeError(
      `Cannot make an image of version 1: the layer ${zstd.digest} is compressed with zstd`,
      { mediaType },
    );
  }
  const history = value.history ?? [];
  const steps: readonly HistoryEntry[] = history.length > 0 ? history : layers.map(() => ({}));
  const left = [...layers];
  const all = steps.map((history): Step => ({
    history,
    layer: history.empty_layer === true ? undefined : left.shift() ?? misfit(),
  }));
  return left.length === 0 && all.length > 0 ? all : misfit();
}

function misfit(): never {
  throw new InvalidConfigError(
    "Cannot make an image of version 1: the history has not as many layers as the manifest",
    { input: "history" },
  );
}

/** The newest image has the config, but for what only newer images have. */
function topFields({ raw }: ParsedImageConfig): JSONObject {
  const document = parseJSONObject(raw, raw.byteLength, (reason) => {
    throw new InvalidConfigError(`Cannot read the config: ${reason}`, { input: "config" });
  });
  delete document.rootfs;
  delete document.history;
  return document;
}

function lowerFields({ created, created_by: command, author, comment }: HistoryEntry): JSONObject {
  return {
    ...(created === undefined ? {} : { created }),
    ...(author === undefined ? {} : { author }),
    ...(comment === undefined ? {} : { comment }),
    container_config: { Cmd: command === undefined ? [] : [command] },
  };
}

function hashOf(parts: readonly Bytes[]): string {
  return parseDigest(digestBytes("sha256", concatBytes(parts))).encoded;
}

function utf8(text: string): Bytes {
  return new TextEncoder().encode(text);
}
