import { test } from "node:test";
import assert from "node:assert/strict";
import { readAll, streamFrom, streamOf, verified, verifyBytes } from "../../lib/bytes/mod.ts";
import { digestBytes } from "../../lib/hash/mod.ts";
import {
  DigestMismatchError,
  InvalidDigestError,
  SizeMismatchError,
} from "../../lib/model/errors.ts";
import type { Bytes } from "../../lib/model/bytes.ts";
import type { Descriptor } from "../../lib/model/descriptor.ts";
import { probe } from "./probe.ts";

const content: Bytes = Uint8Array.from({ length: 1000 }, (_, index) => index * 7 & 255);

function describe(bytes: Uint8Array, algorithm: "sha256" | "sha512" = "sha256"): Descriptor {
  return {
    mediaType: "application/octet-stream",
    digest: digestBytes(algorithm, bytes),
    size: bytes.length,
  };
}

function cut(bytes: Bytes, at: number): Bytes[] {
  const chunks: Bytes[] = [];
  for (let i = 0; i < bytes.length; i += at) chunks.push(bytes.slice(i, i + at));
  return chunks;
}

async function collect(stream: ReadableStream<Bytes>): Promise<{ length: number; error: unknown }> {
  const reader = stream.getReader();
  let length = 0;
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return { length, error: undefined };
      length += value.length;
    }
  } catch (error) {
    return { length, error };
  }
}

test("verified() hands on what matches, for every split and both algorithms", async () => {
  for (const algorithm of ["sha256", "sha512"] as const) {
    for (const size of [1, 3, 333, 1000, 5000]) {
      const stream = verified(streamFrom(cut(content, size)), describe(content, algorithm));
      const bytes = await readAll(stream, { maxBytes: 1000 });
      assert.deepEqual(bytes, content, `${algorithm} in chunks of ${size}`);
    }
  }
});

test("verified() accepts empty content", async () => {
  const empty = new Uint8Array();
  assert.deepEqual(
    await readAll(verified(streamOf(empty), describe(empty)), { maxBytes: 0 }),
    empty,
  );
});

test("verified() refuses a wrong digest of empty content", async () => {
  const { error } = await collect(
    verified(streamOf(new Uint8Array()), { ...describe(content), size: 0 }),
  );
  assert.ok(error instanceof DigestMismatchError);
});

test("verified() refuses a flipped byte at any offset before the last chunk is handed on", async () => {
  for (let offset = 0; offset < content.length; offset += 37) {
    const damaged = content.slice();
    damaged[offset] = (damaged[offset] ?? 0) ^ 1;
    const source = probe(cut(damaged, 100));
    const { length, error } = await collect(verified(source.stream, describe(content)));
    assert.ok(error instanceof DigestMismatchError, `offset ${offset}`);
    assert.equal(error.expected, describe(content).digest);
    assert.equal(error.actual, describe(damaged).digest);
    assert.equal(length, 900, `offset ${offset}`);
    assert.equal(source.cancels.length, 1);
  }
});

test("verified() refuses one byte more, hands on at most the size and cancels the source", async () => {
  const endless = probe({
    *[Symbol.iterator]() {
      for (;;) yield new Uint8Array(100);
    },
  });
  const expected = { ...describe(new Uint8Array(1000)) };
  const { length, error } = await collect(verified(endless.stream, expected));
  assert.ok(error instanceof SizeMismatchError);
  assert.equal(error.expected, 1000);
  assert.equal(error.actual, 1001);
  assert.equal(length, 1000);
  assert.equal(endless.pulls, 11);
  assert.equal(endless.cancels.length, 1);
});

test("verified() refuses content that ends early", async () => {
  const { error } = await collect(
    verified(streamOf(content.slice(0, 999)), describe(content)),
  );
  assert.ok(error instanceof SizeMismatchError);
  assert.equal(error.actual, 999);
});

test("verified() passes the error of its source on as the same object", async () => {
  const boom = new Error("boom");
  const source = probe([content.slice(0, 10)], { error: boom });
  assert.equal((await collect(verified(source.stream, describe(content)))).error, boom);
});

test("verified() cancels its source once when the consumer stops", async () => {
  const source = probe(cut(content, 100));
  const reader = verified(source.stream, describe(content)).getReader();
  await reader.read();
  await reader.cancel("enough");
  assert.deepEqual(source.cancels, ["enough"]);
  assert.equal(source.pulls, 1);
});

test("verified() cancels a source that is being waited for", async () => {
  const source = probe([], { stall: true });
  const reader = verified(source.stream, describe(content)).getReader();
  const waiting = reader.read();
  await new Promise((resolve) => setTimeout(resolve, 2));
  await reader.cancel("enough");
  assert.ok((await waiting).done);
  assert.deepEqual(source.cancels, ["enough"]);
});

test("verified() reads no further than its consumer", async () => {
  const source = probe(cut(content, 10));
  const reader = verified(source.stream, describe(content)).getReader();
  for (let i = 0; i < 3; i++) await reader.read();
  await new Promise((resolve) => setTimeout(resolve, 5));
  assert.equal(source.pulls, 3);
  await reader.cancel();
});

test("verified() refuses digests and sizes that cannot be verified", () => {
  const good = describe(content);
  const bad = [
    { ...good, digest: "md5:d41d8cd98f00b204e9800998ecf8427e" },
    { ...good, digest: "sha256:../../../../etc/passwd" },
    { ...good, digest: good.digest.toUpperCase() },
  ];
  for (const descriptor of bad) {
    assert.throws(() => verified(streamOf(content), descriptor), InvalidDigestError);
  }
  for (const size of [-1, 0.5, 2 ** 53, NaN]) {
    assert.throws(() => verified(streamOf(content), { ...good, size }), RangeError);
  }
});

test("verifyBytes() accepts what matches and refuses what does not", () => {
  const descriptor = describe(content);
  verifyBytes(content, descriptor);
  assert.throws(() => verifyBytes(content.slice(1), descriptor), SizeMismatchError);
  const damaged = content.slice();
  damaged[999] = 0;
  assert.throws(() => verifyBytes(damaged, descriptor), DigestMismatchError);
});

test("errors name what was read, what was expected, and what came", async () => {
  const expected = describe(content);
  const wrong = content.slice().reverse();
  const actual = describe(wrong).digest;
  const bytes = (what?: string): Promise<unknown> => {
    try {
      return Promise.resolve(verifyBytes(wrong, expected, { what }));
    } catch (error) {
      return Promise.resolve(error);
    }
  };
  const stream = async (what?: string) =>
    (await collect(verified(streamOf(wrong), expected, { what }))).error;
  for (const read of [bytes, stream]) {
    for (const what of [undefined, "the config of app:1"]) {
      const error = await read(what);
      assert.ok(error instanceof DigestMismatchError);
      assert.equal(
        error.message,
        `Cannot read ${what ?? expected.digest}: it has the digest ${actual}, expected ` +
          expected.digest,
      );
      assert.deepEqual([error.expected, error.actual], [expected.digest, actual]);
    }
  }
});
