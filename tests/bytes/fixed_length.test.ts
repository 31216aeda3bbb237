import { test } from "node:test";
import assert from "node:assert/strict";
import { fixedLength } from "../../lib/bytes/fixed_length.ts";
import { noteOwnedChunks } from "../../lib/bytes/lineage.ts";
import { readAll } from "../../lib/bytes/read_all.ts";
import { streamFrom } from "../../lib/bytes/stream_from.ts";
import type { Bytes, ByteStream } from "../../lib/model/bytes.ts";

/** Whether this host knows streams that have a length: workerd. */
const CAN = "FixedLengthStream" in globalThis;

const PIECE = Uint8Array.from({ length: 100_000 }, (_, at) => (at * 11) & 255);

/** The piece three times, and some of nothing in between; then an error, if there is one. */
function chunks(error?: unknown): { stream: ByteStream; given: Bytes[]; ended: () => boolean } {
  const given: Bytes[] = [];
  let isEnded = false;
  const make = function* (): Generator<Bytes> {
    try {
      for (let times = 0; times < 3; times++) {
        const piece = PIECE.slice();
        given.push(piece);
        yield piece;
        yield new Uint8Array(0);
      }
      if (error !== undefined) throw error;
    } finally {
      isEnded = true;
    }
  };
  return { stream: streamFrom(make()), given, ended: () => isEnded };
}

async function until(claim: () => boolean): Promise<void> {
  for (let turns = 0; !claim() && turns < 1000; turns++) {
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  assert.ok(claim());
}

test("fixedLength() gives the same bytes, and chunks that others hold stay as they are", async () => {
  const { stream, given, ended } = chunks();
  const bytes = await readAll(fixedLength(stream, 300_000), { maxBytes: 300_000 });
  assert.deepEqual(bytes, new Uint8Array([...PIECE, ...PIECE, ...PIECE]));
  for (const piece of given) assert.deepEqual(piece, PIECE);
  assert.equal(ended(), true);
});

test("fixedLength() gives the same bytes of chunks that it may free, and frees them", async () => {
  const { stream, given } = chunks();
  noteOwnedChunks(stream);
  const bytes = await readAll(fixedLength(stream, 300_000), { maxBytes: 300_000 });
  assert.deepEqual(bytes, new Uint8Array([...PIECE, ...PIECE, ...PIECE]));
  if (CAN) await until(() => given.every((piece) => piece.byteLength === 0));
});

test("fixedLength() breaks off where the source fails, or has another length", async () => {
  const failing = chunks(new Error("the disk is broken"));
  const broken = fixedLength(failing.stream, 400_000);
  await assert.rejects(readAll(broken, { maxBytes: 400_000 }), /the disk is broken/);
  for (const length of [299_999, 300_001]) {
    const reading = readAll(fixedLength(chunks().stream, length), { maxBytes: 400_000 });
    if (CAN) await assert.rejects(reading);
    else assert.equal((await reading).byteLength, 300_000);
  }
});

test("fixedLength() cancels its source when its reader wants no more", async () => {
  const { stream, given, ended } = chunks();
  const reader = fixedLength(stream, 300_000).getReader();
  await reader.read();
  await reader.cancel("enough");
  await until(ended);
  assert.ok(given.length <= 2);
});

test("fixedLength() cancels its source and breaks off when the signal aborts", async () => {
  const whole = chunks().stream;
  if (!CAN) return assert.equal(fixedLength(whole, 300_000, AbortSignal.abort()), whole);
  for (const isEarly of [true, false]) {
    const abort = new AbortController();
    const reasons: unknown[] = [];
    const silent: ByteStream = new ReadableStream<Bytes>({
      pull: () => new Promise<void>(() => {}),
      cancel: (reason) => void reasons.push(reason),
    }, { highWaterMark: 0 });
    const reason = new Error("no more of it");
    if (isEarly) abort.abort(reason);
    const reading = readAll(fixedLength(silent, 300_000, abort.signal), { maxBytes: 300_000 });
    if (!isEarly) setTimeout(() => abort.abort(reason), 1);
    await assert.rejects(reading, /no more of it/);
    await until(() => reasons.length === 1);
    assert.equal(reasons[0], reason);
  }
});
