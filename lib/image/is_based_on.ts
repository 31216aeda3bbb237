import type { CallOptions } from "../model/content.ts";
import type { Image } from "./image.ts";

/**
 * Tells whether an image is built on another one: whether the layers of that one are its lowest
 * ones, by their diffIDs. Only the configs are read.
 *
 * @param image The image.
 * @param base What it may be built on.
 * @param options A signal.
 * @returns Whether it is; of an image without layers everything is.
 */
export async function isBasedOn(
  image: Image,
  base: Image,
  options: CallOptions = {},
): Promise<boolean> {
  const [upper, lower] = [await image.config(options), await base.config(options)];
  return lower.rootfs.diff_ids.every((diffID, i) => diffID === upper.rootfs.diff_ids[i]);
}
