import { formatDigest } from "../model/digest.ts";
import type { HashAlgorithm } from "./hasher.ts";
import { createStreamHasher } from "./stream_hasher.ts";

/**
 * Computes the digest of bytes with what is ready for them; see {@linkcode createStreamHasher}.
 *
 * @param algorithm The algorithm.
 * @param bytes The content, which must stay as it is until the promise is fulfilled.
 * @returns The digest, such as `sha256:` and 64 hexadecimal digits.
 */
export async function digestContent(
  algorithm: HashAlgorithm,
  bytes: Uint8Array,
): Promise<string> {
  const hasher = createStreamHasher(algorithm);
  await hasher.update(bytes);
  return formatDigest(algorithm, await hasher.digest());
}
