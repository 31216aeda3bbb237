import type { Bytes } from "../model/bytes.ts";
import { createResumableHasher } from "./create_hasher.ts";
import type { HashAlgorithm, Hasher } from "./hasher.ts";
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

/** The digest of Cloudflare's workerd: a sink that has the digest when it is closed. */
interface DigestStream extends WritableStream<Uint8Array> {
  readonly digest: Promise<ArrayBuffer>;
}

interface HostCrypto {
  readonly DigestStream?: new (algorithm: string) => DigestStream;
}

const ALGORITHMS = { sha256: "SHA-256", sha512: "SHA-512" } as const;

/**
 * Makes the fastest hasher for a stream: the host's own in Node, Deno, Bun and workerd, also in a
 * Worker without `nodejs_compat`, and lading's plain TypeScript elsewhere. The results are identical.
 *
 * @param algorithm The algorithm.
 * @returns The hasher.
 */
export function createStreamHasher(algorithm: HashAlgorithm): StreamHasher {
  const host: Hasher | undefined = hostHasherFactory()?.(algorithm);
  if (host !== undefined) return host;
  const { DigestStream } = globalThis.crypto as HostCrypto;
  if (DigestStream === undefined) return createResumableHasher(algorithm);
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
