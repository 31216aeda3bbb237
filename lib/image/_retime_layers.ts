import { writeTar } from "../tar/writer.ts";
import { formatOf, typeIn } from "./_format.ts";
import type { Image } from "./image.ts";
import { type Layer, layerContent, openLayer } from "./layer.ts";
import { rewrittenInputs } from "./_layer_inputs.ts";
import { newLayer } from "./_new_layer.ts";
import { dateOf, type Time } from "./_time.ts";

/** Writes the layers of an image anew, with one time for all files. */
export async function retimeLayers(
  image: Image,
  time: Time,
  signal: AbortSignal,
): Promise<Layer[]> {
  const mtimeNs = BigInt(dateOf(time).getTime()) * 1_000_000n;
  const format = formatOf(image.mediaType);
  const layers: Layer[] = [];
  for (const layer of await image.layers({ signal })) {
    const isPlain = !/gzip|zstd/.test(layer.descriptor().mediaType);
    const compression = isPlain ? "none" : "gzip";
    const made = await newLayer({
      storing: compression,
      compression,
      open: async (signal) =>
        writeTar(rewrittenInputs(await layer.uncompressed({ signal }), { mtimeNs })),
    }, { signal });
    const { annotations: _annotations, data: _data, urls: _urls, ...rest } = layer.descriptor();
    const { mediaType, digest, size } = made.descriptor();
    const descriptor = { ...rest, mediaType: typeIn(format, mediaType), digest, size };
    layers.push(openLayer(layerContent(made), descriptor, await made.diffID()));
  }
  return layers;
}
