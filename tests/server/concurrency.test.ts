import { test } from "node:test";
import assert from "node:assert/strict";
import type { ByteStream } from "../../lib/model/bytes.ts";
import { registryHandler } from "../../lib/server/mod.ts";
import { memoryFileSystem } from "../../lib/store/memory_file_system.ts";
import { memoryStore } from "../../lib/store/memory_store.ts";
import { ociLayout } from "../../lib/store/oci_layout.ts";
import {
  locationOf,
  noise,
  pushBlob,
  pushImage,
  putManifest,
  registry,
  send,
  sendWire,
  sha256,
  statusOf,
  utf8,
} from "./client.ts";

test("the same blob can be pushed many times at once", async () => {
  for (const target of [memoryStore(), ociLayout(memoryFileSystem(), "/layout")]) {
    const handler = registryHandler(target);
    const content = noise(100_000);
    const digest = sha256(content);
    await Promise.all(
      Array.from({ length: 12 }, (_, i) => pushBlob(handler, `a/${i % 3}`, content)),
    );
    for (const repository of ["a/0", "a/1", "a/2"]) {
      const answer = await send(handler, "GET", `/v2/${repository}/blobs/${digest}`);
      assert.equal(sha256(new Uint8Array(await answer.arrayBuffer())), digest);
    }
  }
});

test("many images can be pushed at once, to the same tag and to others", async () => {
  for (const target of [memoryStore(), ociLayout(memoryFileSystem(), "/layout")]) {
    const handler = registryHandler(target);
    const images = await Promise.all(
      Array.from(
        { length: 8 },
        (_, i) => pushImage(handler, "a/b", i < 4 ? "same" : `t${i}`, `${i}`),
      ),
    );
    const tags = await send(handler, "GET", "/v2/a/b/tags/list");
    assert.deepEqual((await tags.json() as { tags: string[] }).tags, [
      "same",
      "t4",
      "t5",
      "t6",
      "t7",
    ]);
    const head = await send(handler, "HEAD", "/v2/a/b/manifests/same");
    const digests = images.slice(0, 4).map(({ digest }) => digest);
    assert.ok(digests.includes(head.headers.get("docker-content-digest") ?? ""));
    for (const { digest } of images) {
      assert.equal(await statusOf(handler, "GET", `/v2/a/b/manifests/${digest}`), 200);
    }
  }
});

test("a second body for an upload is refused at once, and not read", async () => {
  const handler = registry();
  const location = locationOf(await send(handler, "POST", "/v2/a/b/blobs/uploads/"));
  let go = () => {};
  let isRead = false;
  const first: ByteStream = new ReadableStream({
    async pull(controller) {
      isRead = true;
      await new Promise<void>((resolve) => go = resolve);
      controller.close();
    },
  }, { highWaterMark: 0 });
  const patch = sendWire(handler, "PATCH", location, { body: first });
  while (!isRead) await new Promise((resolve) => setTimeout(resolve, 1));
  for (const method of ["PATCH", "PUT"]) {
    let isCancelled = false;
    const body: ByteStream = new ReadableStream({
      pull: () => new Promise(() => {}),
      cancel: () => void (isCancelled = true),
    }, { highWaterMark: 0 });
    const path = method === "PUT" ? `${location}?digest=${sha256("x")}` : location;
    assert.equal((await sendWire(handler, method, path, { body })).status, 409);
    assert.equal(isCancelled, true, `the body of ${method} is let go`);
  }
  go();
  assert.equal((await patch).status, 202);
});

test("two bodies for one upload do not mix", async () => {
  const handler = registry();
  const location = locationOf(await send(handler, "POST", "/v2/a/b/blobs/uploads/"));
  let go = () => {};
  const gate = new Promise<void>((resolve) => go = resolve);
  let at = 0;
  const slow: ByteStream = new ReadableStream({
    async pull(controller) {
      if (at === 1) await gate;
      if (at === 2) controller.close();
      else controller.enqueue(utf8(["hel", "lo"][at++] ?? ""));
    },
  }, { highWaterMark: 0 });
  const first = sendWire(handler, "PATCH", location, { body: slow });
  while (at < 1) await new Promise((resolve) => setTimeout(resolve, 1));
  const second = await sendWire(handler, "PATCH", location, { body: "evil" });
  assert.equal(second.status, 409);
  go();
  assert.equal((await first).status, 202);
  const put = await sendWire(handler, "PUT", `${location}?digest=${sha256("hello")}`);
  assert.equal(put.status, 201);
});

test("pushing wins over deleting the same content at the same time", async () => {
  const store = memoryStore();
  const handler = registryHandler(store);
  const content = noise(50_000);
  const digest = sha256(content);
  for (let round = 0; round < 20; round++) {
    await pushBlob(handler, "a/a", content);
    const [deleted] = await Promise.all([
      statusOf(handler, "DELETE", `/v2/a/a/blobs/${digest}`),
      pushBlob(handler, `b/${round}`, content),
    ]);
    assert.equal(deleted, 202);
    const answer = await send(handler, "GET", `/v2/b/${round}/blobs/${digest}`);
    assert.equal(answer.status, 200);
    assert.equal(sha256(new Uint8Array(await answer.arrayBuffer())), digest);
    await statusOf(handler, "DELETE", `/v2/b/${round}/blobs/${digest}`);
  }
});

test("tagging and deleting the same manifest at the same time leaves whole images only", async () => {
  const handler = registryHandler(memoryStore());
  for (let round = 0; round < 10; round++) {
    const { manifest, digest } = await pushImage(handler, "a/b", "old", "x");
    await Promise.all([
      statusOf(handler, "DELETE", `/v2/a/b/manifests/${digest}`),
      putManifest(handler, "a/b", "new", manifest),
    ]);
    const byTag = await statusOf(handler, "GET", "/v2/a/b/manifests/new");
    assert.equal(await statusOf(handler, "GET", `/v2/a/b/manifests/${digest}`), byTag);
  }
});
