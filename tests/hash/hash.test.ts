import { test } from "node:test";
import assert from "node:assert/strict";
import {
  chainIDs,
  createHasher,
  digestBytes,
  embeddedContent,
  type HashAlgorithm,
  type HasherFactory,
  hostHasherFactory,
  sha256Hasher,
  sha512Hasher,
} from "../../lib/hash/mod.ts";
import { encodeBase64, encodeHex } from "../../lib/model/mod.ts";
import { corpusJSON } from "../support/corpus.ts";

const ALGORITHMS: readonly HashAlgorithm[] = ["sha256", "sha512"];

const WEB_NAMES = { sha256: "SHA-256", sha512: "SHA-512" } as const;

const plain: HasherFactory = (algorithm) =>
  algorithm === "sha256" ? sha256Hasher() : sha512Hasher();

/** Bytes that do not repeat with any power of two. */
function noise(length: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(length);
  let state = length + 1;
  for (let i = 0; i < length; i++) {
    state = (state * 1103515245 + 12345) % 0x80000000;
    bytes[i] = state >> 16;
  }
  return bytes;
}

function hash(factory: HasherFactory, algorithm: HashAlgorithm, ...chunks: Uint8Array[]): string {
  const hasher = factory(algorithm);
  for (const chunk of chunks) hasher.update(chunk);
  return encodeHex(hasher.digest());
}

async function webHash(algorithm: HashAlgorithm, bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  return encodeHex(new Uint8Array(await crypto.subtle.digest(WEB_NAMES[algorithm], bytes)));
}

test("the hashers have the vectors of FIPS 180-4", () => {
  const bytes = new TextEncoder().encode(
    "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
  );
  const vectors: [HashAlgorithm, Uint8Array, string][] = [
    [
      "sha256",
      bytes.subarray(0, 3),
      "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
    ],
    ["sha256", bytes, "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"],
    [
      "sha256",
      new Uint8Array(0),
      "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    ],
    [
      "sha512",
      bytes.subarray(0, 3),
      "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a" +
      "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
    ],
  ];
  for (const [algorithm, message, expected] of vectors) {
    assert.equal(hash(plain, algorithm, message), expected, algorithm);
    assert.equal(hash(createHasher, algorithm, message), expected, algorithm);
    assert.equal(digestBytes(algorithm, message), `${algorithm}:${expected}`);
  }
});

test("all hashers agree with Web Crypto for every length up to 300, in any split", async () => {
  for (const algorithm of ALGORITHMS) {
    for (let length = 0; length <= 300; length++) {
      const bytes = noise(length);
      const expected = await webHash(algorithm, bytes);
      const cuts = [0, 1, 63, 64, 65, 127, 128, 129, Math.floor(length / 2), length - 1];
      for (const cut of cuts.filter((position) => position >= 0 && position <= length)) {
        const chunks = [bytes.subarray(0, cut), bytes.subarray(cut)];
        assert.equal(hash(plain, algorithm, ...chunks), expected, `${algorithm} ${length} ${cut}`);
      }
      assert.equal(hash(createHasher, algorithm, bytes), expected, `${algorithm} ${length}`);
    }
  }
});

test("all hashers agree with Web Crypto in single bytes, odd chunks and one large piece", async () => {
  const bytes = noise(100_003);
  for (const algorithm of ALGORITHMS) {
    const expected = await webHash(algorithm, bytes);
    for (const size of [1, 61, 64, 4096, 65_537, bytes.length]) {
      const chunks: Uint8Array[] = [];
      for (let at = 0; at < bytes.length; at += size) chunks.push(bytes.subarray(at, at + size));
      assert.equal(hash(plain, algorithm, ...chunks), expected, `${algorithm} by ${size}`);
      assert.equal(hash(createHasher, algorithm, ...chunks), expected, `${algorithm} by ${size}`);
    }
  }
});

test("hashers that are used at the same time do not disturb each other", () => {
  const bytes = noise(1000);
  for (const algorithm of ALGORITHMS) {
    const [left, right] = [plain(algorithm), plain(algorithm)];
    for (let at = 0; at < 1000; at += 50) {
      left.update(bytes.subarray(at, at + 50));
      right.update(bytes.subarray(950 - at, 1000 - at));
    }
    assert.equal(encodeHex(left.digest()), hash(plain, algorithm, bytes));
    assert.notEqual(encodeHex(right.digest()), hash(plain, algorithm, bytes));
  }
});

test("a hasher does not keep the bytes it was given", () => {
  const bytes = noise(100);
  const expected = hash(plain, "sha256", bytes);
  const hasher = sha256Hasher();
  hasher.update(bytes);
  bytes.fill(0);
  assert.equal(encodeHex(hasher.digest()), expected);
});

test("a hasher is done after its digest", () => {
  for (const algorithm of ALGORITHMS) {
    for (const hasher of [plain(algorithm), createHasher(algorithm)]) {
      hasher.digest();
      assert.throws(() => hasher.digest(), /after its digest/);
      assert.throws(() => hasher.update(new Uint8Array(1)), /after its digest/);
    }
  }
});

test("the host's hash is used where there is one, and gives plain bytes", () => {
  const factory = hostHasherFactory();
  const hasProcess = "process" in globalThis;
  assert.ok(hasProcess || factory === undefined);
  const digest = createHasher("sha256").digest();
  assert.equal(Object.getPrototypeOf(digest), Uint8Array.prototype);
  assert.equal(digest.byteLength, digest.buffer.byteLength);
});

test("chainIDs() agrees with the image-spec", async () => {
  const { cases } = await corpusJSON<
    { cases: { name: string; digests: string[]; expected: string[] }[] }
  >("tables/chainid.json");
  for (const row of cases) assert.deepEqual(chainIDs(row.digests), row.expected, row.name);
});

test("embeddedContent() gives content only when size and digest are right", () => {
  const content = new TextEncoder().encode("{}");
  const descriptor = {
    mediaType: "application/vnd.oci.empty.v1+json",
    digest: digestBytes("sha256", content),
    size: 2,
    data: encodeBase64(content),
  };
  assert.deepEqual([...embeddedContent(descriptor) ?? []], [...content]);
  const wrong = [
    { data: "e30" },
    { data: "e31=" },
    { data: "W10=" },
    { data: "" },
    { data: "e30=".repeat(1000) },
    { size: 3 },
    { digest: digestBytes("sha256", new Uint8Array(2)) },
  ];
  for (const change of wrong) {
    assert.equal(embeddedContent({ ...descriptor, ...change }), undefined, JSON.stringify(change));
  }
  const { data: _, ...bare } = descriptor;
  assert.equal(embeddedContent(bare), undefined);
});
