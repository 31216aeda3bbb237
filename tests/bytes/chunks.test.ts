import { test } from "node:test";
import assert from "node:assert/strict";
import { chunksOf, streamOfChunks } from "../../lib/bytes/chunks.ts";
import { readAll, streamFrom, streamOf, through } from "../../lib/bytes/mod.ts";
import type { Bytes, ByteStream } from "../../lib/model/bytes.ts";

const [one, two, three] = [1, 2, 3].map((byte) => Uint8Array.of(byte)) as [Bytes, Bytes, Bytes];

async function bytesOf(stream: ByteStream): Promise<number[]> {
  return [...await readAll(stream, { maxBytes: 10 })];
}

test("chunksOf() gives the chunks of a stream that nothing was read of, and locks it", async () => {
  const stream = streamFrom([one, two]);
  const chunks = chunksOf(stream);
  assert.equal(stream.locked, true);
  assert.equal(await chunks.next(), one);
  assert.equal(await chunks.next(), two);
  assert.equal(await chunks.next(), undefined);
});

test("chunksOf() goes on where a reader has stopped", async () => {
  const stream = streamFrom([one, two, three]);
  const reader = stream.getReader();
  assert.equal((await reader.read()).value, one);
  reader.releaseLock();
  const chunks = chunksOf(stream);
  assert.deepEqual([await chunks.next(), await chunks.next()], [two, three]);
  assert.equal(await chunks.next(), undefined);
});

test("chunksOf() refuses a stream that somebody reads", () => {
  const stream = streamOf(one);
  stream.getReader();
  assert.throws(() => chunksOf(stream), TypeError);
});

test("chunksOf() gives nothing of a stream that was cancelled", async () => {
  const stream = streamOf(one);
  await stream.cancel();
  assert.equal(await chunksOf(stream).next(), undefined);
});

test("streams of streams end with the first source, and hand its error on", async () => {
  const hand = (stream: ByteStream) => through(stream, { chunk: (chunk) => chunk });
  assert.deepEqual(await bytesOf(hand(hand(streamFrom([one, new Uint8Array(0), two])))), [1, 2]);
  const failure = new Error("the disk is gone");
  const failing = streamOfChunks({
    next: () => Promise.reject(failure),
    cancel: () => Promise.resolve(),
  });
  await assert.rejects(bytesOf(hand(hand(failing))), (error) => error === failure);
});

test("a cancel passes through streams of streams, and frees the one that was given", async () => {
  const reasons: unknown[] = [];
  const source = streamOfChunks({
    next: () => one,
    cancel: (reason) => Promise.resolve(void reasons.push(reason)),
  });
  const handed = through(source, { chunk: (chunk) => chunk, end: () => assert.fail("no end") });
  const reader = through(handed, { chunk: (chunk) => chunk }).getReader();
  assert.equal((await reader.read()).value, one);
  await reader.cancel("enough");
  assert.deepEqual(reasons, ["enough"]);
  assert.equal(source.locked, false);
});
