import { test } from "node:test";
import assert from "node:assert/strict";
import { type Feed, feedOf } from "../../lib/bytes/feed.ts";
import { noteOwnedChunks } from "../../lib/bytes/lineage.ts";
import { concatBytes, streamFrom } from "../../lib/bytes/mod.ts";
import { noteWork, turnOfOthers } from "../../lib/bytes/turns.ts";
import { codecFeed } from "../../lib/compress/_codec_stream.ts";
import type { Bytes } from "../../lib/model/bytes.ts";

const PIECE_BYTES = 262_144;
/** More than is worked on before others get their turn. */
const MUCH: number = 1 << 30;

function chunkOf(length: number, seed: number): Bytes {
  return Uint8Array.from({ length }, (_, at) => at * seed >> 3);
}

test("feedOf() gives chunks whole or in pieces, and nothing is lost between them", async () => {
  const lengths = [10, 600_000, 1, PIECE_BYTES, 300_000, PIECE_BYTES + 1, 900_000, 5];
  const chunks = lengths.map((length, index) => chunkOf(length, index + 3));
  const expected = concatBytes(chunks);
  for (const isOwned of [false, true]) {
    const stream = streamFrom(chunks.map((chunk) => chunk.slice()));
    if (isOwned) noteOwnedChunks(stream);
    const feed = feedOf(stream);
    const pieces: Bytes[] = [];
    for (let piece = await feed.next(); piece !== undefined; piece = await feed.next()) {
      assert.ok(piece.byteLength <= PIECE_BYTES, `${piece.byteLength} bytes`);
      pieces.push(piece.slice());
    }
    assert.deepEqual(concatBytes(pieces), expected, `owned: ${isOwned}`);
    assert.equal(pieces.filter(({ byteLength }) => byteLength === PIECE_BYTES).length, 8);
    assert.equal(await feed.next(), undefined);
  }
});

test("it is the turn of others after some work, and then not again at once", async () => {
  noteWork(MUCH);
  const others = turnOfOthers();
  assert.ok(others !== undefined && turnOfOthers() !== undefined);
  await others;
  assert.equal(turnOfOthers(), undefined);
});

test("a feed that is cancelled while others have their turn gives nothing more", async () => {
  const cancelled: unknown[] = [];
  const stream = new ReadableStream<Bytes>({
    pull: (controller) => controller.enqueue(chunkOf(10, 1)),
    cancel: (reason) => void cancelled.push(reason),
  }, { highWaterMark: 0 });
  const feed = feedOf(stream);
  await feed.next();
  noteWork(MUCH);
  const next = feed.next();
  await feed.cancel("enough");
  assert.equal(await next, undefined);
  assert.deepEqual(cancelled, ["enough"]);
});

test("a codec that is cancelled while others have their turn is not run any more", async () => {
  const cancelled: unknown[] = [];
  const source: Feed = {
    lends: false,
    next: () => chunkOf(10, 1),
    cancel: (reason) => Promise.resolve(void cancelled.push(reason)),
  };
  let isClosed = false;
  const output = chunkOf(3, 1);
  const codec = codecFeed(source, () => ({
    push() {},
    end() {},
    read: () => isClosed ? assert.fail("it is closed") : output,
    close: () => void (isClosed = true),
  }));
  assert.equal(await codec.next(), output);
  noteWork(MUCH);
  const next = codec.next();
  await codec.cancel("enough");
  assert.equal(await next, undefined);
  assert.deepEqual(cancelled, ["enough"]);
});
