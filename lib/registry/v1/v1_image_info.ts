import type { ParsedV1Image } from "./v1_image.ts";

/** An image of version 1, and what the registry says of its layer. */
export interface V1ImageInfo extends ParsedV1Image {
  /** The bytes of the layer as it is stored, where the registry says it. */
  readonly size?: number | undefined;
  /** The checksum of the document, a line feed and the layer, where the registry says it. */
  readonly payloadChecksum?: string | undefined;
}
