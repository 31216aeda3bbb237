import { test } from "node:test";
import assert from "node:assert/strict";
import process from "node:process";
import { BATCH_BYTES, inBatches } from "../../lib/cli/_batches.ts";
import { processOutput } from "../../lib/cli/process_output.ts";
import { streamFrom } from "../../lib/bytes/stream_from.ts";
import type { Bytes } from "../../lib/model/bytes.ts";

/** A byte that no reporter of tests writes alone. */
const MARK = 0x07;

function chunk(bytes: number): Bytes {
  return new Uint8Array(bytes).fill(MARK);
}

async function* chunksOf(
  sizes: readonly number[],
  error?: Error,
): AsyncGenerator<Bytes, void, undefined> {
  for (const size of sizes) yield chunk(size);
  if (error !== undefined) throw error;
}

test("chunks are joined as far as a batch has room, and long ones are given as they are", async () => {
  const half = BATCH_BYTES / 2;
  const sizes = [1, half, half, half, 0, BATCH_BYTES, 3 * BATCH_BYTES, 5, 6];
  const done: number[] = [];
  const batches: number[] = [];
  for await (const batch of inBatches(chunksOf(sizes), ({ length }) => done.push(length))) {
    assert.ok(batch.every((byte) => byte === MARK));
    batches.push(batch.length);
  }
  assert.deepEqual(batches, [1 + half, 2 * half, BATCH_BYTES, 3 * BATCH_BYTES, 11]);
  assert.deepEqual(done, sizes);
});

test("what came before an error is given before it", async () => {
  const failure = new Error("the source is gone");
  const batches = inBatches(chunksOf([3, 4], failure), () => {});
  assert.equal((await batches.next()).value?.length, 7);
  assert.equal(await batches.next().catch((error: unknown) => error), failure);
});

test("whoever takes no more batches ends the source", async () => {
  let isEnded = false;
  const endless = async function* (): AsyncGenerator<Bytes, void, undefined> {
    try {
      for (;;) yield chunk(1000);
    } finally {
      isEnded = true;
    }
  };
  for await (const _ of inBatches(endless(), () => {})) break;
  assert.ok(isEnded);
});

test("the answer of many small chunks is written in few pieces, and waits until each is taken", async () => {
  const written: number[] = [];
  const { write } = process.stdout;
  let isWriting = false;
  const take = (piece: unknown, ...rest: unknown[]): boolean => {
    const isOurs = piece instanceof Uint8Array && piece.every((byte) => byte === MARK);
    const taken = rest.at(-1);
    if (!isOurs || typeof taken !== "function") {
      return Reflect.apply(write, process.stdout, [piece, ...rest]);
    }
    assert.ok(!isWriting);
    isWriting = true;
    written.push(piece.length);
    queueMicrotask(() => {
      isWriting = false;
      taken();
    });
    return false;
  };
  process.stdout.write = take as typeof write;
  try {
    const sizes = Array.from({ length: 1000 }, () => 512);
    await processOutput({ quiet: true }).bytes(streamFrom(chunksOf(sizes)));
  } finally {
    process.stdout.write = write;
  }
  assert.equal(written.reduce((sum, bytes) => sum + bytes, 0), 512_000);
  assert.equal(written.length, Math.ceil(512_000 / BATCH_BYTES));
});
