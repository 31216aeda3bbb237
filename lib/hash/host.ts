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

/** Globals of Deno and workerd, which have a `process` as Node has. */
const OTHERS = ["Deno", "WebSocketPair"];

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
  if (host.Bun?.CryptoHasher !== undefined) return true;
  // The first look at `process` takes Deno 15 ms, that at `navigator` takes Node 0.2.
  return !OTHERS.some((name) => name in globalThis) && host.process !== undefined;
}

function probe(): HasherFactory | undefined {
  try {
    const start = hostHash();
    if (start === undefined) return undefined;
    const factory: HasherFactory = (algorithm) => hostHasher(algorithm, start(algorithm));
    return isWorking(factory) ? factory : undefined;
  } catch {
    // A polyfill may have the names and throw when they are used.
    return undefined;
  }
}

/** Finds what starts a hash. Bun takes 5 ms to load Node's, and is as fast with its own. */
function hostHash(): ((algorithm: HashAlgorithm) => HostHash) | undefined {
  const host = globalThis as Host;
  const { CryptoHasher } = host.Bun ?? {};
  if (CryptoHasher !== undefined) return (algorithm) => new CryptoHasher(algorithm);
  const crypto = host.process?.getBuiltinModule?.("node:crypto") as HostCrypto | undefined;
  if (typeof crypto?.createHash !== "function") return undefined;
  return (algorithm) => crypto.createHash(algorithm);
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

function hostHasher(algorithm: HashAlgorithm, hash: HostHash): Hasher {
  let isDone = false;
  const open = (): HostHash => {
    // Bun's own would begin a new message.
    if (isDone) throw new TypeError(`Cannot use a ${algorithm} hasher after its digest`);
    return hash;
  };
  return {
    algorithm,
    update: (chunk) => void open().update(chunk),
    digest(): Bytes {
      const digest = open().digest();
      isDone = true;
      // The host's own subclass of Uint8Array stays inside.
      return new Uint8Array(digest);
    },
  };
}
