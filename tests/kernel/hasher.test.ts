import { test } from "node:test";
import assert from "node:assert/strict";
import {
  encodeHashState,
  type HashAlgorithm,
  resumeHasher,
  sha256Hasher,
  sha512Hasher,
} from "../../lib/hash/mod.ts";
import type { Bytes } from "../../lib/model/bytes.ts";
import { encodeHex } from "../../lib/model/mod.ts";
import { KERNELS, pieces, randomNumbers } from "./_kernels.ts";

const ALGORITHMS: readonly HashAlgorithm[] = ["sha256", "sha512"];
const WEB_NAMES = { sha256: "SHA-256", sha512: "SHA-512" } as const;

function noise(length: number, seed: number): Bytes {
  const next = randomNumbers(seed);
  return Uint8Array.from({ length }, () => next() & 0xff);
}

test("the kernel's hashes have the values of FIPS 180-4", () => {
  const abc = new TextEncoder().encode("abc");
  const expected = {
    sha256: "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
    sha512: "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a" +
      "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
  };
  for (const kernel of KERNELS) {
    for (const algorithm of ALGORITHMS) {
      const hasher = kernel.hasher(algorithm);
      hasher.update(abc);
      assert.equal(encodeHex(hasher.digest()), expected[algorithm], kernel.kind);
      assert.throws(() => hasher.update(abc), TypeError);
      assert.throws(() => hasher.digest(), TypeError);
    }
  }
});

test("the kernel's hashes are those of the host for every length", async () => {
  const bytes = noise(300, 1);
  const lengths = [...bytes.keys(), 4095, 4096, 4097, 131071, 131072, 131073, 400_001];
  for (const length of lengths) {
    const message = length <= bytes.length ? bytes.slice(0, length) : noise(length, length);
    for (const algorithm of ALGORITHMS) {
      const host = await crypto.subtle.digest(WEB_NAMES[algorithm], message);
      const expected = encodeHex(new Uint8Array(host));
      for (const kernel of KERNELS) {
        const hasher = kernel.hasher(algorithm);
        hasher.update(message);
        assert.equal(encodeHex(hasher.digest()), expected, `${kernel.kind} ${algorithm} ${length}`);
      }
    }
  }
});

test("a hash does not depend on how its input is cut, nor on other hashes between", () => {
  const next = randomNumbers(3);
  const message = noise(5000, 2);
  for (const algorithm of ALGORITHMS) {
    const plain = algorithm === "sha256" ? sha256Hasher() : sha512Hasher();
    plain.update(message);
    const expected = encodeHex(plain.digest());
    for (const kernel of KERNELS) {
      for (const cut of [1, 63, 64, 65, 127, 128, 129, () => next() % 300]) {
        const hasher = kernel.hasher(algorithm);
        const other = kernel.hasher("sha256");
        for (const piece of pieces(message, cut)) {
          hasher.update(piece);
          other.update(piece.subarray(1));
        }
        assert.equal(encodeHex(hasher.digest()), expected, `${kernel.kind} cut ${String(cut)}`);
      }
    }
  }
});

test("a hash is stored by one kernel and continued by another", () => {
  const message = noise(700, 4);
  for (const algorithm of ALGORITHMS) {
    const whole = KERNELS[1]?.hasher(algorithm) ?? assert.fail();
    whole.update(message);
    const expected = encodeHex(whole.digest());
    for (const first of KERNELS) {
      for (const second of KERNELS) {
        for (const at of [0, 1, 63, 64, 111, 112, 127, 128, 300, 700]) {
          const hasher = first.hasher(algorithm);
          hasher.update(message.subarray(0, at));
          const state = hasher.exportState();
          const later = second.hasher(algorithm, { state });
          later.update(message.subarray(at));
          const what = `${first.kind} to ${second.kind} ${algorithm} at ${at}`;
          assert.equal(encodeHex(later.digest()), expected, what);
          const resumed = resumeHasher(state);
          resumed.update(message.subarray(at));
          assert.equal(encodeHex(resumed.digest()), expected, what);
          hasher.update(message.subarray(at));
          assert.equal(encodeHex(hasher.digest()), expected, `${what}, went on`);
        }
      }
    }
  }
});

test("a state of another algorithm, or of no algorithm, is refused", () => {
  for (const kernel of KERNELS) {
    const state = kernel.hasher("sha512").exportState();
    assert.throws(() => kernel.hasher("sha256", { state }), TypeError, kernel.kind);
    assert.throws(() => kernel.hasher("sha512", { state: state.slice(1) }), TypeError);
    assert.throws(() => kernel.hasher("sha512", { state: new Uint8Array(0) }), TypeError);
  }
});

test("the bit count is right above 2^29, 2^32 and 2^50 bytes", () => {
  for (const algorithm of ALGORITHMS) {
    const wordCount = algorithm === "sha256" ? 8 : 16;
    for (
      const byteCount of [2 ** 29 - 128, 2 ** 29, 2 ** 32 - 128, 2 ** 32, 2 ** 50, 2 ** 53 - 256]
    ) {
      const state = encodeHashState({
        algorithm,
        byteCount,
        words: new Int32Array(wordCount).fill(byteCount % 1000),
        pending: new Uint8Array(0),
      });
      for (const length of [0, 5, 119, 128]) {
        const digests = KERNELS.map((kernel) => {
          const hasher = kernel.hasher(algorithm, { state });
          hasher.update(noise(length, length));
          return encodeHex(hasher.digest());
        });
        assert.equal(digests[0], digests[1], `${algorithm} after ${byteCount} + ${length} bytes`);
      }
    }
  }
});
