import type { Bytes, ByteStream } from "../../model/bytes.ts";
import type { CallOptions } from "../../model/content.ts";

/** An image that is pushed to a registry of version 1. */
export interface V1PushImage {
  /** The ID. */
  readonly id: string;
  /** The document, which names the ID and the parent. */
  readonly raw: Bytes;
  /** Opens the layer, as often as it has to be sent; it may be compressed with gzip. */
  open(options: CallOptions): Promise<ByteStream>;
}
