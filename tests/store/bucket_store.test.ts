import { test } from "node:test";
import assert from "node:assert/strict";
import {
  InvalidReferenceError,
  LimitExceededError,
  NotFoundError,
} from "../../lib/model/errors.ts";
import {
  type Bucket,
  BucketError,
  bucketStore,
  MAX_BUCKET_CONTENT_BYTES,
} from "../../lib/store/mod.ts";
import { MemoryBucket } from "../support/memory_bucket.ts";
import {
  describe,
  fetched,
  noise,
  OCI_MANIFEST,
  pieces,
  pushImage,
  referrer,
  utf8,
} from "./content.ts";

test("bucketStore() lays content, names and notes out as objects of their own", async () => {
  const bucket = new MemoryBucket();
  const store = bucketStore(bucket, { prefix: "images/" });
  const subject = await pushImage(store, 1);
  const note = await pushImage(store, 2, subject);
  await store.tag(subject, "library/alpine:3.20");
  await store.tag(note, note.digest);
  const hex = (digest: string) => digest.replace(":", "/");
  const held = bucket.keys("images/held/");
  assert.deepEqual(bucket.keys().filter((key) => !held.includes(key)), [
    ...bucket.keys("images/blobs/sha256/"),
    "images/names/library/alpine:3.20",
    `images/referrers/${hex(subject.digest)}/${hex(note.digest)}`,
    `images/roots/${hex(note.digest)}`,
  ]);
  assert.equal(bucket.keys("images/blobs/sha256/").length, 6);
  const content = bucket.objects.get(`images/blobs/${hex(subject.digest)}`);
  assert.equal(content?.httpMetadata?.contentType, OCI_MANIFEST);
  assert.ok(held.includes(`images/held/${hex(subject.digest)}/manifest/library/alpine`), `${held}`);
  assert.equal(held.length, 3, "the config, the layer and the manifest");
});

test("bucketStore() loses no name that another store writes at the same time", async () => {
  const bucket = new MemoryBucket({ pageSize: 3 });
  const image = await pushImage(bucketStore(bucket), 1);
  const names = Array.from({ length: 20 }, (_, n) => `app:${n}`);
  await Promise.all(names.map((name) => bucketStore(bucket).tag(image, name)));
  const found: string[] = [];
  for await (const { reference } of bucketStore(bucket).roots()) found.push(reference ?? "");
  assert.deepEqual(found, names.sort());
});

test("bucketStore() reads a name with one call, and lists names without opening them", async () => {
  const bucket = new MemoryBucket();
  const store = bucketStore(bucket);
  const image = await pushImage(store, 1);
  await store.tag(image, "docker.io/library/alpine:3.20");
  bucket.calls.length = 0;
  await store.resolve("docker.io/library/alpine:3.20");
  assert.deepEqual(bucket.calls, ["head names/docker.io/library/alpine:3.20"]);
  await store.resolve("alpine:3.20");
  assert.deepEqual(bucket.calls.slice(1), ["head names/alpine:3.20", "list names/"]);
});

test("bucketStore() has the bucket check the digest too, of short and long content", async () => {
  for (const length of [10, 200_000]) {
    const bytes = noise(length, 1);
    const descriptor = describe(bytes);
    const bucket = new MemoryBucket();
    const lying: Bucket = {
      head: (key) => bucket.head(key),
      get: (key, options) => bucket.get(key, options),
      delete: (keys) => bucket.delete(keys),
      list: (options) => bucket.list(options),
      // What the network does between the store and the bucket.
      put: (key, _value, options) => bucket.put(key, noise(length, 2), options),
    };
    await assert.rejects(bucketStore(lying).push(descriptor, bytes), (error) => {
      assert.ok(error instanceof BucketError, `${error}`);
      assert.match(error.message, /^Cannot write "blobs\/sha256\/.*checksum/);
      return true;
    });
    assert.deepEqual(bucket.keys(), []);
  }
});

test("bucketStore() tells the failure of its source, and keeps nothing", async () => {
  const bytes = noise(300_000, 1);
  const broken = new Error("the network went away");
  for (const after of [0, 1, 29, 30]) {
    const bucket = new MemoryBucket();
    let sent = 0;
    const stream = new ReadableStream({
      pull(controller) {
        if (sent === after) return controller.error(broken);
        controller.enqueue(bytes.slice(sent * 10_000, ++sent * 10_000));
      },
    }, { highWaterMark: 0 });
    const push = bucketStore(bucket).push(describe(bytes), stream);
    await assert.rejects(push, (error) => error === broken, `after ${after}`);
    assert.deepEqual(bucket.keys(), [], `after ${after}`);
  }
});

test("bucketStore() cancels its source when the bucket fails", async () => {
  const bucket = new MemoryBucket({
    before(method) {
      if (method === "put") throw new Error("put: We encountered an internal error (10001)");
    },
  });
  const bytes = noise(300_000, 1);
  let cancelled: (reason: unknown) => void = () => {};
  const reason = new Promise((resolve) => cancelled = resolve);
  let at = 0;
  const stream = new ReadableStream({
    pull: (controller) => controller.enqueue(bytes.slice(at, at += 1000)),
    cancel: (reason) => cancelled(reason),
  }, { highWaterMark: 0 });
  await assert.rejects(bucketStore(bucket).push(describe(bytes), stream), BucketError);
  await reason;
});

test("bucketStore() is content with what somebody else stores at the same time", async () => {
  for (const length of [10, 200_000]) {
    const bytes = noise(length, 1);
    let writers = 0;
    const bucket = new MemoryBucket({
      async before(method, key) {
        if (method !== "put" || ++writers > 1) return;
        await bucket.put(key, bytes);
        throw new Error("put: Reduce your concurrent request rate for the same object (10058)");
      },
    });
    await bucketStore(bucket).push(describe(bytes), bytes);
    assert.deepEqual(await fetched(bucketStore(bucket), describe(bytes)), bytes);
  }
});

test("bucketStore() stays whole when any one call fails, and can be asked again", async () => {
  const work = async (bucket: Bucket) => {
    const store = bucketStore(bucket);
    const subject = await pushImage(store, 1);
    const note = await pushImage(store, 2, subject);
    await store.tag(subject, "library/alpine:3.20");
    await store.tag(note, note.digest);
    return { store, subject, note };
  };
  const counting = new MemoryBucket();
  await work(counting);
  for (let failing = 1; failing <= counting.calls.length; failing++) {
    let made = 0;
    const bucket = new MemoryBucket({
      before(method, key) {
        if (++made === failing) throw new Error(`${method} ${key}: internal error (10001)`);
      },
    });
    await assert.rejects(work(bucket), BucketError, `call ${failing}`);
    for await (const { descriptor } of bucketStore(bucket).roots()) {
      await fetched(bucketStore(bucket), descriptor);
    }
    const { store, subject, note } = await work(bucket);
    assert.deepEqual(bucket.keys(), counting.keys(), `call ${failing}`);
    for await (const { digest } of store.referrers(subject)) assert.equal(digest, note.digest);
  }
});

test("bucketStore() gives up a call that hangs with the reason of the signal", async () => {
  const reason = { stop: "please" };
  const bytes = noise(100_000, 1);
  const calls: readonly [
    string,
    (store: ReturnType<typeof bucketStore>, signal: AbortSignal) => Promise<unknown>,
  ][] = [
    ["head", (store, signal) => store.exists(describe(bytes), { signal })],
    ["get", (store, signal) => store.fetch(describe(bytes), { signal })],
    ["put", (store, signal) => store.push(describe(bytes), bytes, { signal })],
    ["list", (store, signal) => store.resolve("", { signal })],
    ["delete", (store, signal) => store.delete(describe(bytes), { signal })],
  ];
  for (const [hanging, call] of calls) {
    const controller = new AbortController();
    const bucket = new MemoryBucket({
      before(method) {
        if (method !== hanging) return;
        controller.abort(reason);
        return new Promise<void>(() => {});
      },
    });
    const result = call(bucketStore(bucket), controller.signal);
    await assert.rejects(result, (error) => error === reason, hanging);
  }
});

test("bucketStore() lets go of an object that is opened after the call was given up", async () => {
  const controller = new AbortController();
  let open: () => void = () => {};
  const opening = new Promise<void>((resolve) => open = resolve);
  const bucket = new MemoryBucket({ before: (method) => method === "get" ? opening : undefined });
  const bytes = noise(1000, 1);
  await bucketStore(bucket).push(describe(bytes), bytes);
  const cancelled = new Promise((resolve) => {
    const get = bucket.get.bind(bucket);
    bucket.get = async (key, options) => {
      const object = await get(key, options);
      return object && { ...object, body: new ReadableStream({ cancel: resolve }) };
    };
  });
  const fetching = bucketStore(bucket).fetch(describe(bytes), { signal: controller.signal });
  controller.abort("enough");
  await assert.rejects(fetching, (error) => error === "enough");
  open();
  assert.equal(await cancelled, "enough");
});

test("bucketStore() believes no note: a referrer says itself what it refers to", async () => {
  const bucket = new MemoryBucket();
  const store = bucketStore(bucket);
  const subject = await pushImage(store, 1);
  const note = await pushImage(store, 2, subject);
  const other = await pushImage(store, 3);
  const [key = ""] = bucket.keys("referrers/");
  const path = (digest: string) => digest.replace(":", "/");
  await bucket.put(key.replace(path(note.digest), path(other.digest)), utf8(""));
  await bucket.put(key.replace(path(note.digest), "strange"), utf8(""));
  const found: string[] = [];
  for await (const { digest } of store.referrers(subject)) found.push(digest);
  assert.deepEqual(found, [note.digest]);
  await store.delete(note);
  assert.ok(!bucket.keys("referrers/").includes(key), "the note goes with the referrer");
});

test("bucketStore() finds a manifest as referrer whose bytes came as a blob before", async () => {
  const store = bucketStore(new MemoryBucket());
  const subject = await pushImage(store, 1);
  const { raw, descriptor } = referrer(subject);
  await store.push(describe(raw), raw);
  await store.push(descriptor, pieces(raw, 10).stream);
  const found: string[] = [];
  for await (const { digest } of store.referrers(subject)) found.push(digest);
  assert.deepEqual(found, [descriptor.digest]);
});

test("bucketStore() refuses names that are no keys, and passes over strange objects", async () => {
  const bucket = new MemoryBucket();
  const store = bucketStore(bucket);
  const image = await pushImage(store, 1);
  await assert.rejects(store.tag(image, "x".repeat(1019)), InvalidReferenceError);
  await store.tag(image, "x".repeat(1018));
  await bucket.put("names/strange", utf8("x"), { customMetadata: { digest: "none" } });
  await bucket.put("names/stranger", utf8("x"));
  await assert.rejects(store.resolve("strange"), NotFoundError);
  assert.equal((await store.resolve("")).digest, image.digest);
  assert.throws(() => bucketStore(bucket, { prefix: "ä".repeat(257) }), RangeError);
});

test("bucketStore() refuses content that is too long for an object before it is read", async () => {
  const store = bucketStore(new MemoryBucket());
  const { stream, cancelled } = pieces(noise(10, 1), 1);
  const descriptor = { ...describe(noise(10, 1)), size: MAX_BUCKET_CONTENT_BYTES + 1 };
  const reader = stream.getReader();
  await reader.read();
  reader.releaseLock();
  await assert.rejects(store.push(descriptor, stream), LimitExceededError);
  assert.equal(cancelled(), 1);
});

test("bucketStore() proves what it reads: damage in the bucket does not pass", async () => {
  const bucket = new MemoryBucket();
  const store = bucketStore(bucket);
  const bytes = noise(1000, 1);
  await store.push(describe(bytes), bytes);
  const [key = ""] = bucket.keys("blobs/");
  await bucket.put(key, noise(1000, 2));
  await assert.rejects(fetched(store, describe(bytes)), /Cannot read sha256:.* of the bucket/);
});
