import { test } from "node:test";
import assert from "node:assert/strict";
import { concatBytes } from "../../lib/bytes/concat.ts";
import { inLargePieces } from "../../lib/bytes/large_pieces.ts";
import { ownsChunks } from "../../lib/bytes/lineage.ts";
import { readAll } from "../../lib/bytes/read_all.ts";
import type { Bytes, ByteStream } from "../../lib/model/bytes.ts";

/** Whether this host can: workerd. */
const CAN = "readAtLeast" in (globalThis.ReadableStreamBYOBReader?.prototype ?? {});

const SIZE = 1_000_003;

function content(size: number = SIZE): Bytes {
  return Uint8Array.from({ length: size }, (_, at) => (at * 7 + (at >> 8)) & 255);
}

/** A stream of bytes that gives pieces, and then closes or fails. */
function byteStream(
  pieces: Iterable<Bytes>,
  { error, cancelled }: { error?: unknown; cancelled?: (reason: unknown) => void } = {},
): ByteStream {
  const iterator = pieces[Symbol.iterator]();
  return new ReadableStream({
    type: "bytes",
    pull(controller) {
      const { done, value } = iterator.next();
      if (!done) return controller.enqueue(value);
      if (error !== undefined) return controller.error(error);
      controller.close();
      controller.byobRequest?.respond(0);
    },
    cancel: (reason) => cancelled?.(reason),
  }, { highWaterMark: 0 }) as ByteStream;
}

function* cut(bytes: Bytes, length: number): Generator<Bytes> {
  for (let at = 0; at < bytes.length; at += length) yield bytes.slice(at, at + length);
}

async function lengthsOf(stream: ByteStream): Promise<number[]> {
  const reader = stream.getReader();
  const lengths: number[] = [];
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return lengths;
    lengths.push(value.byteLength);
  }
}

test("inLargePieces() gives the bytes of a body of the host, in large pieces where it can", async () => {
  const bytes = content();
  const open = () => inLargePieces(new Response(bytes).body as ByteStream, SIZE);
  assert.deepEqual(await readAll(open(), { maxBytes: SIZE }), bytes);
  assert.equal(ownsChunks(open()), CAN);
  const lengths = await lengthsOf(open());
  if (CAN) assert.deepEqual(lengths, [524_288, SIZE - 524_288]);
});

test("inLargePieces() puts small pieces together, whatever their length", async () => {
  const bytes = content(700_000);
  for (const length of [1000, 4096, 16_384, 70_001, 700_000]) {
    const stream = inLargePieces(byteStream(cut(bytes, length)), bytes.length);
    const lengths = await lengthsOf(stream);
    assert.equal(lengths.reduce((sum, part) => sum + part, 0), bytes.length, `${length}`);
    if (CAN) assert.ok(lengths.slice(0, -1).every((part) => part >= 262_144), `${lengths}`);
    const again = inLargePieces(byteStream(cut(bytes, length)), bytes.length);
    assert.deepEqual(await readAll(again, { maxBytes: bytes.length }), bytes, `${length}`);
  }
});

test("inLargePieces() gives a piece memory of its own, which later reads leave alone", async () => {
  const bytes = content();
  const reader = inLargePieces(byteStream(cut(bytes, 50_000)), SIZE).getReader();
  const pieces: Bytes[] = [];
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    pieces.push(value);
  }
  assert.equal(new Set(pieces.map(({ buffer }) => buffer)).size, pieces.length);
  assert.deepEqual(concatBytes(pieces), bytes);
});

test("inLargePieces() gives the same bytes where full pieces follow short ones", async () => {
  const bytes = content(3_000_000);
  const lengths = [300_000, 600_000, 600_000, 270_000, 530_000, 700_000];
  const parts: Bytes[] = [];
  for (let at = 0, part = 0; part < lengths.length; at += lengths[part++] ?? 0) {
    parts.push(bytes.slice(at, at + (lengths[part] ?? 0)));
  }
  const stream = inLargePieces(byteStream(parts), bytes.length);
  assert.deepEqual(await readAll(stream, { maxBytes: bytes.length }), bytes);
});

test("inLargePieces() gives what comes before an end that comes early, or at once", async () => {
  for (const size of [0, 1, 32_768, 262_143, 262_144, 262_145]) {
    const bytes = content(size);
    const stream = inLargePieces(byteStream(cut(bytes, 32_768)), SIZE);
    assert.deepEqual(await readAll(stream, { maxBytes: SIZE }), bytes, `${size}`);
  }
});

test("inLargePieces() goes on where there is more than was said", async () => {
  const bytes = content(400_000);
  const stream = inLargePieces(new Response(bytes).body as ByteStream, 200_000);
  assert.deepEqual(await readAll(stream, { maxBytes: SIZE }), bytes);
});

test("inLargePieces() reads on when it has ended", async () => {
  const reader = inLargePieces(byteStream(cut(content(40_000), 40_000)), SIZE).getReader();
  assert.equal((await reader.read()).value?.byteLength, 40_000);
  for (let reads = 0; reads < 3; reads++) assert.equal((await reader.read()).done, true);
});

test("inLargePieces() hands the error of the source on, the same object, behind what came", async () => {
  const error = new Error("the connection broke");
  const reader = inLargePieces(byteStream(cut(content(300_000), 300_000), { error }), SIZE)
    .getReader();
  assert.equal((await reader.read()).value?.byteLength, 300_000);
  await assert.rejects(reader.read(), (found) => found === error);
  await assert.rejects(reader.read(), (found) => found === error);
});

test("inLargePieces() cancels its source with the reason, also while a read waits", async () => {
  for (const isWaiting of [false, true]) {
    const reasons: unknown[] = [];
    const silent = new ReadableStream({
      type: "bytes",
      pull: () => new Promise<void>(() => {}),
      cancel: (reason) => void reasons.push(reason),
    }, { highWaterMark: 0 }) as ByteStream;
    const reader = inLargePieces(silent, SIZE).getReader();
    const read = isWaiting ? reader.read() : undefined;
    await reader.cancel("enough");
    assert.deepEqual(reasons, ["enough"]);
    assert.equal((await read)?.done ?? true, true);
  }
});

test("inLargePieces() gives other streams back: short ones, those of chunks, locked ones", async () => {
  const short = byteStream(cut(content(1000), 100));
  assert.equal(inLargePieces(short, 131_072), short);
  assert.equal(short.locked, false);
  const chunks: ByteStream = new ReadableStream<Bytes>({
    start(controller) {
      controller.enqueue(content(10));
      controller.close();
    },
  });
  assert.equal(inLargePieces(chunks, SIZE), chunks);
  assert.deepEqual(await readAll(chunks, { maxBytes: 10 }), content(10));
  const locked = byteStream([content(10)]);
  const reader = locked.getReader();
  assert.equal(inLargePieces(locked, SIZE), locked);
  assert.deepEqual((await reader.read()).value, content(10));
});
