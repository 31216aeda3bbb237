import type { Bytes } from "../model/bytes.ts";
import { createResumableHasher } from "./create_hasher.ts";
import type { HashAlgorithm, HasherFactory } from "./hasher.ts";
import { hostHasherFactory } from "./host.ts";

/** Computes a digest over a stream, at once or with promises, as the host can. */
export interface StreamHasher {
  /** The algorithm. */
  readonly algorithm: HashAlgorithm;
  /** Takes in bytes, which must stay as they are until the promise, if any, is fulfilled. */
  update(chunk: Uint8Array): void | Promise<void>;
  /** Ends the computation and gives the digest; call it once. */
  digest(): Bytes | Promise<Bytes>;
}

/** Makes a hasher for a stream; every {@linkcode HasherFactory} is one. */
export type StreamHasherFactory = (algorithm: HashAlgorithm) => StreamHasher;

/** The digest of Cloudflare's workerd: a sink that has the digest when it is closed. */
interface DigestStream extends WritableStream<Uint8Array> {
  readonly digest: Promise<ArrayBuffer>;
}

interface HostCrypto {
  readonly DigestStream?: new (algorithm: string) => DigestStream;
}

const ALGORITHMS = { sha256: "SHA-256", sha512: "SHA-512" } as const;

let offered: HasherFactory = createResumableHasher;

/**
 * Makes the fastest hasher for a stream: the host's own in Node, Deno, Bun and workerd, also in a
 * Worker without `nodejs_compat`; elsewhere the kernel's where the kernel is imported, and lading's
 * plain TypeScript where it is not. The results are identical.
 *
 * @param algorithm The algorithm.
 * @returns The hasher.
 */
export function createStreamHasher(algorithm: HashAlgorithm): StreamHasher {
  return hostStreamHasher(algorithm) ?? offered(algorithm);
}

/**
 * Offers a hasher for streams where the host has none. The registry client must not carry a kernel;
 * who carries one offers it.
 *
 * @param factory Makes the hasher.
 */
export function offerStreamHasher(factory: HasherFactory): void {
  offered = factory;
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
  const stream = new DigestStream(ALGORITHMS[algorithm]);
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
