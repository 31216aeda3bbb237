import { digestBytes } from "../hash/digest_bytes.ts";
import { digestAlgorithm } from "../model/digest.ts";

/** The digest of bytes, by the algorithm of the one it is compared with. */
export function digestLike(expected: string | undefined, raw: Uint8Array): string {
  return digestBytes(expected === undefined ? "sha256" : digestAlgorithm(expected), raw);
}
