// In a file of its own: where each file has modules of its own, nothing has asked the host before.
import { test } from "node:test";
import assert from "node:assert/strict";
import { ShortContentHasher } from "../../lib/hash/_short_content_hasher.ts";
import { readyHasherFactory } from "../../lib/hash/host.ts";
import {
  createResumableHasher,
  createStreamHasher,
  digestContent,
  hostHasherFactory,
  type StreamHasher,
} from "../../lib/hash/mod.ts";
import { encodeHex } from "../../lib/model/mod.ts";

const SHORT_BYTES = 262_144;
const ALGORITHMS = ["sha256", "sha512"] as const;

const content = Uint8Array.from(
  { length: SHORT_BYTES + 70_000 },
  (_, index) => index * 31 + (index >> 9),
);

/** Hashes bytes piece by piece, each in the same memory as the one before. */
async function digestOf(hasher: StreamHasher, bytes: Uint8Array, pieceBytes: number) {
  const memory = new Uint8Array(pieceBytes);
  for (let at = 0; at < bytes.length; at += pieceBytes) {
    const piece = bytes.subarray(at, at + pieceBytes);
    memory.set(piece);
    await hasher.update(memory.subarray(0, piece.length));
  }
  return encodeHex(await hasher.digest());
}

function plainDigest(algorithm: (typeof ALGORITHMS)[number], bytes: Uint8Array): string {
  const hasher = createResumableHasher(algorithm);
  hasher.update(bytes);
  return encodeHex(hasher.digest());
}

test("short content is hashed without asking for the hash of the host, long content with it", async () => {
  const before = readyHasherFactory();
  const short = content.subarray(0, 65_536);
  assert.equal(
    await digestOf(createStreamHasher("sha256"), short, 10_000),
    plainDigest("sha256", short),
  );
  const digest = await digestContent("sha512", short);
  assert.equal(readyHasherFactory(), before);
  assert.equal(digest, `sha512:${plainDigest("sha512", short)}`);
  assert.equal(
    await digestOf(createStreamHasher("sha256"), content, 65_536),
    plainDigest("sha256", content),
  );
  assert.equal(readyHasherFactory(), hostHasherFactory());
});

test("content of at most 256 KiB goes to WebCrypto, and to nobody else", async () => {
  for (const algorithm of ALGORITHMS) {
    for (const length of [0, 1, 65_536, SHORT_BYTES]) {
      for (const pieceBytes of [1021, 65_536, SHORT_BYTES]) {
        const hasher = new ShortContentHasher(algorithm, crypto.subtle, () => {
          throw new Error("it is not long");
        });
        assert.equal(hasher.algorithm, algorithm);
        const bytes = content.subarray(0, length);
        assert.equal(
          await digestOf(hasher, bytes, pieceBytes),
          plainDigest(algorithm, bytes),
          `${algorithm}, ${length} bytes by ${pieceBytes}`,
        );
      }
    }
  }
});

test("longer content goes to the hasher for it, whole and in order, and to WebCrypto never", async () => {
  const subtle = {
    digest: () => Promise.reject(new Error("it is long")),
  } as unknown as SubtleCrypto;
  for (const algorithm of ALGORITHMS) {
    for (const length of [SHORT_BYTES + 1, content.length]) {
      for (const pieceBytes of [1021, 65_536, SHORT_BYTES, content.length]) {
        let made = 0;
        const hasher = new ShortContentHasher(algorithm, subtle, () => {
          made++;
          return createResumableHasher(algorithm);
        });
        const bytes = content.subarray(0, length);
        const name = `${algorithm}, ${length} bytes by ${pieceBytes}`;
        assert.equal(
          await digestOf(hasher, bytes, pieceBytes),
          plainDigest(algorithm, bytes),
          name,
        );
        assert.equal(made, 1, name);
      }
    }
  }
});

test("what was kept is read before a hasher with promises is given the next piece", async () => {
  const events: string[] = [];
  const long: StreamHasher = {
    algorithm: "sha256",
    async update(chunk) {
      events.push(`begin ${chunk.byteLength}`);
      await Promise.resolve();
      events.push(`end ${chunk.byteLength}`);
    },
    digest: () => Promise.resolve(new Uint8Array(32)),
  };
  const hasher = new ShortContentHasher("sha256", crypto.subtle, () => long);
  assert.equal(hasher.update(content.subarray(0, 200_000)), undefined);
  await hasher.update(content.subarray(0, 100_000));
  await hasher.update(content.subarray(0, 5));
  assert.deepEqual(events, [
    ...["begin 200000", "end 200000", "begin 100000", "end 100000"],
    ...["begin 5", "end 5"],
  ]);
  assert.equal((await hasher.digest()).length, 32);
});
