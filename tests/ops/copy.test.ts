import { test } from "node:test";
import assert from "node:assert/strict";
import { streamFrom, through } from "../../lib/bytes/mod.ts";
import {
  CopyError,
  type CopyEvent,
  type Descriptor,
  LimitExceededError,
  MEDIA_TYPE_DOCKER_FOREIGN_LAYER_GZIP,
  MEDIA_TYPE_OCI_LAYER_GZIP,
  MEDIA_TYPE_OCI_MANIFEST,
  NotFoundError,
  PlatformNotFoundError,
  type Target,
  UnsupportedMediaTypeError,
} from "../../lib/model/mod.ts";
import { memoryStore } from "../../lib/store/mod.ts";
import { copy, pull } from "../../lib/ops/mod.ts";
import { get, put, putImage, putIndex, watched } from "./content.ts";

const layer = (seed: number, size = 50_000): Uint8Array =>
  Uint8Array.from({ length: size }, (_, index) => (index * seed + (index >> 8)) & 255);

test("copy() copies an image, names it and says what it did", async () => {
  const from = memoryStore();
  const to = watched(memoryStore());
  const root = await putImage(from, [layer(1), layer(3)], { reference: "app:1" });
  const result = await copy(from, "app:1", to);
  assert.equal(result.descriptor.digest, root.digest);
  assert.equal(result.reference, "app:1");
  assert.equal(result.blobs, 3);
  assert.equal(result.manifests, 1);
  assert.equal(result.bytesSkipped, 0);
  assert.ok(result.bytesFetched > 100_000);
  assert.equal((await to.resolve("app:1")).digest, root.digest);
  assert.deepEqual(await get(to, root), await get(from, root));
});

test("copy() stores blobs first, then the inner manifests, the root and the name last", async () => {
  const from = memoryStore();
  const to = watched(memoryStore());
  const first = await putImage(from, [layer(1)]);
  const second = await putImage(from, [layer(3)], { architecture: "arm64" });
  const inner = await putIndex(from, [second]);
  const root = await putIndex(from, [first, inner], "app:1");
  await copy(from, "app:1", to);
  const at = (digest: string) => to.written.indexOf(digest);
  assert.deepEqual(to.written.slice(-2), [root.digest, "app:1"]);
  assert.ok(at(second.digest) < at(inner.digest));
  const manifests = [first, second, inner, root].map(({ digest }) => at(digest));
  assert.equal(Math.min(...manifests), to.written.length - 5, "every blob before every manifest");
});

test("copy() keeps manifests byte for byte: white space, order and unknown fields", async () => {
  const from = memoryStore();
  const config = await put(from, "application/vnd.example.config+json", "{}");
  const text = `{ "zzz": [1,  2.0],\n "config": ${JSON.stringify(config)},\n "layers":[],` +
    ` "schemaVersion": 2, "mediaType": "${MEDIA_TYPE_OCI_MANIFEST}", "__proto__x": {} }\n`;
  const root = await put(from, MEDIA_TYPE_OCI_MANIFEST, text);
  await from.tag(root, "odd");
  const to = memoryStore();
  await copy(from, "odd", to);
  assert.equal(new TextDecoder().decode(await get(to, root)), text);
});

test("a second copy() fetches nothing and says so", async () => {
  const from = watched(memoryStore());
  const to = memoryStore();
  const store = memoryStore();
  await putIndex(
    store,
    [await putImage(store, [layer(1)]), await putImage(store, [layer(3)])],
    "a",
  );
  await copy(store, "a", to);
  const again = watched(store);
  const result = await copy(again, "a", to);
  assert.deepEqual(again.fetched, []);
  assert.equal(result.bytesFetched, 0);
  assert.ok(result.bytesSkipped > 100_000);
  assert.equal(from.bytesRead, 0);
});

test("copy() fetches only the blobs that the target does not have", async () => {
  const store = memoryStore();
  const to = memoryStore();
  await putImage(store, [layer(1), layer(3)], { reference: "one" });
  await copy(store, "one", to);
  await putImage(store, [layer(1), layer(3), layer(5, 70_000)], { reference: "two" });
  const from = watched(store);
  const result = await copy(from, "two", to);
  assert.equal(from.fetched.length, 3, "manifest, config and the new layer");
  assert.ok(result.bytesFetched < 75_000);
  assert.equal(result.bytesSkipped, 100_000);
});

test("copy() repairs an image whose manifest is there and whose layer is not", async () => {
  const store = memoryStore();
  const to = memoryStore();
  const lost = await put(store, MEDIA_TYPE_OCI_LAYER_GZIP, layer(1));
  await putImage(store, [lost], { reference: "app" });
  await copy(store, "app", to);
  await to.delete(lost);
  const result = await copy(store, "app", to);
  assert.equal(result.bytesFetched, lost.size);
  assert.ok(await to.exists(lost));
});

test("copy() with a platform copies that image alone", async () => {
  const store = memoryStore();
  const amd64 = await putImage(store, [layer(1)]);
  const arm64 = await putImage(store, [layer(3)], { architecture: "arm64" });
  const index = await putIndex(store, [amd64, await putIndex(store, [arm64])], "app");
  const to = memoryStore();
  const platform = { os: "linux", architecture: "arm64" };
  const result = await copy(store, "app", to, { platform });
  assert.equal(result.descriptor.digest, arm64.digest);
  assert.equal((await to.resolve("app")).digest, arm64.digest);
  assert.ok(!await to.exists(index));
  assert.ok(!await to.exists(amd64));
});

test("copy() lists the platforms there are when the wanted one is not", async () => {
  const store = memoryStore();
  await putIndex(store, [await putImage(store, [layer(1)])], "app");
  const platform = { os: "linux", architecture: "s390x" };
  await assert.rejects(
    Promise.resolve(copy(store, "app", memoryStore(), { platform })),
    (error: unknown) =>
      error instanceof PlatformNotFoundError && error.available[0]?.architecture === "amd64" &&
      error.message.includes("linux/amd64"),
  );
});

test("pull() copies the whole index when all platforms are wanted", async () => {
  const store = memoryStore();
  const index = await putIndex(store, [await putImage(store, [layer(1)])], "app");
  const to = memoryStore();
  const result = await pull(store, "app", to, { platform: "all" });
  assert.equal(result.descriptor.digest, index.digest);
});

test("copy() takes names from the caller, and pins a digest without a name", async () => {
  const store = memoryStore();
  const root = await putImage(store, [layer(1)], { reference: "app:1" });
  const to = memoryStore();
  assert.equal(
    (await copy(store, "app:1", to, { targetReference: "other:2" })).reference,
    "other:2",
  );
  await assert.rejects(to.resolve("app:1"), NotFoundError);
  const unnamed = memoryStore();
  assert.equal((await copy(store, root.digest, unnamed)).reference, root.digest);
  assert.equal((await unnamed.resolve("")).digest, root.digest);
});

test("copy() rejects with NotFoundError when the reference is not there", async () => {
  await assert.rejects(
    Promise.resolve(copy(memoryStore(), "nowhere", memoryStore())),
    NotFoundError,
  );
});

test("copy() reports each blob and manifest, and that they exist the second time", async () => {
  const store = memoryStore();
  await putImage(store, [layer(1)], { reference: "app" });
  const to = memoryStore();
  const statuses = async (): Promise<string[]> => {
    const last = new Map<string, string>();
    for await (const event of copy(store, "app", to)) last.set(keyOf(event), statusOf(event));
    return [...last.values()].sort();
  };
  assert.deepEqual(await statuses(), ["done", "done", "done", "resolved"]);
  assert.deepEqual(await statuses(), ["exists", "exists", "exists", "resolved"]);
});

function keyOf(event: CopyEvent): string {
  return event.type === "resolved" ? event.type : event.descriptor.digest;
}

function statusOf(event: CopyEvent): string {
  return event.type === "resolved" ? event.type : event.status;
}

test("copy() reads at most as many blobs at a time as jobs say, of small ones twice as many", async () => {
  for (const [bytes, times] of [[100_000, 1], [5000, 2]] as const) {
    const store = memoryStore();
    const layers = Array.from({ length: 20 }, (_, index) => layer(index * 2 + 1, bytes));
    await putImage(store, layers, { reference: "app" });
    for (const jobs of [1, 3]) {
      const slow = watched(store, {
        fetch: (stream) =>
          streamFrom((async function* () {
            await new Promise((resolve) => setTimeout(resolve, 1));
            const reader = stream.getReader();
            for (let next = await reader.read(); !next.done; next = await reader.read()) {
              yield next.value;
            }
          })()),
      });
      await copy(slow, "app", memoryStore(), { jobs });
      assert.equal(slow.mostOpen, times * jobs);
    }
  }
});

test("copies at the same time into one target move each blob once", async () => {
  const store = memoryStore();
  await putImage(store, [layer(1), layer(3)], { reference: "one" });
  await putImage(store, [layer(1), layer(3)], { reference: "two", extra: { annotations: {} } });
  const from = watched(store);
  const to = memoryStore();
  const results = await Promise.all([copy(from, "one", to), copy(from, "two", to)]);
  assert.equal(new Set(from.fetched).size, 5);
  assert.equal(from.fetched.length, 5);
  const blobs = results.map((result) => result.bytesFetched + result.bytesSkipped);
  assert.ok(blobs.every((bytes) => bytes > 100_000));
});

test("a copy() that shares a blob goes on when the copy that moves it is aborted", async () => {
  const store = memoryStore();
  await putImage(store, [layer(1)], { reference: "app" });
  let release = () => {};
  const held = new Promise<void>((resolve) => release = resolve);
  const to = watched(memoryStore(), { push: () => held });
  const first = copy(store, "app", to);
  const second = copy(store, "app", to);
  await new Promise((resolve) => setTimeout(resolve, 5));
  first.abort(new Error("enough"));
  release();
  await assert.rejects(Promise.resolve(first), /enough/);
  await second;
  await to.resolve("app");
});

test("copy() leaves out foreign layers that the source does not have", async () => {
  const store = memoryStore();
  const foreign: Descriptor = {
    mediaType: MEDIA_TYPE_DOCKER_FOREIGN_LAYER_GZIP,
    digest: `sha256:${"1".repeat(64)}`,
    size: 7,
    urls: ["https://example.com/layer"],
  };
  await putImage(store, [foreign, layer(1)], { reference: "app" });
  const to = memoryStore();
  const operation = copy(store, "app", to);
  const skipped: string[] = [];
  for await (const event of operation) {
    if (event.type === "blob" && event.status === "skipped") skipped.push(event.descriptor.digest);
  }
  const result = await operation;
  assert.deepEqual(result.leftOut.map(({ digest }) => digest), [foreign.digest]);
  assert.deepEqual(skipped, [foreign.digest]);
  await to.resolve("app");
});

test("copy() copies foreign layers that the source has", async () => {
  const store = memoryStore();
  const foreign = await put(store, MEDIA_TYPE_DOCKER_FOREIGN_LAYER_GZIP, layer(1), {
    urls: ["https://example.com/layer"],
  });
  await putImage(store, [foreign], { reference: "app" });
  const to = memoryStore();
  assert.deepEqual((await copy(store, "app", to)).leftOut, []);
  assert.ok(await to.exists(foreign));
});

test("lesson 75: copy() takes the children of a build cache as the blobs they are", async () => {
  const store = memoryStore();
  const cache = await put(store, "application/vnd.buildkit.cacheconfig.v0", "{}");
  const blob = await put(store, MEDIA_TYPE_OCI_LAYER_GZIP, layer(1));
  await putIndex(store, [blob, cache], "cache");
  const to = memoryStore();
  const result = await copy(store, "cache", to);
  assert.equal(result.blobs, 2);
  assert.ok(await to.exists(cache));
});

test("copy() uses the data of a descriptor only when it is what the descriptor says", async () => {
  const store = memoryStore();
  const good = await put(store, "text/plain", "hello", { data: btoa("hello") });
  const bad = await put(store, "text/plain", "world", { data: btoa("w0rld") });
  await putImage(store, [good, bad], { reference: "app" });
  const from = watched(store);
  const to = memoryStore();
  await copy(from, "app", to);
  assert.ok(!from.fetched.includes(good.digest));
  assert.ok(from.fetched.includes(bad.digest));
  assert.equal(new TextDecoder().decode(await get(to, bad)), "world");
});

test("copy() refuses Docker manifests of schema 1", async () => {
  const store = memoryStore();
  const root = await put(store, "application/vnd.docker.distribution.manifest.v1+json", {
    schemaVersion: 1,
    name: "app",
    tag: "1",
    architecture: "amd64",
    fsLayers: [],
    history: [],
  });
  await store.tag(root, "old");
  await assert.rejects(
    Promise.resolve(copy(store, "old", memoryStore())),
    UnsupportedMediaTypeError,
  );
});

test("copy() refuses indexes that are nested too deep", async () => {
  const store = memoryStore();
  let root = await putImage(store, [layer(1, 10)]);
  for (let i = 0; i < 5; i++) root = await putIndex(store, [root]);
  await store.tag(root, "five");
  await copy(store, "five", memoryStore());
  for (let i = 0; i < 5; i++) {
    root = await putIndex(store, [root]);
    await store.tag(root, "more");
    await assert.rejects(
      Promise.resolve(copy(store, "more", memoryStore())),
      (error: unknown) => error instanceof LimitExceededError && error.unit === "levels",
    );
  }
});

test("copy() refuses an index with too many manifests before it fetches them", async () => {
  const store = memoryStore();
  const many = Array.from({ length: 1001 }, (_, index): Descriptor => ({
    mediaType: MEDIA_TYPE_OCI_MANIFEST,
    digest: `sha256:${index.toString(16).padStart(64, "0")}`,
    size: 2,
  }));
  await putIndex(store, many, "many");
  const from = watched(store);
  await assert.rejects(
    Promise.resolve(copy(from, "many", memoryStore())),
    (error: unknown) => error instanceof LimitExceededError && error.unit === "manifests",
  );
  assert.equal(from.fetched.length, 1);
});

test("copy() walks an index that lists one manifest many times once", async () => {
  const store = memoryStore();
  const image = await putImage(store, [layer(1)]);
  await putIndex(store, Array.from({ length: 5000 }, () => image), "same");
  const from = watched(store);
  assert.equal((await copy(from, "same", memoryStore())).manifests, 2);
  assert.equal(from.fetched.length, 4);
});

test("copy() names the side that failed, and keeps what was thrown as the cause", async () => {
  const store = memoryStore();
  await putImage(store, [layer(1)], { reference: "app" });
  const full = Object.assign(new Error("no space left on device"), { code: "ENOSPC" });
  const to = watched(memoryStore(), { push: () => Promise.reject(full) });
  await assert.rejects(
    Promise.resolve(copy(store, "app", to)),
    (error: unknown) =>
      error instanceof CopyError && error.side === "target" && error.cause === full &&
      error.descriptor !== undefined && error.message.includes("no space left"),
  );
  const boom = new Error("boom");
  const from = watched(store, {
    fetch: (stream, { mediaType }) =>
      mediaType === MEDIA_TYPE_OCI_MANIFEST ? stream : through(stream, {
        chunk() {
          throw boom;
        },
      }),
  });
  await assert.rejects(
    Promise.resolve(copy(from, "app", memoryStore())),
    (error: unknown) =>
      error instanceof CopyError && error.side === "source" && error.cause === boom,
  );
  // A target that fails for a reason of its own, after the source has failed it.
  const refusing: Target = {
    ...watched(memoryStore()),
    async push(_, content) {
      if (typeof content === "function") {
        const stream = await content();
        await new Response(stream).arrayBuffer().catch(() => {});
      }
      throw full;
    },
  };
  await assert.rejects(
    Promise.resolve(copy(from, "app", refusing)),
    (error: unknown) =>
      error instanceof CopyError && error.side === "target" && error.cause === full,
  );
});

test("copy() passes errors of lading on as they are, and names nothing", async () => {
  const store = memoryStore();
  const lost = await put(store, MEDIA_TYPE_OCI_LAYER_GZIP, layer(1));
  await putImage(store, [lost, layer(3)], { reference: "app" });
  await store.delete(lost);
  const to = watched(memoryStore());
  await assert.rejects(Promise.resolve(copy(store, "app", to)), NotFoundError);
  await assert.rejects(to.resolve("app"), NotFoundError);
  assert.ok(!to.written.includes("app"));
});

test("copy() refuses jobs that are no positive integer", () => {
  for (const jobs of [0, -1, 1.5, NaN]) {
    assert.throws(() => copy(memoryStore(), "app", memoryStore(), { jobs }), RangeError);
  }
});
