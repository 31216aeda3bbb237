import { test } from "node:test";
import assert from "node:assert/strict";
import {
  createResumableHasher,
  decodeHashState,
  encodeHashState,
  type HashAlgorithm,
  resumeHasher,
  sha256Hasher,
  sha512Hasher,
} from "../../lib/hash/mod.ts";
import { encodeHex } from "../../lib/model/mod.ts";

const ALGORITHMS: readonly HashAlgorithm[] = ["sha256", "sha512"];

function counting(length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, index) => index * 31);
}

test("a computation resumes from its state at every position", () => {
  const bytes = counting(300);
  for (const algorithm of ALGORITHMS) {
    const whole = createResumableHasher(algorithm);
    whole.update(bytes);
    const expected = encodeHex(whole.digest());
    for (let cut = 0; cut <= bytes.length; cut++) {
      const first = createResumableHasher(algorithm);
      first.update(bytes.subarray(0, cut));
      const state = first.exportState();
      assert.ok(state.length < 256);
      const second = resumeHasher(state);
      assert.equal(second.algorithm, algorithm);
      second.update(bytes.subarray(cut));
      assert.equal(encodeHex(second.digest()), expected, `${algorithm} at ${cut}`);
      first.update(bytes.subarray(cut));
      assert.equal(encodeHex(first.digest()), expected, `${algorithm} goes on at ${cut}`);
    }
  }
});

// The length at the end of a message is in bits (FIPS 180-4 §5.1): 2^29 bytes need a 33rd bit, 2^32
// a 36th. The count is set in a state of zero blocks, because hashing 4 GiB takes too long.
test("messages of more than 2^29 and 2^32 bytes have the right length at their end", () => {
  for (const algorithm of ALGORITHMS) {
    const blockBytes = algorithm === "sha256" ? 64 : 128;
    const start = decodeHashState(createResumableHasher(algorithm).exportState());
    for (
      const byteCount of [2 ** 29 - blockBytes, 2 ** 29, 2 ** 32, 2 ** 32 + blockBytes, 2 ** 45]
    ) {
      const resumed = resumeHasher(encodeHashState({ ...start, byteCount }));
      const digest = encodeHex(resumed.digest());
      assert.equal(digest, paddedByHand(algorithm, byteCount), `${algorithm} ${byteCount}`);
    }
  }
});

/** Hashes the padding of a message as one more block: what is left is its chaining value. */
function paddedByHand(algorithm: HashAlgorithm, byteCount: number): string {
  const hasher = createResumableHasher(algorithm);
  const block = new Uint8Array(algorithm === "sha256" ? 64 : 128);
  block[0] = 0x80;
  new DataView(block.buffer).setBigUint64(block.length - 8, BigInt(byteCount) * 8n);
  hasher.update(block);
  const { words } = decodeHashState(hasher.exportState());
  const out = new DataView(new ArrayBuffer(4 * words.length));
  words.forEach((word, index) => out.setInt32(4 * index, word));
  return encodeHex(new Uint8Array(out.buffer));
}

test("states of another build, algorithm or length are refused", () => {
  const hasher = sha256Hasher();
  hasher.update(counting(70));
  const state = hasher.exportState();
  const changed = (at: number, byte: number): Uint8Array => {
    const copy = new Uint8Array(state);
    copy[at] = byte;
    return copy;
  };
  const wrong = [
    new Uint8Array(0),
    state.subarray(0, 13),
    state.subarray(0, -1),
    Uint8Array.of(...state, 0),
    ...[0, 1, 2, 3].map((at) => changed(at, (state[at] ?? 0) ^ 1)),
    changed(4, 0),
    changed(4, 2),
    changed(4, 3),
    changed(5, 1),
    changed(6, 0x80),
    changed(13, 71),
  ];
  for (const [index, bytes] of wrong.entries()) {
    assert.throws(() => resumeHasher(bytes), TypeError, String(index));
  }
  assert.throws(() => sha512Hasher(state), /of sha256/);
  assert.equal(encodeHex(resumeHasher(state).digest()), encodeHex(hasher.digest()));
});
