// Caches that outlive the handler: a layout that is opened again, a bucket of many isolates.
import { test } from "node:test";
import assert from "node:assert/strict";
import type { Bytes } from "../../lib/model/bytes.ts";
import type { Transport } from "../../lib/model/transport.ts";
import { registryHandler } from "../../lib/server/mod.ts";
import { bucketStore } from "../../lib/store/bucket_store.ts";
import { collectGarbage } from "../../lib/store/collect_garbage.ts";
import { memoryFileSystem } from "../../lib/store/memory_file_system.ts";
import { memoryStore } from "../../lib/store/memory_store.ts";
import { ociLayout } from "../../lib/store/oci_layout.ts";
import { MemoryBucket } from "../support/memory_bucket.ts";
import {
  descriptorOf,
  imageParts,
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

/** Pushes an index of two images, of which clients pull the first. */
async function pushIndex(origin: Transport, repository: string) {
  const pulled = await pushImage(origin, repository, undefined, "pulled");
  const other = await pushImage(origin, repository, undefined, "other");
  const manifests = [pulled, other].map(({ manifest }) => descriptorOf(OCI_MANIFEST, manifest));
  const index = JSON.stringify({ schemaVersion: 2, mediaType: OCI_INDEX, manifests });
  await putManifest(origin, repository, "1", index, OCI_INDEX);
  return { pulled, other, index };
}

/** Pulls as docker does: the tag, the manifest of its platform, config and layer. */
async function pull(mirror: Transport, repository: string): Promise<void> {
  const { manifest, config, layer, digest } = imageParts("pulled");
  const index = await send(mirror, "GET", `/v2/${repository}/manifests/1`);
  assert.equal(index.headers.get("content-type"), OCI_INDEX);
  await index.text();
  const answer = await send(mirror, "GET", `/v2/${repository}/manifests/${digest}`);
  assert.equal(await answer.text(), manifest);
  for (const content of [config, layer]) {
    const blob = await send(mirror, "GET", `/v2/${repository}/blobs/${sha256(content)}`);
    assert.equal(await blob.text(), content);
  }
}

test("a cache in memory that is full makes room for what is pulled", async () => {
  const cache = memoryStore({ maxBytes: 250_000 });
  const { origin, mirror, rules, errors, settled, asked } = mirrored({ cache });
  const blobs = [1, 2, 3, 4].map((seed) => noise(100_000, seed));
  const large = noise(250_001, 5);
  for (const bytes of [...blobs, large]) await pushBlob(origin, "demo", bytes);
  const read = async (bytes: Bytes): Promise<string[]> => {
    const answer = await send(mirror, "GET", `/v2/demo/blobs/${sha256(bytes)}`);
    assert.deepEqual(new Uint8Array(await answer.arrayBuffer()), bytes);
    await settled();
    return asked().filter((line) => line.startsWith("GET"));
  };
  for (const bytes of blobs) assert.equal((await read(bytes)).length, 1);
  const [first, , third, fourth] = blobs as [Bytes, Bytes, Bytes, Bytes];
  for (const bytes of [third, fourth]) assert.deepEqual(await read(bytes), []);
  assert.equal((await read(first)).length, 1);
  assert.deepEqual(await read(fourth), []);
  assert.deepEqual(errors, []);
  // What there is no room for passes, and nothing makes any for it.
  assert.equal((await read(large)).length, 1);
  assert.deepEqual(errors.map(String).map((text) => text.split(":")[0]), ["LimitExceededError"]);
  rules.push(DOWN);
  for (const bytes of [first, fourth]) assert.deepEqual(await read(bytes), []);
});

test("a layout that an earlier process has filled serves without an upstream", async () => {
  const fs = memoryFileSystem();
  const first = mirrored({ cache: ociLayout(fs, "cache") });
  const { other } = await pushIndex(first.origin, "acme/app");
  await pull(first.mirror, "acme/app");
  await first.settled();
  assert.deepEqual(first.errors, []);

  const second = mirrored({ cache: ociLayout(fs, "cache") });
  second.rules.push(DOWN);
  await pull(second.mirror, "acme/app");
  // Nobody pulled this one.
  const path = `/v2/acme/app/manifests/${other.digest}`;
  await refused(await send(second.mirror, "GET", path), 502, "UNAVAILABLE");
  // And as a registry that has no upstream at all.
  const registry = registryHandler(ociLayout(fs, "cache"), { readOnly: true });
  await pull(registry, "acme/app");
  await refused(await send(registry, "GET", path), 404, "MANIFEST_UNKNOWN");
});

test("a tag is in the layout with its manifest, before anybody has pulled its blobs", async () => {
  const fs = memoryFileSystem();
  const { origin, mirror } = mirrored({ cache: ociLayout(fs, "cache") });
  const { digest, layer } = await pushImage(origin, "demo", "1", "x");
  await statusOf(mirror, "GET", "/v2/demo/manifests/1");
  const layout = ociLayout(fs, "cache");
  assert.equal((await layout.resolve("demo:1")).digest, digest);
  const registry = registryHandler(layout);
  const path = `/v2/demo/blobs/${sha256(layer)}`;
  await refused(await send(registry, "GET", path), 404, "BLOB_UNKNOWN");
});

test("what a tag of the cache led to before is garbage", async () => {
  const fs = memoryFileSystem();
  const { origin, mirror } = mirrored({ cache: ociLayout(fs, "cache") });
  const old = await pushImage(origin, "demo", "1", "old");
  await statusOf(mirror, "GET", "/v2/demo/manifests/1");
  const { digest } = await pushImage(origin, "demo", "1", "new");
  await statusOf(mirror, "GET", "/v2/demo/manifests/1");
  const layout = ociLayout(fs, "cache");
  const roots = [];
  for await (const { reference, descriptor } of layout.roots()) {
    roots.push([reference, descriptor.digest]);
  }
  assert.deepEqual(roots, [["demo:1", digest]]);
  await collectGarbage(fs, "cache", { minAgeMs: 0 });
  assert.equal(await layout.exists(descriptorOf(OCI_MANIFEST, old.manifest)), false);
});

test("what is damaged in the cache is read upstream, and mended", async () => {
  const fs = memoryFileSystem();
  const { origin, mirror, errors, asked, settled } = mirrored({ cache: ociLayout(fs, "cache") });
  const large = noise(300_000);
  const { layer, manifest, digest } = await pushImage(origin, "demo", "1", "x");
  await pushBlob(origin, "demo", large);
  const contents = [
    [`manifests/${digest}`, manifest],
    [`blobs/${sha256(layer)}`, layer],
    [`blobs/${sha256(large)}`, large],
  ] as const;
  const read = async (path: string) => {
    const answer = await send(mirror, "GET", `/v2/demo/${path}`);
    return new Uint8Array(await answer.arrayBuffer());
  };
  await read("manifests/1");
  for (const [path] of contents) await read(path);
  for (const [path, content] of contents) {
    const bytes = typeof content === "string" ? new TextEncoder().encode(content) : content;
    const name = `cache/blobs/sha256/${sha256(bytes).slice("sha256:".length)}`;
    const file = await fs.create(name, { truncate: true });
    await file.write(bytes.map((byte) => byte ^ 1));
    await file.close();
    asked();
    errors.length = 0;
    // A body under way breaks off; what is read before the answer is not the answer.
    if (content === large) await assert.rejects(read(path));
    else assert.deepEqual(await read(path), bytes, path);
    await settled();
    assert.equal(errors.length, 1, path);
    assert.deepEqual(await read(path), bytes, path);
    await settled();
    assert.deepEqual(asked(), [`GET demo/${path}`]);
    assert.deepEqual(await read(path), bytes, path);
    assert.deepEqual(asked(), []);
  }
  assert.equal((await ociLayout(fs, "cache").resolve("demo:1")).digest, digest);
});

test("handlers that come and go are one mirror over a bucket", async () => {
  const bucket = new MemoryBucket({ pageSize: 2 });
  const { origin, again, rules, asked, settled } = mirrored({ cache: bucketStore(bucket) });
  const mirror: Transport = (request) => again()(request);
  const { pulled } = await pushIndex(origin, "acme/app");
  await pushImage(origin, "acme/other", "1", "else");
  await pull(mirror, "acme/app");
  await settled();
  assert.deepEqual(asked(), [
    "GET acme/app/manifests/1",
    `GET acme/app/manifests/${pulled.digest}`,
    `GET acme/app/blobs/${sha256(pulled.config)}`,
    `GET acme/app/blobs/${sha256(pulled.layer)}`,
  ]);
  for (const path of [`manifests/${pulled.digest}`, `blobs/${sha256(pulled.layer)}`]) {
    assert.equal(await statusOf(mirror, "GET", `/v2/acme/other/${path}`), 404);
  }
  rules.push(DOWN);
  asked();
  await pull(mirror, "acme/app");
  assert.deepEqual(asked(), ["HEAD acme/app/manifests/1"]);
  await pull((request) => registryHandler(bucketStore(bucket))(request), "acme/app");
});

test("a bucket notes which repository has a manifest that was only asked for by digest", async () => {
  const bucket = new MemoryBucket();
  const { origin, again, rules } = mirrored({ cache: bucketStore(bucket) });
  const { digest, layer } = await pushImage(origin, "demo", undefined, "x");
  await statusOf(again(), "GET", `/v2/demo/manifests/${digest}`);
  await statusOf(again(), "GET", `/v2/demo/blobs/${sha256(layer)}`);
  rules.push(DOWN);
  assert.equal(await statusOf(again(), "GET", `/v2/demo/manifests/${digest}`), 200);
  assert.equal(await statusOf(again(), "GET", `/v2/demo/blobs/${sha256(layer)}`), 200);
});

test("what is noted in a bucket is not written again", async () => {
  const bucket = new MemoryBucket();
  const { origin, again } = mirrored({ cache: bucketStore(bucket) });
  await pushImage(origin, "demo", "1", "x");
  await statusOf(again(), "GET", "/v2/demo/manifests/1");
  bucket.calls.length = 0;
  await statusOf(again(), "GET", "/v2/demo/manifests/1");
  assert.deepEqual(bucket.calls.filter((call) => call.startsWith("put")), []);
});
