import { test } from "node:test";
import assert from "node:assert/strict";
import type { CallOptions } from "../../lib/model/content.ts";
import { NotFoundError } from "../../lib/model/errors.ts";
import { type BucketStore, bucketStore } from "../../lib/store/mod.ts";
import { MemoryBucket } from "../support/memory_bucket.ts";
import { describe, fetched, noise, OCI_INDEX, pushImage, referrer, utf8 } from "./content.ts";

type Call = (store: BucketStore, options: CallOptions) => Promise<unknown>;

async function listOf<Item>(items: AsyncIterable<Item>): Promise<Item[]> {
  const found: Item[] = [];
  for await (const item of items) found.push(item);
  return found;
}

/** A bucket with a subject, its referrer, an index of both, names and a root without one. */
async function filled(bucket: MemoryBucket) {
  const store = bucketStore(bucket);
  const subject = await pushImage(store, 1);
  const note = await pushImage(store, 2, subject);
  const raw = utf8(JSON.stringify({
    schemaVersion: 2,
    mediaType: OCI_INDEX,
    manifests: [subject, note],
  }));
  const index = describe(raw, OCI_INDEX);
  await store.push(index, raw);
  await store.tag(subject, "acme/app:1");
  await store.tag(note, note.digest);
  return { subject, note, index };
}

async function callsOf(): Promise<readonly (readonly [string, Call])[]> {
  const { subject, note, index } = await filled(new MemoryBucket());
  const [short, long] = [noise(1000, 7), noise(100_000, 8)];
  const other = referrer(subject);
  return [
    ["exists", (store, options) => store.exists(subject, options)],
    ["fetch", (store, options) => store.fetch(subject, options)],
    ["push what is short", (store, options) => store.push(describe(short), short, options)],
    ["push what is long", (store, options) => store.push(describe(long), long, options)],
    ["push a referrer", (store, options) => store.push(other.descriptor, other.raw, options)],
    ["resolve a name", (store, options) => store.resolve("acme/app:1", options)],
    [
      "resolve another spelling",
      (store, options) => store.resolve("docker.io/acme/app:1", options),
    ],
    ["resolve a digest", (store, options) => store.resolve(subject.digest, options)],
    ["tag an index", (store, options) => store.tag(index, "acme/all:1", options)],
    ["tag a digest", (store, options) => store.tag(subject, subject.digest, options)],
    ["untag", (store, options) => store.untag("acme/app:1", options)],
    ["delete", (store, options) => store.delete(note, options)],
    ["roots", (store, options) => listOf(store.roots(options))],
    ["referrers", (store, options) => listOf(store.referrers(subject, options))],
  ];
}

test("whichever call of the bucket hangs, the signal ends the call of the store", async () => {
  for (const [name, call] of await callsOf()) {
    const counted = new MemoryBucket();
    await filled(counted);
    counted.calls.length = 0;
    await call(bucketStore(counted), {});
    const { length } = counted.calls;
    assert.ok(length > 0, name);
    for (let hanging = 1; hanging <= length; hanging++) {
      const controller = new AbortController();
      const reason = new Error("enough");
      let made = -Infinity;
      const bucket = new MemoryBucket({
        before() {
          if (++made !== hanging) return;
          controller.abort(reason);
          return new Promise<void>(() => {});
        },
      });
      await filled(bucket);
      made = 0;
      const error = await call(bucketStore(bucket), { signal: controller.signal })
        .catch((error: unknown) => error);
      assert.equal(error, reason, `${name}, call ${hanging} of ${length}`);
    }
  }
});

test("a signal that has aborted before keeps a store from asking its bucket", async () => {
  for (const [name, call] of await callsOf()) {
    const bucket = new MemoryBucket();
    await filled(bucket);
    bucket.calls.length = 0;
    const reason = new Error("enough");
    const error = await call(bucketStore(bucket), { signal: AbortSignal.abort(reason) })
      .catch((error: unknown) => error);
    assert.equal(error, reason, name);
    assert.deepEqual(bucket.calls, [], name);
  }
});

test("a bucket is not asked for what can be no name", async () => {
  const bucket = new MemoryBucket();
  const store = bucketStore(bucket);
  await filled(bucket);
  bucket.calls.length = 0;
  for (const reference of ["", "a\0b", "a".repeat(10_000)]) {
    await assert.rejects(store.untag(reference), NotFoundError);
  }
  assert.deepEqual(bucket.calls, []);
});

test("a manifest that is there is not written again", async () => {
  const bucket = new MemoryBucket();
  const store = bucketStore(bucket);
  const subject = await pushImage(store, 1);
  const { raw, descriptor } = referrer(subject);
  await store.push(descriptor, raw);
  bucket.calls.length = 0;
  await store.push(descriptor, raw);
  assert.deepEqual(bucket.calls.map((line) => line.split(" ")[0]), ["head"]);
});

test("a long manifest is found as a referrer, and a blob that looks like one is not", async () => {
  const store = bucketStore(new MemoryBucket());
  const subject = await pushImage(store, 1);
  const long = referrer(subject, 200_000);
  await store.push(long.descriptor, long.raw);
  const blob = referrer(subject, 1);
  await store.push({ ...blob.descriptor, mediaType: "application/octet-stream" }, blob.raw);
  const found = await listOf(store.referrers(subject));
  assert.deepEqual(found.map(({ digest }) => digest), [long.descriptor.digest]);
});

test("a long blob is not read to find out that its digest stands for no manifest", async () => {
  let read = 0;
  class Counting extends MemoryBucket {
    override async get(...call: Parameters<MemoryBucket["get"]>) {
      const object = await super.get(...call);
      if (object === null) return null;
      const reader = object.body.getReader();
      const body = new ReadableStream({
        async pull(controller) {
          const { done, value } = await reader.read();
          if (done) return controller.close();
          read += value.byteLength;
          controller.enqueue(value);
        },
        cancel: (reason) => reader.cancel(reason),
      }, { highWaterMark: 0 });
      return { ...object, body };
    }
  }
  const store = bucketStore(new Counting());
  const blob = noise(4 * 1024 * 1024 + 1, 1);
  await store.push(describe(blob), blob);
  await assert.rejects(store.resolve(describe(blob).digest), NotFoundError);
  assert.equal(read, 0);
  assert.deepEqual(await fetched(store, describe(blob)), blob);
  assert.equal(read, blob.byteLength);
});

test("what has no name is resolved by its digest, and as the only thing that is there", async () => {
  const store = bucketStore(new MemoryBucket());
  const bytes = utf8("hello");
  const blob = describe(bytes, "text/plain");
  await store.push(blob, bytes);
  await assert.rejects(store.resolve(""), NotFoundError);
  await store.tag(blob, blob.digest);
  assert.deepEqual(await store.resolve(blob.digest), blob);
  assert.deepEqual(await store.resolve(""), blob);
});

test("a repository that holds something twice is told once", async () => {
  const { repositories } = bucketStore(new MemoryBucket());
  const content = describe(utf8("{}"));
  for (const repository of ["acme/app", "acme/other"]) {
    await repositories.hold(repository, content, "manifest");
    await repositories.hold(repository, content, "blob");
  }
  const found = await listOf(repositories.holders(content.digest));
  assert.deepEqual(found.sort(), ["acme/app", "acme/other"]);
});

test("a name is given again only while it stands for what was believed", async () => {
  const store = bucketStore(new MemoryBucket());
  const [one, two, three] = [
    await pushImage(store, 1),
    await pushImage(store, 2),
    await pushImage(store, 3),
  ];
  const { repositories } = store;
  assert.equal(await repositories.retag("app:1", one.digest, two), false);
  assert.equal(await repositories.named("app:1"), undefined);
  assert.equal(await repositories.retag("app:1", undefined, one), true);
  assert.equal(await repositories.retag("app:1", undefined, two), false);
  assert.equal(await repositories.retag("app:1", three.digest, two), false);
  assert.deepEqual(await repositories.named("app:1"), one);
  assert.equal(await repositories.retag("app:1", one.digest, two), true);
  assert.deepEqual(await repositories.named("app:1"), two);
});
