import { formatDigest } from "../model/digest.ts";
import { createHasher } from "./create_hasher.ts";
import type { HashAlgorithm } from "./hasher.ts";

/**
 * Computes the digest of bytes, synchronously.
 *
 * @param algorithm The algorithm.
 * @param bytes The content.
 * @returns The digest, such as `sha256:` and 64 hexadecimal digits.
 */
export function digestBytes(algorithm: HashAlgorithm, bytes: Uint8Array): string {
  const hasher = createHasher(algorithm);
  hasher.update(bytes);
  return formatDigest(algorithm, hasher.digest());
}
