import { test } from "node:test";
import assert from "node:assert/strict";
import { readAll } from "../../lib/bytes/read_all.ts";
import {
  DigestMismatchError,
  InvalidReferenceError,
  NotFoundError,
  PlatformNotFoundError,
  SizeMismatchError,
  UnsupportedMediaTypeError,
} from "../../lib/model/errors.ts";
import type { Bytes, ByteStream } from "../../lib/model/bytes.ts";
import type { ContentSource } from "../../lib/model/content.ts";
import type { Descriptor } from "../../lib/model/descriptor.ts";
import {
  dockerArchive,
  type MemoryStore,
  memoryStore,
  ociArchive,
  writeDockerArchive,
  writeOCIArchive,
} from "../../lib/store/mod.ts";
import { digestBytes } from "../../lib/hash/digest_bytes.ts";
import { randomImage, randomIndex } from "../../lib/testing/mod.ts";
import { describe, fetched, noise, OCI_MANIFEST, text, utf8 } from "./content.ts";

async function bytesOf(stream: ByteStream): Promise<Bytes> {
  return await readAll(stream, { maxBytes: 1e8 });
}

/** An image with one layer, which is stored or only described. */
async function imageWith(
  store: MemoryStore,
  layer: Descriptor,
  content?: Bytes,
): Promise<Descriptor> {
  const rawConfig = utf8(JSON.stringify({
    architecture: "amd64",
    os: "linux",
    rootfs: { type: "layers", diff_ids: [layer.digest] },
  }));
  const config = describe(rawConfig, "application/vnd.oci.image.config.v1+json");
  const raw = utf8(JSON.stringify({
    schemaVersion: 2,
    mediaType: OCI_MANIFEST,
    config,
    layers: [layer],
  }));
  const manifest = describe(raw, OCI_MANIFEST);
  await store.push(config, rawConfig);
  await store.push(manifest, raw);
  if (content !== undefined) await store.push(layer, content);
  return manifest;
}

test("writeOCIArchive() writes the same bytes on every runtime and day", async () => {
  const store = memoryStore();
  const image = await randomImage("golden", { compression: "none" });
  await image.pushTo(store);
  const roots = [{ descriptor: image.descriptor, reference: "app:1" }];
  const expected = "sha256:19e4900f9a963805ccdc6a1a8fc94cc9b358c3e00e9871bd52d18fe64ed311bd";
  for (const write of [writeOCIArchive, writeDockerArchive]) {
    const bytes = await bytesOf(write(
      store,
      roots.map((root) => ({
        ...root,
        reference: "docker.io/library/app:1",
      })),
    ));
    assert.equal(digestBytes("sha256", bytes), expected);
  }
});

test("writeDockerArchive() writes several images and their names, each blob once", async () => {
  const store = memoryStore();
  const index = await randomIndex("multi");
  const image = await randomImage("one");
  await index.pushTo(store);
  await image.pushTo(store);
  const platform = { os: "linux", architecture: "arm64" };
  const bytes = await bytesOf(writeDockerArchive(store, [
    { descriptor: index.descriptor, reference: "multi" },
    { descriptor: image.descriptor, reference: "one:1" },
    { descriptor: image.descriptor, reference: "ghcr.io/acme/one:2" },
    { descriptor: image.descriptor },
    { descriptor: image.descriptor, reference: image.descriptor.digest },
  ], { platform }));
  const docker = dockerArchive(bytes);
  const names: string[] = [];
  for await (const { reference = "" } of docker.roots()) names.push(reference);
  assert.deepEqual(names, [
    "docker.io/library/multi:latest",
    "docker.io/library/one:1",
    "ghcr.io/acme/one:2",
  ]);
  const arm64 = index.images.find(({ config }) => config.architecture === "arm64");
  const manifest = JSON.parse(text(await fetched(docker, await docker.resolve("multi"))));
  assert.equal(manifest.config.digest, arm64?.manifest.config.digest);
  const layout = ociArchive(bytes);
  for (const { descriptor } of [...index.contents, ...image.contents]) {
    await fetched(layout, descriptor);
  }
  const seen = text(bytes).match(/blobs\/sha256\/[0-9a-f]{64}(?=\0)/g) ?? [];
  assert.equal(seen.length, new Set(seen).size);
  assert.equal(seen.length, index.contents.length + image.contents.length);
});

test("archives have each name for one image", async () => {
  const store = memoryStore();
  const [a, b] = await Promise.all(["a", "b"].map((seed) => randomImage(seed)));
  assert.ok(a !== undefined && b !== undefined);
  await a.pushTo(store);
  const root = { descriptor: a.descriptor, reference: "app:1" };
  const once = await bytesOf(writeOCIArchive(store, [root]));
  assert.deepEqual(await bytesOf(writeOCIArchive(store, [root, root])), once);
  const { mediaType, digest, size } = a.descriptor;
  const turned = { size, annotations: {}, digest, mediaType };
  assert.deepEqual(
    await bytesOf(writeOCIArchive(store, [{ ...root, descriptor: turned }])),
    once,
    "the order of the fields of a descriptor does not matter",
  );
  for (
    const [write, second] of [[writeOCIArchive, "app:1"], [
      writeDockerArchive,
      "library/app:1",
    ]] as const
  ) {
    const roots = [root, { descriptor: b.descriptor, reference: second }];
    assert.throws(() => write(store, roots), InvalidReferenceError);
  }
});

test("writeOCIArchive() reads content when its turn has come, and lets go of it when cancelled", async () => {
  const store = memoryStore();
  const image = await randomImage("one");
  await image.pushTo(store);
  const asked: string[] = [];
  let cancelled = 0;
  const source: ContentSource = {
    exists: (target) => store.exists(target),
    async fetch(target, options) {
      asked.push(target.digest);
      const reader = (await store.fetch(target, options)).getReader();
      return new ReadableStream<Bytes>({
        async pull(controller) {
          const { done, value } = await reader.read();
          if (done) controller.close();
          else controller.enqueue(value);
        },
        cancel: () => void cancelled++,
      }, { highWaterMark: 0 });
    },
  };
  const layers = new Set(image.layers.map(({ descriptor }) => descriptor.digest));
  const reader = writeOCIArchive(source, [{ descriptor: image.descriptor }]).getReader();
  assert.equal(asked.length, 0, "nothing is read before the archive is");
  while (!asked.some((digest) => layers.has(digest))) await reader.read();
  assert.equal(asked.filter((digest) => layers.has(digest)).length, 1);
  await reader.cancel();
  assert.equal(cancelled, 1);
});

test("cancelling an archive that is written cancels content that is waited for", async () => {
  const store = memoryStore();
  const content = noise(1000, 7);
  const layer = describe(content, "application/vnd.oci.image.layer.v1.tar");
  const descriptor = await imageWith(store, layer, content);
  let [cancels, isWaitedFor] = [0, () => {}];
  const waiting = new Promise<void>((resolve) => isWaitedFor = resolve);
  const source: ContentSource = {
    exists: (target, options) => store.exists(target, options),
    async fetch(target, options = {}) {
      if (target.digest !== layer.digest) return await store.fetch(target, options);
      return new ReadableStream({
        pull() {
          isWaitedFor();
          return new Promise(() => {});
        },
        cancel: () => void cancels++,
      }, { highWaterMark: 0 });
    },
  };
  const reader = writeOCIArchive(source, [{ descriptor, reference: "a:1" }]).getReader();
  const reading = (async () => {
    while (!(await reader.read()).done);
  })();
  await waiting;
  await reader.cancel();
  await reading;
  assert.equal(cancels, 1);
});

test("writeOCIArchive() errors with the reason of the signal", async () => {
  const store = memoryStore();
  const image = await randomImage("one");
  await image.pushTo(store);
  const controller = new AbortController();
  const { signal } = controller;
  const reader = writeOCIArchive(store, [{ descriptor: image.descriptor }], { signal }).getReader();
  await reader.read();
  const reason = { stop: "please" };
  controller.abort(reason);
  await assert.rejects(async () => {
    while (!(await reader.read()).done);
  }, (error) => error === reason);
});

test("archives are not written with content that is missing or a lie", async () => {
  const content = noise(2000, 1);
  const layer = describe(content, "application/vnd.oci.image.layer.v1.tar");
  const store = memoryStore();
  const missing = await imageWith(store, layer);
  for (const write of [writeOCIArchive, writeDockerArchive]) {
    await assert.rejects(bytesOf(write(store, [{ descriptor: missing }])), NotFoundError);
  }
  const other: ContentSource = {
    exists: () => Promise.resolve(true),
    fetch: async (target, options) =>
      target.digest === layer.digest
        ? await store.fetch(describe(noise(2000, 2)), options)
        : await store.fetch(target, options),
  };
  await store.push(describe(noise(2000, 2)), noise(2000, 2));
  await assert.rejects(
    bytesOf(writeOCIArchive(other, [{ descriptor: missing }])),
    DigestMismatchError,
  );
  const short = { ...layer, size: 1999 };
  const lying = await imageWith(store, short, undefined);
  await store.push(layer, content);
  await assert.rejects(bytesOf(writeOCIArchive(store, [{ descriptor: lying }])), SizeMismatchError);
  await assert.rejects(
    bytesOf(writeOCIArchive(store, [{ descriptor: describe(noise(9, 9), OCI_MANIFEST) }])),
    NotFoundError,
  );
});

test("writeOCIArchive() leaves foreign layers out that the source does not have", async () => {
  const store = memoryStore();
  const layer = {
    ...describe(noise(2000, 1), "application/vnd.oci.image.layer.nondistributable.v1.tar"),
    urls: ["https://example.com/layer"],
  };
  const descriptor = await imageWith(store, layer);
  const archive = ociArchive(await bytesOf(writeOCIArchive(store, [{ descriptor }])));
  assert.equal((await archive.resolve("")).digest, descriptor.digest);
  assert.equal(await archive.exists(layer), false);
  await assert.rejects(bytesOf(writeDockerArchive(store, [{ descriptor }])), NotFoundError);
  await store.push(layer, noise(2000, 1));
  const whole = ociArchive(await bytesOf(writeDockerArchive(store, [{ descriptor }])));
  assert.equal(await whole.exists(layer), true);
});

test("writeOCIArchive() takes content from the data of its descriptor", async () => {
  const store = memoryStore();
  const content = utf8("hello");
  const layer = { ...describe(content, "application/x.note"), data: "aGVsbG8=" };
  const descriptor = await imageWith(store, layer);
  const archive = ociArchive(await bytesOf(writeOCIArchive(store, [{ descriptor }])));
  assert.equal(text(await fetched(archive, layer)), "hello");
});

test("writeDockerArchive() refuses what Docker cannot load", async () => {
  const store = memoryStore();
  const index = await randomIndex("multi");
  await index.pushTo(store);
  const { descriptor } = index;
  await assert.rejects(bytesOf(writeDockerArchive(store, [{ descriptor }])), TypeError);
  const platform = { os: "windows", architecture: "amd64" };
  await assert.rejects(
    bytesOf(writeDockerArchive(store, [{ descriptor }], { platform })),
    PlatformNotFoundError,
  );
  assert.throws(
    () => writeDockerArchive(store, [{ descriptor, reference: "No Name" }]),
    InvalidReferenceError,
  );
  const artifact = await randomImage("thing", { artifactType: "application/x.thing" });
  await artifact.pushTo(store);
  const schema1 = {
    ...descriptor,
    mediaType: "application/vnd.docker.distribution.manifest.v1+prettyjws",
  };
  await assert.rejects(
    bytesOf(writeOCIArchive(store, [{ descriptor: schema1 }])),
    UnsupportedMediaTypeError,
  );
});
