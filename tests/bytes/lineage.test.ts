import { test } from "node:test";
import assert from "node:assert/strict";
import {
  freeChunk,
  iterate,
  noteOwnedChunks,
  ownsChunks,
  streamFrom,
  streamOf,
  verified,
  watched,
} from "../../lib/bytes/mod.ts";
import { withSignal } from "../../lib/bytes/signal.ts";
import { createHasher, digestBytes } from "../../lib/hash/mod.ts";
import type { HasherFactory } from "../../lib/hash/hasher.ts";
import type { Bytes, ByteStream } from "../../lib/model/bytes.ts";

const CONTENT: Bytes = Uint8Array.from({ length: 5000 }, (_, index) => index * 13 & 255);
const DESCRIPTOR = {
  mediaType: "application/octet-stream",
  digest: digestBytes("sha256", CONTENT),
  size: CONTENT.length,
};
const WRONG = { ...DESCRIPTOR, digest: `sha256:${"0".repeat(64)}` };

async function length(stream: ByteStream): Promise<number> {
  let total = 0;
  for await (const chunk of iterate(stream)) total += chunk.length;
  return total;
}

/** A factory that counts how often content is hashed. */
function counting(): { hasher: HasherFactory; count: () => number } {
  let count = 0;
  return {
    hasher: (algorithm) => {
      count++;
      return createHasher(algorithm);
    },
    count: () => count,
  };
}

test("content that was proved is not hashed again, through signals and watchers", async () => {
  const { hasher, count } = counting();
  const once = verified(streamOf(CONTENT), DESCRIPTOR, { hasher });
  const passed = watched(withSignal(once, new AbortController().signal), { moved: () => {} });
  const again = verified(passed, DESCRIPTOR, { hasher });
  assert.equal(again, passed);
  assert.equal(await length(again), CONTENT.length);
  assert.equal(count(), 1);
});

test("what was proved to be something else, or by another hasher, is proved again", async () => {
  const first = counting();
  const second = counting();
  const options = { hasher: first.hasher };
  const other = verified(verified(streamOf(CONTENT), DESCRIPTOR, options), WRONG, options);
  await assert.rejects(length(other), { code: "DIGEST_MISMATCH" });
  const proved = verified(streamOf(CONTENT), DESCRIPTOR, options);
  await length(verified(proved, DESCRIPTOR, { hasher: second.hasher }));
  assert.equal(second.count(), 1);
  const larger = { ...DESCRIPTOR, size: DESCRIPTOR.size + 1 };
  const short = verified(verified(streamOf(CONTENT), DESCRIPTOR, options), larger, options);
  await assert.rejects(length(short), { code: "SIZE_MISMATCH" });
});

test("a stream that somebody wraps is proved again: he may have changed it", async () => {
  const proved = verified(streamOf(CONTENT), DESCRIPTOR);
  const changed = proved.pipeThrough(
    new TransformStream<Bytes, Bytes>({
      transform(chunk, controller) {
        const copy = chunk.slice();
        copy[7] = (copy[7] ?? 0) ^ 1;
        controller.enqueue(copy);
      },
    }),
  );
  await assert.rejects(length(verified(changed, DESCRIPTOR)), { code: "DIGEST_MISMATCH" });
});

test("watched() tells each chunk and the error, and hands both on", async () => {
  const seen: number[] = [];
  const stream = watched(streamFrom([CONTENT.slice(0, 100), CONTENT.slice(100)]), {
    moved: (bytes) => void seen.push(bytes),
  });
  assert.equal(await length(stream), CONTENT.length);
  assert.deepEqual(seen, [100, 4900]);
  const broken = new Error("broken");
  let told: unknown;
  const failing = watched(
    new ReadableStream<Bytes>({ pull: (controller) => controller.error(broken) }),
    { moved: () => {}, error: (error) => void (told = error) },
  );
  assert.equal(await length(failing).catch((error) => error), broken);
  assert.equal(told, broken);
});

test("chunks are owned by who reads the stream itself, and by nobody behind a wrapper", () => {
  const fresh = streamOf(CONTENT.slice());
  assert.equal(ownsChunks(fresh), false);
  noteOwnedChunks(fresh);
  const passed = verified(watched(fresh, { moved: () => {} }), DESCRIPTOR);
  assert.equal(ownsChunks(passed), true);
  const [branch] = passed.tee();
  assert.equal(ownsChunks(branch), false);
});

test("freeChunk() empties a chunk, and leaves one alone that shares its memory", () => {
  const whole = new Uint8Array(1000);
  freeChunk(whole);
  assert.equal(whole.byteLength, 0);
  const memory = new Uint8Array(1000);
  freeChunk(memory.subarray(0, 500));
  assert.equal(memory.byteLength, 1000);
});
