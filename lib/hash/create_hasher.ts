import type { HashAlgorithm, Hasher, HasherFactory, ResumableHasher } from "./hasher.ts";
import { hostHasherFactory } from "./host.ts";
import { sha256Hasher } from "./sha256.ts";
import { sha512Hasher } from "./sha512.ts";
import { decodeHashState } from "./state.ts";

let offered: HasherFactory = createResumableHasher;

/**
 * Makes the fastest synchronous hasher at hand: the host's own in Node, Deno and Bun, elsewhere the
 * kernel's where the kernel is imported, and lading's plain TypeScript where it is not. The results
 * are identical.
 *
 * @param algorithm The algorithm.
 * @returns The hasher.
 *
 * @example Hash bytes that come in pieces
 * ```ts
 * import { createHasher } from "./mod.ts";
 *
 * const hasher = createHasher("sha256");
 * hasher.update(new TextEncoder().encode("hello, "));
 * hasher.update(new TextEncoder().encode("world"));
 * console.log(hasher.digest().length); // 32
 * ```
 */
export function createHasher(algorithm: HashAlgorithm): Hasher {
  return hostHasherFactory()?.(algorithm) ?? offeredHasher(algorithm);
}

/**
 * Offers a hasher where the host has none. The registry client must not carry a kernel; who carries
 * one offers it.
 *
 * @param factory Makes the hasher.
 */
export function offerHasher(factory: HasherFactory): void {
  offered = factory;
}

/**
 * Makes the hasher that was offered, lading's plain TypeScript where none was.
 *
 * @param algorithm The algorithm.
 * @returns The hasher.
 */
export function offeredHasher(algorithm: HashAlgorithm): Hasher {
  return offered(algorithm);
}

/**
 * Makes a hasher whose state can be written down, in plain TypeScript.
 *
 * @param algorithm The algorithm.
 * @returns The hasher.
 */
export function createResumableHasher(algorithm: HashAlgorithm): ResumableHasher {
  return algorithm === "sha256" ? sha256Hasher() : sha512Hasher();
}

/**
 * Continues a computation that was written down, in plain TypeScript.
 *
 * @param state What {@linkcode ResumableHasher.exportState} gave.
 * @returns A hasher that stands where the other one stood.
 * @throws {TypeError} when the bytes are no state, or one of another build.
 */
export function resumeHasher(state: Uint8Array): ResumableHasher {
  return decodeHashState(state).algorithm === "sha256" ? sha256Hasher(state) : sha512Hasher(state);
}
