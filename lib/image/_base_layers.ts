import { LadingError } from "../model/errors.ts";
import type { ImageConfig } from "../model/image_config.ts";
import type { Image } from "./image.ts";

/**
 * Counts the layers of a base, which have to be the lowest ones of an image, by their diffIDs: the
 * same layer may be compressed in two ways.
 */
export async function baseLayers(
  image: Image,
  base: Image,
  verb: string,
  signal: AbortSignal,
): Promise<{ readonly count: number; readonly config: ImageConfig; readonly base: ImageConfig }> {
  const [config, below] = [await image.config({ signal }), await base.config({ signal })];
  const [upper, lower] = [config.rootfs.diff_ids, below.rootfs.diff_ids];
  const differs = lower.findIndex((diffID, i) => diffID !== upper[i]);
  if (differs < 0) return { count: lower.length, config, base: below };
  const reason = lower.length > upper.length
    ? `it has ${upper.length} layers, the base ${lower.length}`
    : `layer ${differs} is ${upper[differs] ?? "not there"}, that of the base ${lower[differs]}`;
  const [digest, baseDigest] = [await image.digest({ signal }), await base.digest({ signal })];
  throw new LadingError(
    "NOT_BASED_ON",
    `Cannot ${verb} ${digest}: it is not based on ${baseDigest}: ${reason}`,
  );
}
