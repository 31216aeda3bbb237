import { decodeBase64 } from "../model/base64.ts";
import type { Bytes } from "../model/bytes.ts";
import type { Descriptor } from "../model/descriptor.ts";
import { digestAlgorithm } from "../model/digest.ts";
import { digestBytes } from "./digest_bytes.ts";

/**
 * Gives the content that a descriptor carries in its `data` (OCI image-spec, descriptor.md), when
 * it is strict base64 and has the size and the digest of the descriptor. Anything else counts as
 * absent: the content is then fetched as usual.
 *
 * @param descriptor A descriptor.
 * @returns The verified content, or `undefined`.
 * @throws {InvalidDigestError} when the digest is of an algorithm that cannot be verified.
 */
export function embeddedContent(descriptor: Descriptor): Bytes | undefined {
  const { data, size, digest } = descriptor;
  // Four digits make three bytes: what is too long is not decoded at all.
  if (data === undefined || data.length > 4 * Math.ceil(size / 3)) return undefined;
  const algorithm = digestAlgorithm(digest);
  try {
    const content = decodeBase64(data);
    return content.length === size && digestBytes(algorithm, content) === digest
      ? content
      : undefined;
  } catch {
    return undefined;
  }
}
