import { test } from "node:test";
import assert from "node:assert/strict";
import type { Bytes } from "../../lib/model/bytes.ts";
import { Lanes } from "../../lib/registry/lanes.ts";
import { FakeClock, turn } from "./fake_clock.ts";
import {
  answer,
  bench,
  descriptorOf,
  failure,
  MANIFEST,
  noise,
  OCI_LAYER,
  readAllBytes,
} from "./scripted.ts";

const BLOB = noise(300_000);
const LAYER = descriptorOf(BLOB, OCI_LAYER);

function blobResponse(onEnd: () => void = () => {}): Response {
  let at = 0;
  return new Response(
    new ReadableStream<Bytes>({
      pull(controller) {
        if (at >= BLOB.byteLength) {
          onEnd();
          return controller.close();
        }
        controller.enqueue(BLOB.slice(at, at += 65_536));
      },
    }, { highWaterMark: 0 }),
  );
}

test("four downloads run at a time, and the next begins when one has ended", async () => {
  let open = 0;
  let most = 0;
  const b = bench(async () => {
    most = Math.max(most, ++open);
    await turn();
    return blobResponse(() => open--);
  });
  await b.clock.run(Promise.all(
    Array.from({ length: 12 }, () => b.repository.fetch(LAYER).then(readAllBytes)),
  ));
  assert.equal(b.transport.seen.length, 12);
  assert.ok(most <= 4, `${most} at a time`);
});

test("metadata does not wait behind downloads", async () => {
  const b = bench((request) =>
    request.url.includes("/blobs/") ? blobResponse() : answer(MANIFEST, request)
  );
  const streams = await b.clock.run(
    Promise.all(Array.from({ length: 4 }, () => b.repository.fetch(LAYER))),
  );
  const { ms } = await b.clock.measure(() => b.repository.manifest("v1"));
  assert.equal(ms, 0);
  for (const stream of streams) await stream.cancel();
});

test("a place is free again after an error, a cancel and an abort", async () => {
  let isBroken = true;
  const b = bench(() => isBroken ? new Response(null, { status: 404 }) : blobResponse(), {
    concurrency: 1,
  });
  await failure(b.clock.run(b.repository.fetch(LAYER)));
  isBroken = false;
  await (await b.clock.run(b.repository.fetch(LAYER))).cancel();
  const controller = new AbortController();
  const stream = await b.clock.run(b.repository.fetch(LAYER, { signal: controller.signal }));
  controller.abort("stop");
  assert.equal(await failure(readAllBytes(stream)), "stop");
  const { ms, result } = await b.clock.measure(() => b.repository.fetch(LAYER).then(readAllBytes));
  assert.equal(ms, 0);
  assert.equal(result.length, BLOB.length);
});

test("streams that nobody reads do not hold up the others for ever", async () => {
  const b = bench(() => blobResponse());
  const streams = await b.clock.run(
    Promise.all(Array.from({ length: 9 }, () => b.repository.fetch(LAYER))),
  );
  for (const stream of streams) {
    assert.equal((await b.clock.run(readAllBytes(stream))).length, BLOB.length);
  }
});

test("streams that are no longer read do not hold up the others for ever", async () => {
  const b = bench(() => blobResponse(), { concurrency: 1 });
  const first = (await b.clock.run(b.repository.fetch(LAYER))).getReader();
  const { value } = await b.clock.run(first.read());
  assert.ok(value !== undefined && value.length < BLOB.length);
  const { ms, result } = await b.clock.measure(() => b.repository.fetch(LAYER).then(readAllBytes));
  assert.equal(result.length, BLOB.length);
  assert.ok(ms > 0 && ms <= 2000, `${ms} ms`);
  let length = value.length;
  for (;;) {
    const { done, value } = await b.clock.run(first.read());
    if (done) break;
    length += value.length;
  }
  assert.equal(length, BLOB.length);
});

test("who waits for a place can leave", async () => {
  const lanes = new Lanes(1, new FakeClock());
  const first = await lanes.acquire("upload");
  const controller = new AbortController();
  const second = lanes.acquire("upload", controller.signal);
  const third = lanes.acquire("upload");
  controller.abort("no more");
  assert.equal(await failure(second), "no more");
  first.release();
  first.release();
  (await third).release();
});

test("metadata goes first", async () => {
  const clock = new FakeClock();
  const lanes = new Lanes(1, clock);
  const held = await Promise.all([
    lanes.acquire("download"),
    lanes.acquire("metadata"),
    lanes.acquire("metadata"),
  ]);
  const order: string[] = [];
  const waiting = (["download", "metadata", "metadata"] as const).map((lane) =>
    lanes.acquire(lane).then((permit) => {
      order.push(lane);
      permit.release();
    })
  );
  for (const permit of held) permit.release();
  await Promise.all(waiting);
  assert.equal(order.at(-1), "download");
  assert.equal(clock.pending, 0);
});

test("a number of places that is none is refused", () => {
  for (const concurrency of [0, -1, 1.5, NaN]) {
    assert.throws(() => bench(() => undefined, { concurrency }), RangeError);
  }
});
