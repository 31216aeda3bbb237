import { UnsupportedMediaTypeError } from "../model/errors.ts";
import { formatOf } from "../model/image_format.ts";
import { MEDIA_TYPE_OCI_LAYER_ZSTD } from "../model/media_types.ts";

/** Refuses zstd in an image of Docker's format: image manifest version 2, schema 2 has no such layer. */
export function checkZstd(imageType: string): void {
  if (formatOf(imageType) !== "docker") return;
  throw new UnsupportedMediaTypeError(
    "Cannot store the layer as zstd: the image has Docker's format, which has no such layers; " +
      "give the image the format oci first, or store the layer as gzip",
    { mediaType: MEDIA_TYPE_OCI_LAYER_ZSTD },
  );
}
