import type { CallOptions, ContentSource } from "../model/content.ts";
import type { Descriptor } from "../model/descriptor.ts";

/** Where the blobs of schema 1 are, of which only the digests are known. */
export interface BlobSource extends ContentSource {
  resolveBlob(digest: string, options?: CallOptions): Promise<Descriptor>;
}
