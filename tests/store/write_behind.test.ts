import { test } from "node:test";
import assert from "node:assert/strict";
import type { Bytes } from "../../lib/model/bytes.ts";
import { createHasher } from "../../lib/hash/mod.ts";
import { formatDigest } from "../../lib/model/mod.ts";
import { type FileWriter, memoryFileSystem, ociLayout } from "../../lib/store/mod.ts";
import { MAX_BATCH_BYTES, WriteBehind } from "../../lib/store/_write_behind.ts";

const MIB = 1024 * 1024;

/** A writer that keeps what it is given, and says when a write is done. */
function slowWriter(failAt = Infinity) {
  const written: Bytes[] = [];
  const waiting: (() => void)[] = [];
  let isWriting = false;
  const writer: FileWriter = {
    async write(chunk) {
      assert.equal(isWriting, false, "one write at a time");
      isWriting = true;
      await new Promise<void>((resolve) => waiting.push(resolve));
      // A writer reads the bytes up to the end of the write.
      written.push(chunk.slice());
      isWriting = false;
      if (written.length === failAt) throw new Error("disk");
    },
    sync: () => Promise.resolve(),
    close: () => Promise.resolve(),
  };
  return { writer, written, finish: () => waiting.splice(0).forEach((resolve) => resolve()) };
}

function pattern(length: number, seed: number): Bytes {
  return Uint8Array.from({ length }, (_, index) => (index * 31 + seed) & 255);
}

test("WriteBehind gathers while it writes, and writes everything in order", async () => {
  const { writer, written, finish } = slowWriter();
  const behind = new WriteBehind(writer, 10 * MIB);
  const chunks = Array.from({ length: 50 }, (_, i) => pattern(100_000, i));
  const all = (async () => {
    for (const chunk of chunks) {
      await behind.write(chunk);
      // The chunk belongs to the caller again.
      chunk.fill(0);
    }
    await behind.flush();
  })();
  let isDone = false;
  void all.then(() => isDone = true);
  while (!isDone) {
    finish();
    await new Promise((resolve) => setTimeout(resolve, 0));
  }
  const expected = Array.from({ length: 50 }, (_, i) => pattern(100_000, i));
  assert.equal(written.length, Math.ceil(5_000_000 / MAX_BATCH_BYTES));
  const bytes = new Uint8Array(await new Blob(written).arrayBuffer());
  const wanted = new Uint8Array(await new Blob(expected).arrayBuffer());
  assert.equal(bytes.length, wanted.length);
  assert.ok(bytes.every((byte, index) => byte === wanted[index]));
});

test("WriteBehind takes a second batch and no third while the first is written", async () => {
  const { writer, finish } = slowWriter();
  const behind = new WriteBehind(writer, 10 * MIB);
  await behind.write(pattern(MAX_BATCH_BYTES, 1));
  let isTaken = false;
  const second = behind.write(pattern(MAX_BATCH_BYTES, 2)).then(() => isTaken = true);
  await new Promise((resolve) => setTimeout(resolve, 10));
  assert.equal(isTaken, false);
  finish();
  await second;
  finish();
  await behind.flush();
});

test("WriteBehind reports a failed write at the next one, or at the end", async () => {
  const { writer, finish } = slowWriter(1);
  const behind = new WriteBehind(writer, 100);
  await behind.write(pattern(100, 1));
  finish();
  await assert.rejects(behind.flush(), { message: "disk" });
  await behind.abandon();
});

test("a layout holds what was pushed in chunks of any size", async () => {
  const layout = ociLayout(memoryFileSystem(), "layout");
  const content = pattern(3 * MIB + 17, 5);
  const hasher = createHasher("sha256");
  hasher.update(content);
  const digest = formatDigest("sha256", hasher.digest());
  const target = { mediaType: "application/octet-stream", digest, size: content.length };
  let at = 0;
  let step = 1;
  await layout.push(target, () =>
    new ReadableStream<Bytes>({
      pull(controller) {
        if (at >= content.length) return controller.close();
        step = step * 7 % 300_007;
        controller.enqueue(content.slice(at, at + step));
        at += step;
      },
    }));
  const stored = new Uint8Array(await new Response(await layout.fetch(target)).arrayBuffer());
  assert.equal(stored.length, content.length);
  assert.ok(stored.every((byte, index) => byte === content[index]));
});
