import type { HashAlgorithm } from "./hasher.ts";

/**
 * Refuses to go on with a hasher that has given its digest.
 *
 * @throws {TypeError} always.
 */
export function afterDigest(algorithm: HashAlgorithm): never {
  throw new TypeError(`Cannot use a ${algorithm} hasher after its digest`);
}
