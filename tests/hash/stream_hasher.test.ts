import { test } from "node:test";
import assert from "node:assert/strict";
import {
  createHasher,
  createResumableHasher,
  createStreamHasher,
  hostHasherFactory,
  hostStreamHasher,
  offerHasher,
} from "../../lib/hash/mod.ts";
import { encodeHex } from "../../lib/model/mod.ts";

const ALGORITHMS = ["sha256", "sha512"] as const;

test("createStreamHasher() gives the digests of the plain hasher, for every split", async () => {
  const content = Uint8Array.from({ length: 10_000 }, (_, index) => index * index & 255);
  for (const algorithm of ALGORITHMS) {
    const plain = createResumableHasher(algorithm);
    plain.update(content);
    const expected = encodeHex(plain.digest());
    for (const size of [1, 63, 64, 1000, 10_000]) {
      const hasher = createStreamHasher(algorithm);
      assert.equal(hasher.algorithm, algorithm);
      for (let at = 0; at < content.length; at += size) {
        await hasher.update(content.subarray(at, at + size));
      }
      assert.equal(encodeHex(await hasher.digest()), expected, `${algorithm} by ${size}`);
    }
  }
});

test("createStreamHasher() has read a chunk when its promise is fulfilled", async () => {
  for (const algorithm of ALGORITHMS) {
    const plain = createResumableHasher(algorithm);
    const hasher = createStreamHasher(algorithm);
    const chunk = new Uint8Array(100_000);
    for (let round = 0; round < 20; round++) {
      // The same memory each time, as a kernel lends it.
      chunk.fill(round);
      plain.update(chunk);
      await hasher.update(chunk);
    }
    assert.equal(encodeHex(await hasher.digest()), encodeHex(plain.digest()), algorithm);
  }
});

test("createStreamHasher() gives the digest of nothing", async () => {
  const hasher = createStreamHasher("sha256");
  const digest = await hasher.digest();
  assert.equal(encodeHex(digest).slice(0, 8), "e3b0c442");
});

test("hostStreamHasher() finds the digest of the host, also in a Worker without Node's", () => {
  const isHost = hostHasherFactory() !== undefined || "DigestStream" in globalThis.crypto;
  assert.equal(hostStreamHasher("sha256") !== undefined, isHost);
});

test("createStreamHasher() takes what was offered for long content, createHasher() for all, where the host has no digest", async () => {
  const isHost = hostStreamHasher("sha256") !== undefined;
  const isHostSync = hostHasherFactory() !== undefined;
  let made = 0;
  offerHasher((algorithm) => {
    made++;
    return createResumableHasher(algorithm);
  });
  try {
    const hasher = createStreamHasher("sha256");
    await hasher.update(new Uint8Array(1_000_000));
    await hasher.digest();
    assert.equal(made, isHost ? 0 : 1);
    made = 0;
    createHasher("sha512").digest();
    assert.equal(made, isHostSync ? 0 : 1);
  } finally {
    offerHasher(createResumableHasher);
  }
});
