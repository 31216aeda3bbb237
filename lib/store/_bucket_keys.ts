import type { Bytes } from "../model/bytes.ts";
import type { Descriptor } from "../model/descriptor.ts";
import { digestAlgorithm, isDigest, parseDigest } from "../model/digest.ts";
import type { BucketObject, BucketPutOptions } from "./bucket.ts";

/** What the keys of names begin with; the reference follows as it is. */
export const NAMES = "names/";

/** The path of a digest within a key: `sha256/<hex>`. */
export function digestPath(digest: string): string {
  // Checks the grammar and the length too: nothing else may become a key.
  return `${digestAlgorithm(digest)}/${parseDigest(digest).encoded}`;
}

/** The key of content. */
export function contentKey(digest: string): string {
  return `blobs/${digestPath(digest)}`;
}

/** The key of a root that has no name. */
export function unnamedKey(digest: string): string {
  return `roots/${digestPath(digest)}`;
}

/** What the keys of the referrers of a subject begin with; the path of the referrer follows. */
export function referrersPrefix(subject: string): string {
  return `referrers/${digestPath(subject)}/`;
}

/** Reads the digest that a key ends with. */
export function digestAtEnd(key: string): string | undefined {
  const [encoded = "", algorithm = ""] = key.split("/").reverse();
  const digest = `${algorithm}:${encoded}`;
  return isOwnDigest(digest) ? digest : undefined;
}

/** Tells whether a text is a digest that we can have written. */
function isOwnDigest(text: string): boolean {
  return /^sha(?:256|512):/.test(text) && isDigest(text);
}

/** Writes a descriptor as an object: as metadata, so that lists carry it, and as JSON. */
export function descriptorObject(
  { mediaType, digest, size }: Descriptor,
): { readonly value: Bytes; readonly options: BucketPutOptions } {
  return {
    // What it says is what its etag is made of: a condition on that is one on the descriptor.
    value: new TextEncoder().encode(JSON.stringify({ mediaType, digest, size })),
    options: {
      httpMetadata: { contentType: "application/json" },
      customMetadata: { mediaType, digest, size: String(size) },
    },
  };
}

/** Reads a descriptor from an object; `undefined` of one that is not ours. */
export function descriptorOf({ customMetadata }: BucketObject): Descriptor | undefined {
  const { mediaType = "", digest = "", size = "" } = customMetadata ?? {};
  if (!isOwnDigest(digest) || !/^\d{1,15}$/.test(size)) return undefined;
  return { mediaType, digest, size: Number(size) };
}
