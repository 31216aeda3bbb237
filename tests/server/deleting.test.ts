import { test } from "node:test";
import assert from "node:assert/strict";
import type { Transport } from "../../lib/model/transport.ts";
import { registryHandler } from "../../lib/server/mod.ts";
import { type MemoryStore, memoryStore } from "../../lib/store/memory_store.ts";
import {
  descriptorOf,
  OCI_INDEX,
  OCI_MANIFEST,
  pushBlob,
  pushImage,
  putManifest,
  refused,
  send,
  sha256,
  statusOf,
  utf8,
} from "./client.ts";

function made(): { store: MemoryStore; handler: Transport } {
  const store = memoryStore();
  return { store, handler: registryHandler(store) };
}

test("deleting a tag leaves the manifest and the other tags", async () => {
  const { handler } = made();
  const { manifest, digest } = await pushImage(handler, "a/b", "1", "x");
  await putManifest(handler, "a/b", "2", manifest);
  assert.equal(await statusOf(handler, "DELETE", "/v2/a/b/manifests/1"), 202);
  await refused(await send(handler, "GET", "/v2/a/b/manifests/1"), 404, "MANIFEST_UNKNOWN");
  assert.equal(await statusOf(handler, "GET", "/v2/a/b/manifests/2"), 200);
  assert.equal(await statusOf(handler, "DELETE", "/v2/a/b/manifests/2"), 202);
  assert.equal(await statusOf(handler, "GET", `/v2/a/b/manifests/${digest}`), 200);
  const tags = await send(handler, "GET", "/v2/a/b/tags/list");
  assert.deepEqual(await tags.json(), { name: "a/b", tags: [] });
  await refused(await send(handler, "DELETE", "/v2/a/b/manifests/1"), 404, "MANIFEST_UNKNOWN");
});

test("deleting a manifest by digest takes all its tags and its content, and no other", async () => {
  const { store, handler } = made();
  const first = await pushImage(handler, "a/b", "1", "x");
  await putManifest(handler, "a/b", "2", first.manifest);
  const second = await pushImage(handler, "a/b", "3", "y");
  assert.equal(await statusOf(handler, "DELETE", `/v2/a/b/manifests/${first.digest}`), 202);
  for (const reference of ["1", "2", first.digest]) {
    assert.equal(await statusOf(handler, "GET", `/v2/a/b/manifests/${reference}`), 404, reference);
  }
  assert.equal(await store.exists(descriptorOf(OCI_MANIFEST, first.manifest)), false);
  assert.equal(await statusOf(handler, "GET", "/v2/a/b/manifests/3"), 200);
  assert.equal(await statusOf(handler, "GET", `/v2/a/b/blobs/${sha256(first.layer)}`), 200);
  await refused(
    await send(handler, "DELETE", `/v2/a/b/manifests/${first.digest}`),
    404,
    "MANIFEST_UNKNOWN",
  );
  assert.equal(await statusOf(handler, "GET", `/v2/a/b/manifests/${second.digest}`), 200);
});

test("deleting from one repository leaves what another one holds", async () => {
  const { store, handler } = made();
  const { manifest, digest, layer, config } = await pushImage(handler, "a/b", "1", "x");
  await pushImage(handler, "c/d", "1", "x");
  assert.equal(await statusOf(handler, "DELETE", `/v2/a/b/manifests/${digest}`), 202);
  for (const blob of [layer, config]) {
    assert.equal(await statusOf(handler, "DELETE", `/v2/a/b/blobs/${sha256(blob)}`), 202);
    assert.equal(await statusOf(handler, "HEAD", `/v2/a/b/blobs/${sha256(blob)}`), 404);
    assert.equal(await statusOf(handler, "HEAD", `/v2/c/d/blobs/${sha256(blob)}`), 200);
  }
  assert.equal(await statusOf(handler, "GET", "/v2/a/b/manifests/1"), 404);
  assert.equal(await statusOf(handler, "GET", "/v2/c/d/manifests/1"), 200);
  assert.equal(await store.exists(descriptorOf(OCI_MANIFEST, manifest)), true);
  assert.equal(await statusOf(handler, "DELETE", `/v2/c/d/manifests/${digest}`), 202);
  assert.equal(await store.exists(descriptorOf(OCI_MANIFEST, manifest)), false);
});

test("deleting a blob takes the content once nobody holds it", async () => {
  const { store, handler } = made();
  const digest = await pushBlob(handler, "a/b", "hello");
  const descriptor = { mediaType: "", digest, size: 5 };
  await send(handler, "POST", `/v2/c/d/blobs/uploads/?mount=${digest}&from=a/b`);
  assert.equal(await statusOf(handler, "DELETE", `/v2/a/b/blobs/${digest}`), 202);
  assert.equal(await store.exists(descriptor), true);
  assert.equal(await statusOf(handler, "DELETE", `/v2/c/d/blobs/${digest}`), 202);
  assert.equal(await store.exists(descriptor), false);
  await refused(await send(handler, "DELETE", `/v2/c/d/blobs/${digest}`), 404, "BLOB_UNKNOWN");
  await refused(await send(handler, "DELETE", "/v2/c/d/blobs/x"), 400, "DIGEST_INVALID");
});

test("what a tag of the target reaches in another repository is never taken", async () => {
  const store = memoryStore();
  const { layer, digest } = await pushImage(registryHandler(store), "a/b", "1", "x");
  // A new handler knows nothing: it has to look before it takes.
  const handler = registryHandler(store);
  await pushBlob(handler, "c/d", layer);
  assert.equal(await statusOf(handler, "DELETE", `/v2/c/d/blobs/${sha256(layer)}`), 202);
  assert.equal(await statusOf(handler, "GET", `/v2/a/b/blobs/${sha256(layer)}`), 200);
  assert.equal(await statusOf(handler, "GET", `/v2/a/b/manifests/${digest}`), 200);
});

test("what was deleted can be pushed again", async () => {
  const { handler } = made();
  const { digest, layer } = await pushImage(handler, "a/b", "1", "x");
  await statusOf(handler, "DELETE", `/v2/a/b/manifests/${digest}`);
  await statusOf(handler, "DELETE", `/v2/a/b/blobs/${sha256(layer)}`);
  await pushImage(handler, "a/b", "1", "x");
  assert.equal(await statusOf(handler, "GET", "/v2/a/b/manifests/1"), 200);
  assert.equal(await statusOf(handler, "GET", `/v2/a/b/blobs/${sha256(layer)}`), 200);
});

test("a blob that was deleted stays away although a manifest still names it", async () => {
  const { handler } = made();
  const { layer } = await pushImage(handler, "a/b", "1", "x");
  assert.equal(await statusOf(handler, "DELETE", `/v2/a/b/blobs/${sha256(layer)}`), 202);
  assert.equal(await statusOf(handler, "GET", "/v2/a/b/manifests/1"), 200);
  assert.equal(await statusOf(handler, "GET", `/v2/a/b/blobs/${sha256(layer)}`), 404);
});

test("deleting an index leaves its children", async () => {
  const { handler } = made();
  const { manifest, digest } = await pushImage(handler, "a/b", undefined, "x");
  const index = JSON.stringify({
    schemaVersion: 2,
    mediaType: OCI_INDEX,
    manifests: [descriptorOf(OCI_MANIFEST, manifest)],
  });
  await putManifest(handler, "a/b", "all", index, OCI_INDEX);
  assert.equal(await statusOf(handler, "DELETE", `/v2/a/b/manifests/${sha256(index)}`), 202);
  assert.equal(await statusOf(handler, "GET", `/v2/a/b/manifests/${digest}`), 200);
});

test("deleting is refused where it is switched off or the target cannot do it", async () => {
  const store = memoryStore();
  const { digest, layer } = await pushImage(registryHandler(store), "a/b", "1", "x");
  const plain = {
    exists: store.exists.bind(store),
    fetch: store.fetch.bind(store),
    push: store.push.bind(store),
    resolve: store.resolve.bind(store),
    tag: store.tag.bind(store),
  };
  for (const handler of [registryHandler(store, { allowDelete: false }), registryHandler(plain)]) {
    for (const path of ["manifests/1", `manifests/${digest}`, `blobs/${sha256(layer)}`]) {
      await refused(await send(handler, "DELETE", `/v2/a/b/${path}`), 405, "UNSUPPORTED", path);
    }
    assert.equal(await statusOf(handler, "GET", "/v2/a/b/manifests/1"), 200);
  }
  assert.equal(
    await store.exists({ mediaType: "", digest: sha256(layer), size: utf8(layer).length }),
    true,
  );
});
