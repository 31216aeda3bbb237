import type { GzipLevel } from "../compress/gzip.ts";
import type { UploadStore } from "../server/upload_store.ts";
import type { TarInput } from "../tar/writer.ts";
import { baseLayers } from "./_base_layers.ts";
import { editImage } from "./_edit_image.ts";
import type { Image } from "./image.ts";
import { linkTarget } from "./_layer_rules.ts";
import { layerPath } from "./layer_path.ts";
import { rewrittenLayers } from "./_rewritten_layers.ts";
import { dateOf, retime, type TimeEdit } from "./_time.ts";

/** Options of {@linkcode rewriteLayers}. */
export interface RewriteLayersOptions {
  /** The paths to take out of every layer, with all that is below them. */
  readonly strip?: readonly string[] | undefined;
  /** The time of all files: seconds since 1970, RFC 3339, or a date. */
  readonly mtime?: number | string | Date | undefined;
  /** Whether only later times are set, and earlier ones stay; default `false`. */
  readonly clamp?: boolean | undefined;
  /** How layers are stored; default as they are. Images of Docker's format have no zstd. */
  readonly compression?: "gzip" | "zstd" | "none" | undefined;
  /** How hard to compress; default 6, of zstd 3. */
  readonly level?: GzipLevel | undefined;
  /**
   * What stays as it is: the number of the lowest layers, or an image whose layers they are.
   * Default 0.
   */
  readonly from?: number | Image | undefined;
  /** Keeps the bytes of new layers; delete the directory of the store afterwards. */
  readonly spool?: UploadStore | undefined;
}

/**
 * Writes the layers of an image anew: without some files, with other times, stored in another way.
 * A layer that nothing changes keeps its bytes; of one that is only stored in another way the archive
 * stays the same, and with it the diffID. The history stays.
 *
 * Nothing is read before the view is used; then each layer is read to know its digest, and again to
 * be pushed. Memory is fixed.
 *
 * @param image The image.
 * @param options What to change.
 * @returns The new image; the old one is unchanged, and nothing is stored before it is pushed. Its
 * methods reject with a `RangeError` when a hard link leads to a file that is taken out and stays
 * itself, with {@linkcode LadingError} of the code `NOT_BASED_ON` when the image is not built on
 * that of `from`, and with {@linkcode UnsupportedMediaTypeError} when one of Docker's format is to
 * have zstd.
 * @throws {RangeError} when the time is none.
 * @throws {UnsafePathError} when a path to be taken out leads out of the root.
 */
export function rewriteLayers(image: Image, options: RewriteLayersOptions): Image {
  const { strip = [], mtime, clamp, compression, level, spool, from = 0 } = options;
  const stripped = strip.map((path) => layerPath(new TextEncoder().encode(path)));
  const time = mtime === undefined ? undefined : { time: dateOf(mtime), clamp };
  const isEdited = stripped.length > 0 || time !== undefined;
  return editImage(image, image.mediaType, async (signal) => {
    const lower = typeof from === "number"
      ? from
      : (await baseLayers(image, from, "rewrite the layers of", signal)).count;
    const editor = isEdited ? () => editorFor(stripped, time) : undefined;
    return await rewrittenLayers(
      image,
      { from: lower, editor, compression, level, spool },
      signal,
    );
  });
}

function editorFor(
  stripped: readonly string[],
  time: TimeEdit | undefined,
): (entry: TarInput) => TarInput | undefined {
  const setTime = time === undefined ? (entry: TarInput) => entry : retime(time);
  const isStripped = (path: string) =>
    stripped.some((gone) => path === gone || path.startsWith(`${gone}/`));
  return (entry) => {
    const path = layerPath(entry.pathBytes ?? new TextEncoder().encode(entry.path));
    if (isStripped(path)) return undefined;
    if (entry.type === "hardlink" && isStripped(linkTarget(entry))) {
      const names = `${JSON.stringify(entry.path)} is another name of`;
      throw new RangeError(`Cannot take ${linkTarget(entry)} out of the layer: ${names} it`);
    }
    return setTime(entry);
  };
}
