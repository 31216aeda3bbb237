import type { GzipLevel } from "../compress/gzip.ts";
import type { UploadStore } from "../server/upload_store.ts";
import type { Image } from "./image.ts";

/** Options of `flatten()`. */
export interface FlattenOptions {
  /** How the layer is stored; default gzip. Images of Docker's format have no zstd. */
  readonly compression?: "gzip" | "zstd" | "none" | undefined;
  /** How hard to compress; default 6, of zstd 3. */
  readonly level?: GzipLevel | undefined;
  /** The most paths that the merged tree may have; default 2,000,000. */
  readonly maxEntries?: number | undefined;
  /**
   * Keeps the bytes of the new layer, so that those of the image are read twice and not three times
   * until it is pushed. What is kept stays: delete the directory of the store afterwards.
   */
  readonly spool?: UploadStore | undefined;
}

/** Options of `squash()`. */
export interface SquashOptions extends FlattenOptions {
  /**
   * What stays as it is: the number of the lowest layers, or an image whose layers they are.
   * Default 0: all layers become one.
   */
  readonly from?: number | Image | undefined;
}
