import { sha256 as nobleSHA256, sha512 as nobleSHA512 } from "@noble/hashes/sha2.js";
import { createSHA256, createSHA512, type IHasher } from "hash-wasm";
import { digestBytes, sha256Hasher } from "../../lib/hash/mod.ts";
import { type HashAlgorithm, loadKernel } from "../../lib/kernel/mod.ts";
import { formatDigest } from "../../lib/model/digest.ts";
import { encodeHex } from "../../lib/model/hex.ts";
import { type BenchLayer, CHUNK_BYTES, chunks, type Entrant, entrant } from "./_bench.ts";
import { crypto, digestStreamHasher, zlib } from "./_host.ts";
import { sampleOf } from "./_sample.ts";

interface AnyHasher {
  update(chunk: Uint8Array): unknown;
  digest(): Uint8Array | Promise<Uint8Array>;
}

const subtle = globalThis.crypto.subtle;

/** hash-wasm compiles when it is first used, which workerd forbids: it is no peer there. */
async function hashWASM(algorithm: HashAlgorithm): Promise<IHasher | undefined> {
  try {
    return await (algorithm === "sha256" ? createSHA256() : createSHA512());
  } catch {
    return undefined;
  }
}

/** The quarters of the content as four messages that take turns. */
function fourMessages(content: Uint8Array): Entrant {
  const kernel = loadKernel({ kind: "wasm" });
  const bytes = content.length >> 2;
  const quarters = [0, 1, 2, 3].map((index) =>
    content.subarray(index * bytes, (index + 1) * bytes)
  );
  const rounds = quarters.map((quarter) => [...chunks(quarter)]);
  const expected = quarters.map((quarter) => digestBytes("sha256", quarter)).join();
  return entrant("kernel, four messages at once", expected, () => {
    const hashers = rounds.map(() => kernel.hasher("sha256"));
    for (let at = 0; at * CHUNK_BYTES < bytes; at++) {
      rounds.forEach((pieces, index) => hashers[index]?.update(pieces[at] as Uint8Array));
    }
    return hashers.map((hasher) => formatDigest("sha256", hasher.digest())).join();
  });
}

function hashes(algorithm: HashAlgorithm) {
  return async ({ bytes }: BenchLayer): Promise<readonly Entrant[]> => {
    const kernel = loadKernel({ kind: "wasm" });
    const content = sampleOf(bytes);
    const all = [...chunks(content)];
    const isShort = algorithm === "sha256";
    const first = kernel.hasher(algorithm);
    for (const chunk of all) first.update(chunk);
    const expected = encodeHex(first.digest());
    const add = (name: string, start: () => AnyHasher): Entrant =>
      entrant(name, expected, async () => {
        const hasher = start();
        for (const chunk of all) {
          const ready = hasher.update(chunk);
          if (ready instanceof Promise) await ready;
        }
        return encodeHex(await hasher.digest());
      });
    const peer = await hashWASM(algorithm);
    const noble = isShort ? nobleSHA256 : nobleSHA512;
    const entrants = [
      add("kernel", () => kernel.hasher(algorithm)),
      add("@noble/hashes", () => noble.create()),
      entrant(
        "crypto.subtle, at once",
        expected,
        async () =>
          encodeHex(new Uint8Array(await subtle.digest(isShort ? "SHA-256" : "SHA-512", content))),
      ),
    ];
    if (peer !== undefined) {
      const start = (): AnyHasher => {
        peer.init();
        return { update: (chunk) => peer.update(chunk), digest: () => peer.digest("binary") };
      };
      entrants.push(add("hash-wasm", start));
    }
    if (isShort) entrants.push(fourMessages(content), add("plain TypeScript", sha256Hasher));
    if (isShort && digestStreamHasher !== undefined) {
      entrants.push(add("crypto.DigestStream", digestStreamHasher));
    }
    const host = crypto;
    if (host !== undefined) entrants.push(add("node:crypto", () => host.createHash(algorithm)));
    return entrants;
  };
}

/** SHA-256 of the first bytes of a layer. */
export const sha256: (layer: BenchLayer) => Promise<readonly Entrant[]> = hashes("sha256");
/** SHA-512 of the first bytes of a layer. */
export const sha512: (layer: BenchLayer) => Promise<readonly Entrant[]> = hashes("sha512");

/** CRC-32 of the first bytes of a layer. */
export function crc32({ bytes }: BenchLayer): Promise<readonly Entrant[]> {
  const kernel = loadKernel({ kind: "wasm" });
  const plain = loadKernel({ kind: "js" });
  const all = [...chunks(sampleOf(bytes))];
  const over = (continued: (chunk: Uint8Array, seed: number) => number): number =>
    all.reduce((seed, chunk) => continued(chunk, seed), 0);
  const expected = over((chunk, seed) => plain.crc32(chunk, seed));
  const add = (name: string, continued: (chunk: Uint8Array, seed: number) => number): Entrant =>
    entrant(name, expected, () => over(continued));
  const host = zlib?.crc32;
  return Promise.resolve([
    add("kernel", (chunk, seed) => kernel.crc32(chunk, seed)),
    add("plain TypeScript", (chunk, seed) => plain.crc32(chunk, seed)),
    ...(host === undefined ? [] : [add("node:zlib", (chunk, seed) => host(chunk, seed))]),
  ]);
}
