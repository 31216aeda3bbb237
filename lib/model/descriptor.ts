import type { Platform } from "./platform.ts";

/**
 * Points at content by media type, digest and size (OCI image-spec, descriptor.md). Fields that
 * lading does not know survive a round trip.
 */
export interface Descriptor {
  /** The media type of the content, as RFC 6838 writes it. */
  readonly mediaType: string;
  /** The digest of the bytes as stored: `sha256:<64 hex>` or `sha512:<128 hex>`. */
  readonly digest: string;
  /** The number of bytes as stored. */
  readonly size: number;
  /** Other places to fetch the content from; never used unless asked for. */
  readonly urls?: readonly string[];
  /** Free key-value pairs of the content's author. */
  readonly annotations?: Readonly<Record<string, string>>;
  /** The content itself, in base64; used only when size and digest match. */
  readonly data?: string;
  /** The type of the artifact when the descriptor points at one. */
  readonly artifactType?: string;
  /** The platform the image is for, in the entries of an index. */
  readonly platform?: Platform;
}
