import type { Bytes } from "../model/bytes.ts";
import type { HashAlgorithm, Hasher, HasherFactory } from "./hasher.ts";

/** The little of the host's hash module that is used. */
interface HostHash {
  update(chunk: Uint8Array): unknown;
  digest(): Uint8Array;
}

interface HostCrypto {
  createHash(algorithm: string): HostHash;
}

interface HostProcess {
  getBuiltinModule?: (name: string) => unknown;
}

interface Host {
  readonly process?: HostProcess;
}

/** Globals of Deno, Bun and workerd, which all have a `process` as Node has. */
const OTHERS = ["Deno", "Bun", "WebSocketPair"];

let probed: HasherFactory | false | undefined;

/**
 * Finds the host's own synchronous hash: Node, Deno and Bun have one, browsers do not. It is
 * looked up once, with no import, so that bundlers and edge workers have nothing to resolve.
 *
 * @returns A factory, or `undefined` where there is none.
 */
export function hostHasherFactory(): HasherFactory | undefined {
  probed ??= probe() ?? false;
  return probed === false ? undefined : probed;
}

/**
 * Gives the host's own synchronous hash when that takes no time: when it was found before, or in
 * Node, whose `fetch` has loaded it. Deno, Bun and workerd have it for compatibility, and take 2 to
 * 5 ms to load it.
 *
 * @returns A factory, or `undefined` where there is none yet.
 */
export function readyHasherFactory(): HasherFactory | undefined {
  return probed === undefined && !isNode() ? undefined : hostHasherFactory();
}

function isNode(): boolean {
  // The first look at `process` takes Deno 15 ms, that at `navigator` takes Node 0.2.
  const isOther = OTHERS.some((name) => name in globalThis);
  return !isOther && (globalThis as Host).process !== undefined;
}

function probe(): HasherFactory | undefined {
  try {
    const { process } = globalThis as Host;
    const crypto = process?.getBuiltinModule?.("node:crypto") as HostCrypto | undefined;
    if (typeof crypto?.createHash !== "function") return undefined;
    const factory: HasherFactory = (algorithm) => hostHasher(crypto, algorithm);
    return isWorking(factory) ? factory : undefined;
  } catch {
    // A polyfill may have the names and throw when they are used.
    return undefined;
  }
}

/** Hashes "abc": the first bytes must be those of FIPS 180-4. */
function isWorking(factory: HasherFactory): boolean {
  const prefixes = { sha256: [0xba, 0x78, 0x16, 0xbf], sha512: [0xdd, 0xaf, 0x35, 0xa1] };
  return (["sha256", "sha512"] as const).every((algorithm) => {
    const hasher = factory(algorithm);
    hasher.update(Uint8Array.of(97, 98, 99));
    const hash = hasher.digest();
    return prefixes[algorithm].every((byte, index) => hash[index] === byte);
  });
}

function hostHasher(crypto: HostCrypto, algorithm: HashAlgorithm): Hasher {
  const hash = crypto.createHash(algorithm);
  return {
    algorithm,
    update: (chunk) => void hash.update(chunk),
    // The host's own subclass of Uint8Array stays inside.
    digest: (): Bytes => new Uint8Array(hash.digest()),
  };
}
