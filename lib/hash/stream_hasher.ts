import { offeredHasher } from "./create_hasher.ts";
import type { HashAlgorithm, HasherFactory, StreamHasher } from "./hasher.ts";
import { hostHasherFactory, readyHasherFactory } from "./host.ts";
import { ShortContentHasher, webName } from "./_short_content_hasher.ts";

/** The digest of Cloudflare's workerd: a sink that has the digest when it is closed. */
interface DigestStream extends WritableStream<Uint8Array> {
  readonly digest: Promise<ArrayBuffer>;
}

interface HostCrypto {
  readonly DigestStream?: new (algorithm: string) => DigestStream;
}

/**
 * Makes the fastest hasher for a stream: the host's own in Node, Deno, Bun and workerd, also in a
 * Worker without `nodejs_compat`; elsewhere the kernel's where the kernel is imported, and lading's
 * plain TypeScript where it is not. Where none of them is ready yet, contents of at most 256 KiB go
 * to WebCrypto, which has nothing to load or to compile. The results are identical.
 *
 * @param algorithm The algorithm.
 * @param otherwise Makes the hasher where the host has none; default the one that was offered.
 * @returns The hasher.
 */
export function createStreamHasher(
  algorithm: HashAlgorithm,
  otherwise: HasherFactory = offeredHasher,
): StreamHasher {
  const ready = readyHasherFactory();
  if (ready !== undefined) return ready(algorithm);
  const long = () => hostStreamHasher(algorithm) ?? otherwise(algorithm);
  // Pages that came without TLS have no WebCrypto.
  const subtle: SubtleCrypto | undefined = globalThis.crypto.subtle;
  return subtle === undefined ? long() : new ShortContentHasher(algorithm, subtle, long);
}

/**
 * Tells whether the host has a hash that takes pieces.
 *
 * @returns Whether {@linkcode hostStreamHasher} makes one.
 */
export function hasHostStreamHasher(): boolean {
  const { DigestStream } = globalThis.crypto as HostCrypto;
  return DigestStream !== undefined || hostHasherFactory() !== undefined;
}

/**
 * Makes a hasher of the host for a stream.
 *
 * @param algorithm The algorithm.
 * @returns The hasher, or `undefined` where there is none.
 */
export function hostStreamHasher(algorithm: HashAlgorithm): StreamHasher | undefined {
  const factory = hostHasherFactory();
  if (factory !== undefined) return factory(algorithm);
  const { DigestStream } = globalThis.crypto as HostCrypto;
  if (DigestStream === undefined) return undefined;
  const stream = new DigestStream(webName(algorithm));
  const writer = stream.getWriter();
  return {
    algorithm,
    update: (chunk) => writer.write(chunk),
    async digest() {
      await writer.close();
      return new Uint8Array(await stream.digest);
    },
  };
}
