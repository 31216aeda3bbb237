import { test } from "node:test";
import assert from "node:assert/strict";
import type { Bytes, ByteStream } from "../../lib/model/bytes.ts";
import type { Descriptor } from "../../lib/model/descriptor.ts";
import { streamOfChunks } from "../../lib/bytes/chunks.ts";
import { verified } from "../../lib/bytes/verify.ts";
import {
  proxyHandler,
  type RegistryTarget,
  type UpstreamRepository,
} from "../../lib/server/mod.ts";
import { memoryStore } from "../../lib/store/memory_store.ts";
import {
  descriptorOf,
  noise,
  OCI_INDEX,
  OCI_MANIFEST,
  pushBlob,
  pushImage,
  putManifest,
  refused,
  send,
  sha256,
  statusOf,
} from "./client.ts";
import { DOWN, mirrored } from "./mirrored.ts";

/** Longer than what is read whole before the answer, here and in the client of the upstream. */
const LAYER = noise(600_000);
const DIGEST = sha256(LAYER);
const PATH = `/v2/demo/blobs/${DIGEST}`;
const BLOB = descriptorOf("", LAYER);

async function bytesOf(answer: Response): Promise<Bytes> {
  return new Uint8Array(await answer.arrayBuffer());
}

/** A store that counts and can be told to fail. */
function watchedCache(push?: (content: ByteStream, expected: Descriptor) => Promise<void>) {
  const store = memoryStore();
  const counts = { pushes: 0 };
  const cache: RegistryTarget = {
    exists: (target) => store.exists(target),
    fetch: (target, options) => store.fetch(target, options),
    resolve: (reference) => store.resolve(reference),
    tag: (target, reference) => store.tag(target, reference),
    roots: () => store.roots(),
    push: (expected, content) => {
      if (!(content instanceof ReadableStream)) return store.push(expected, content);
      counts.pushes++;
      return push === undefined ? store.push(expected, content) : push(content, expected);
    },
  };
  return { store, cache, counts };
}

/** An upstream with one blob, which says how much of it was read. */
function slowUpstream(chunkBytes = 50_000) {
  const state = { read: 0, opened: 0, asked: 0, isCancelled: false };
  const upstream: UpstreamRepository = {
    exists: () => Promise.resolve(true),
    resolve: () => Promise.reject(new Error("there are no manifests")),
    resolveBlob() {
      state.asked++;
      return Promise.resolve(BLOB);
    },
    fetch(target) {
      state.opened++;
      let at = 0;
      return Promise.resolve(verified(
        streamOfChunks({
          next() {
            const chunk = LAYER.slice(at, at + chunkBytes);
            at += chunk.length;
            state.read += chunk.length;
            return chunk.length === 0 ? undefined : chunk;
          },
          cancel() {
            state.isCancelled = true;
            return Promise.resolve();
          },
        }),
        target,
      ));
    },
  };
  return { state, upstream };
}

/** Waits until nothing moves any more that has no reason to. */
async function atRest(): Promise<void> {
  for (let i = 0; i < 20; i++) await new Promise((resolve) => setTimeout(resolve, 0));
}

test("a large blob streams to the client and into the cache, from one download", async () => {
  const { origin, mirror, asked, events, settled, cache } = mirrored();
  await pushBlob(origin, "demo", LAYER);
  const answer = await send(mirror, "GET", PATH);
  assert.equal(answer.headers.get("content-length"), String(LAYER.length));
  assert.equal(answer.headers.get("etag"), `"${DIGEST}"`);
  assert.deepEqual(await bytesOf(answer), LAYER);
  await settled();
  assert.deepEqual(asked(), [`HEAD demo/blobs/${DIGEST}`, `GET demo/blobs/${DIGEST}`]);
  assert.deepEqual(events.map(({ type, descriptor }) => [type, descriptor.digest]), [
    ["stored", DIGEST],
  ]);
  assert.equal(await cache.exists(BLOB), true);
  assert.deepEqual(await bytesOf(await send(mirror, "GET", PATH)), LAYER);
  assert.deepEqual(asked(), []);
});

test("no more of a blob is read upstream than client and cache have taken", async () => {
  const { state, upstream } = slowUpstream();
  const { cache, store } = watchedCache();
  const mirror = proxyHandler(() => upstream, cache);
  const answer = await send(mirror, "GET", PATH);
  await atRest();
  // workerd moves chunks through a stream that knows its length, and may hold one of them.
  assert.ok(state.read <= 100_000, String(state.read));
  const reader = answer.body?.getReader();
  let taken = 0;
  for (let chunk; !(chunk = await reader?.read())?.done && chunk !== undefined;) {
    taken += chunk.value.byteLength;
    await atRest();
    assert.ok(state.read <= taken + 100_000, `${state.read} of ${taken}`);
  }
  assert.equal(taken, LAYER.length);
  assert.equal(await store.exists(BLOB), true);
});

test("a cache that is slow holds the client back", async () => {
  const { state, upstream } = slowUpstream();
  const steps: (() => void)[] = [];
  const { cache } = watchedCache(async (content) => {
    const reader = content.getReader();
    for (;;) {
      await new Promise<void>((resolve) => steps.push(resolve));
      if ((await reader.read()).done) return;
    }
  });
  const mirror = proxyHandler(() => upstream, cache);
  const answer = await send(mirror, "GET", PATH);
  const all = bytesOf(answer);
  await atRest();
  assert.ok(state.read <= 50_000, String(state.read));
  for (let i = 0; i < 100; i++) {
    await atRest();
    steps.shift()?.();
  }
  assert.deepEqual(await all, LAYER);
});

test("what a client does with its bytes does not reach the cache", async () => {
  const { upstream } = slowUpstream();
  const { cache, store } = watchedCache();
  const mirror = proxyHandler(() => upstream, cache);
  const answer = await send(mirror, "GET", PATH);
  const reader = answer.body?.getReader();
  for (let chunk; !(chunk = await reader?.read())?.done && chunk !== undefined;) {
    chunk.value.fill(0);
  }
  const stored = await store.fetch(BLOB);
  assert.deepEqual(await bytesOf(new Response(stored)), LAYER);
});

test("a blob that is not what it should be breaks off, and nothing of it is kept", async () => {
  const { origin, mirror, rules, cache, errors, settled, asked } = mirrored();
  await pushBlob(origin, "demo", LAYER);
  rules.push({ method: "GET", fault: { kind: "flip", offset: 300_000 } });
  const answer = await send(mirror, "GET", PATH);
  assert.equal(answer.status, 200);
  await assert.rejects(bytesOf(answer));
  await settled();
  assert.equal(await cache.exists(BLOB), false);
  assert.equal(errors.length, 1);
  rules.length = 0;
  asked();
  assert.deepEqual(await bytesOf(await send(mirror, "GET", PATH)), LAYER);
  // Whether it is the size that was wrong, nobody knows.
  assert.deepEqual(asked(), [`HEAD demo/blobs/${DIGEST}`, `GET demo/blobs/${DIGEST}`]);
});

test("a small blob that is not what it should be is no answer", async () => {
  const { origin, mirror, rules, cache } = mirrored();
  const digest = await pushBlob(origin, "demo", "hello");
  rules.push({ method: "GET", fault: { kind: "flip", offset: 2 } });
  const answer = await send(mirror, "GET", `/v2/demo/blobs/${digest}`);
  await refused(answer, 502, "UNAVAILABLE");
  assert.equal(await cache.exists(descriptorOf("", "hello")), false);
});

test("a client that goes away leaves the rest of the blob to the cache", async () => {
  const { state, upstream } = slowUpstream();
  const { cache, store } = watchedCache();
  const works: Promise<unknown>[] = [];
  const mirror = proxyHandler(() => upstream, cache, { waitUntil: (work) => works.push(work) });
  const answer = await send(mirror, "GET", PATH);
  const reader = answer.body?.getReader();
  await reader?.read();
  await reader?.cancel();
  assert.equal(works.length, 1);
  await works[0];
  assert.equal(await store.exists(BLOB), true);
  assert.equal(state.read, LAYER.length);
  assert.deepEqual(await bytesOf(await send(mirror, "GET", PATH)), LAYER);
  assert.equal(state.opened, 1);
});

test("what neither client nor cache wants is not read to the end", async () => {
  const { state, upstream } = slowUpstream(1000);
  const { cache } = watchedCache(async (content) => {
    await content.getReader().read();
    throw new Error("the disk is full");
  });
  const mirror = proxyHandler(() => upstream, cache);
  const answer = await send(mirror, "GET", PATH);
  const reader = answer.body?.getReader();
  await reader?.read();
  await reader?.read();
  await reader?.cancel();
  await atRest();
  assert.equal(state.isCancelled, true);
  assert.ok(state.read < LAYER.length);
});

test("a cache that fails does not fail the client", async () => {
  const failures: Record<string, (content: ByteStream) => Promise<void>> = {
    "before it reads": () => Promise.reject(new Error("the disk is full")),
    "after the first chunk": async (content) => {
      await content.getReader().read();
      throw new Error("the disk is full");
    },
    "by letting go": async (content) => {
      await content.cancel();
      throw new Error("the disk is full");
    },
    "at the end": async (content) => {
      const reader = content.getReader();
      while (!(await reader.read()).done);
      throw new Error("the disk is full");
    },
  };
  for (const [when, push] of Object.entries(failures)) {
    const { upstream, state } = slowUpstream();
    const errors: string[] = [];
    const { cache } = watchedCache(push);
    const mirror = proxyHandler(() => upstream, cache, {
      onError: (error) => errors.push(String(error)),
    });
    assert.deepEqual(await bytesOf(await send(mirror, "GET", PATH)), LAYER, when);
    await atRest();
    assert.deepEqual(errors, ["Error: the disk is full"], when);
    // What is known of the blob is as good as before.
    await bytesOf(await send(mirror, "GET", PATH));
    assert.equal(state.asked, 1, when);
  }
});

test("a cache that fails at everything leaves a proxy that works", async () => {
  const fail = () => Promise.reject(new Error("the disk is gone"));
  const cache: RegistryTarget = {
    exists: fail,
    fetch: fail,
    push: fail,
    resolve: fail,
    tag: fail,
    // deno-lint-ignore require-yield -- it fails at once
    async *roots() {
      await fail();
    },
  };
  const { origin, mirror, errors } = mirrored({ cache });
  await pushBlob(origin, "demo", LAYER);
  for (const method of ["HEAD", "GET"]) {
    const answer = await send(mirror, method, PATH);
    assert.equal(answer.headers.get("content-length"), String(LAYER.length), method);
    if (method === "GET") assert.deepEqual(await bytesOf(answer), LAYER);
  }
  assert.ok(errors.length > 0);
});

test("one client fills the cache; who comes meanwhile waits for nobody", async () => {
  const { state, upstream } = slowUpstream();
  const { cache, counts, store } = watchedCache();
  const mirror = proxyHandler(() => upstream, cache);
  const first = await send(mirror, "GET", PATH);
  const others = await Promise.all([1, 2].map(() => send(mirror, "GET", PATH)));
  for (const other of others) assert.deepEqual(await bytesOf(other), LAYER);
  assert.equal(state.opened, 3);
  assert.equal(counts.pushes, 1);
  assert.equal(await store.exists(BLOB), false);
  assert.deepEqual(await bytesOf(first), LAYER);
  assert.equal(await store.exists(BLOB), true);
  assert.deepEqual(await bytesOf(await send(mirror, "GET", PATH)), LAYER);
  assert.equal(state.opened, 3);
});

test("several clients that ask for the same manifest make one request for it", async () => {
  const { origin, mirror, asked, rules } = mirrored();
  const { manifest, digest } = await pushImage(origin, "demo", undefined, "x");
  const manifests = [descriptorOf(OCI_MANIFEST, manifest)];
  const index = JSON.stringify({ schemaVersion: 2, mediaType: OCI_INDEX, manifests });
  await putManifest(origin, "demo", "1", index, OCI_INDEX);
  await statusOf(mirror, "GET", "/v2/demo/manifests/1");
  asked();
  rules.push({ fault: { kind: "delay", ms: 20 } });
  const path = `/v2/demo/manifests/${digest}`;
  const answers = await Promise.all([1, 2, 3].map(() => send(mirror, "GET", path)));
  for (const answer of answers) assert.equal(await answer.text(), manifest);
  assert.deepEqual(asked(), [`GET demo/manifests/${digest}`]);
});

test("a range of a blob that the cache has not got is read upstream, and not kept", async () => {
  const { origin, mirror, asked, cache } = mirrored();
  await pushBlob(origin, "demo", LAYER);
  const headers = { range: "bytes=1000-1999" };
  const answer = await send(mirror, "GET", PATH, { headers });
  assert.equal(answer.status, 206);
  assert.equal(answer.headers.get("content-range"), `bytes 1000-1999/${LAYER.length}`);
  assert.deepEqual(await bytesOf(answer), LAYER.slice(1000, 2000));
  assert.deepEqual(asked(), [
    `HEAD demo/blobs/${DIGEST}`,
    `GET demo/blobs/${DIGEST} bytes=1000-1999`,
  ]);
  assert.equal(await cache.exists(BLOB), false);
});

test("ranges and conditions are answered from the cache too", async () => {
  const { origin, mirror, rules } = mirrored();
  await pushBlob(origin, "demo", LAYER);
  await bytesOf(await send(mirror, "GET", PATH));
  rules.push(DOWN);
  const get = (headers: Record<string, string>) => send(mirror, "GET", PATH, { headers });
  const part = await get({ range: "bytes=-5" });
  assert.deepEqual(await bytesOf(part), LAYER.slice(-5));
  await refused(await get({ range: `bytes=${LAYER.length}-` }), 416, "RANGE_INVALID");
  assert.equal((await get({ "if-none-match": `"${DIGEST}"` })).status, 304);
  const whole = await get({ range: "bytes=0-1", "if-range": '"other"' });
  assert.deepEqual(await bytesOf(whole), LAYER);
});

test("who has read a blob to its end finds it in the cache, however slow that is", async () => {
  const { upstream } = slowUpstream();
  let isStored = false;
  const { cache } = watchedCache(async (content) => {
    const reader = content.getReader();
    while (!(await reader.read()).done);
    await new Promise((resolve) => setTimeout(resolve, 20));
    isStored = true;
  });
  await bytesOf(await send(proxyHandler(() => upstream, cache), "GET", PATH));
  assert.equal(isStored, true);
});

test("a blob of an upstream that proves nothing is proved by the proxy", async () => {
  const wrong = LAYER.slice().fill(1, 300_000, 300_001);
  const { upstream } = slowUpstream();
  const mirror = proxyHandler(() => ({
    ...upstream,
    fetch: () => Promise.resolve(streamOfChunks(chunksIn(wrong))),
  }), memoryStore());
  const filling = await send(mirror, "GET", PATH);
  const other = await send(mirror, "GET", PATH);
  await assert.rejects(bytesOf(other));
  await assert.rejects(bytesOf(filling));
});

/** Gives bytes in chunks. */
function chunksIn(bytes: Bytes) {
  let at = 0;
  return {
    next() {
      const chunk = bytes.slice(at, at += 50_000);
      return chunk.length === 0 ? undefined : chunk;
    },
    cancel: () => Promise.resolve(),
  };
}

test("a blob that could not be opened fills the cache the next time", async () => {
  const { origin, mirror, rules, cache } = mirrored();
  await pushBlob(origin, "demo", LAYER);
  rules.push({ method: "GET", fault: { kind: "status", status: 503 } });
  await refused(await send(mirror, "GET", PATH), 502, "UNAVAILABLE");
  rules.length = 0;
  assert.deepEqual(await bytesOf(await send(mirror, "GET", PATH)), LAYER);
  assert.equal(await cache.exists(BLOB), true);
});

test("what breaks off beside the cache is told too", async () => {
  const { origin, mirror, rules, errors } = mirrored();
  await pushBlob(origin, "demo", LAYER);
  const filling = await send(mirror, "GET", PATH);
  rules.push({ method: "GET", fault: { kind: "flip", offset: 300_000 } });
  await assert.rejects(bytesOf(await send(mirror, "GET", PATH)));
  assert.equal(errors.length, 1);
  assert.deepEqual(await bytesOf(filling), LAYER);
});
