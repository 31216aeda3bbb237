import type { Bytes } from "../model/bytes.ts";
import { afterDigest } from "./after_digest.ts";
import type { HashAlgorithm, Hasher, HasherFactory } from "./hasher.ts";

/** The little of the host's hash module that is used. */
interface HostHash {
  update(chunk: Uint8Array): unknown;
  digest(): Uint8Array;
}

interface HostCrypto {
  createHash(algorithm: string): HostHash;
}

interface HostBun {
  readonly CryptoHasher?: new (algorithm: string) => HostHash;
}

interface HostProcess {
  getBuiltinModule?: (name: string) => unknown;
}

interface Host {
  readonly Bun?: HostBun;
  readonly process?: HostProcess;
}

let probed: HasherFactory | false | undefined;

/**
 * Finds the host's own synchronous hash: Node, Deno and Bun have one, browsers do not. It is
 * looked up once, with no import, so that bundlers and edge workers have nothing to resolve.
 *
 * @returns A factory, or `undefined` where there is none.
 */
export function hostHasherFactory(): HasherFactory | undefined {
  probed ??= probe() ?? false;
  return probed || undefined;
}

/**
 * Gives the host's own synchronous hash when that takes no time: when it was found before, in Bun,
 * which has one of its own, or in Node, whose `fetch` has loaded it. Deno and workerd have Node's for
 * compatibility, and take 2 to 7 ms to load it.
 *
 * @returns A factory, or `undefined` where there is none yet.
 */
export function readyHasherFactory(): HasherFactory | undefined {
  return probed === undefined && !isReady() ? undefined : hostHasherFactory();
}

function isReady(): boolean {
  const host = globalThis as Host;
  // Deno and workerd have a `process` as Node has: the first look at it takes Deno 15 ms. That at
  // `navigator` takes Node 0.2.
  const isOther = "Deno" in host || "WebSocketPair" in host;
  return !isOther && (host.Bun ?? host.process) !== undefined;
}

function probe(): HasherFactory | undefined {
  try {
    const factory = hostFactory();
    return factory && isWorking(factory) ? factory : undefined;
  } catch {
    // A polyfill may have the names and throw when they are used.
    return undefined;
  }
}

/** Finds what makes hashers. Bun takes 5 ms to load Node's, and is as fast with its own. */
function hostFactory(): HasherFactory | undefined {
  const host = globalThis as Host;
  const { CryptoHasher } = host.Bun ?? {};
  if (CryptoHasher) return (algorithm) => hostHasher(algorithm, new CryptoHasher(algorithm));
  const crypto = host.process?.getBuiltinModule?.("node:crypto") as HostCrypto | undefined;
  return crypto && ((algorithm) => hostHasher(algorithm, crypto.createHash(algorithm)));
}

/** Hashes "abc": the first word must be that of FIPS 180-4. One algorithm stands for both. */
function isWorking(factory: HasherFactory): boolean {
  const hasher = factory("sha256");
  hasher.update(Uint8Array.of(97, 98, 99));
  return new DataView(hasher.digest().buffer).getUint32(0) === 0xba7816bf;
}

function hostHasher(algorithm: HashAlgorithm, hash: HostHash): Hasher {
  // Bun's own would begin a new message after its digest.
  let open: HostHash | undefined = hash;
  return {
    algorithm,
    update: (chunk) => void (open ?? afterDigest(algorithm)).update(chunk),
    digest(): Bytes {
      const digest = (open ?? afterDigest(algorithm)).digest();
      open = undefined;
      // The host's own subclass of Uint8Array stays inside.
      return new Uint8Array(digest);
    },
  };
}
