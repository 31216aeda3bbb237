import { test } from "node:test";
import assert from "node:assert/strict";
import { digestBytes } from "../../lib/hash/digest_bytes.ts";
import { memoryStore } from "../../lib/store/memory_store.ts";
import { memoryRegistry } from "../../lib/testing/memory_registry.ts";

const BIG = new Uint8Array(300_000).fill(7);
const DIGEST = digestBytes("sha256", BIG);
const BLOB = `https://registry.test/v2/a/b/blobs/${DIGEST}`;

async function filled() {
  const registry = memoryRegistry();
  const upload = `https://registry.test/v2/a/b/blobs/uploads/?digest=${DIGEST}`;
  const pushed = await registry.transport(new Request(upload, { method: "POST", body: BIG }));
  assert.equal(pushed.status, 201);
  return registry;
}

test("memoryRegistry() is a registry behind a transport, and notes its requests", async () => {
  const { transport, requests, host, store } = await filled();
  assert.equal(host, "registry.test");
  assert.equal(await store.exists({ mediaType: "", digest: DIGEST, size: BIG.length }), true);
  const answer = await transport(new Request(BLOB));
  assert.equal((await answer.arrayBuffer()).byteLength, BIG.length);
  assert.equal(answer.headers.get("docker-content-digest"), DIGEST);
  await transport(new Request("https://registry.test/v2/a/b/tags/list?n=0", { method: "HEAD" }));
  assert.deepEqual(requests, [
    { method: "POST", path: `/v2/a/b/blobs/uploads/?digest=${DIGEST}`, status: 201 },
    { method: "GET", path: `/v2/a/b/blobs/${DIGEST}`, status: 200 },
    { method: "HEAD", path: "/v2/a/b/tags/list?n=0", status: 200 },
  ]);
});

test("memoryRegistry() takes a host, a store and the options of the handler", async () => {
  const store = memoryStore();
  const { transport } = memoryRegistry({ host: "127.0.0.1:5000", store, readOnly: true });
  const post = new Request("http://127.0.0.1:5000/v2/a/blobs/uploads/", { method: "POST" });
  assert.equal((await transport(post)).status, 405);
});

test("memoryRegistry() rejects requests to other hosts, as a network without them would", async () => {
  const { transport, requests } = memoryRegistry();
  for (const url of ["https://other.test/v2/", "https://registry.test:444/v2/"]) {
    await assert.rejects(transport(new Request(url)), TypeError, url);
  }
  assert.deepEqual(requests, []);
});

test("memoryRegistry() rejects with the reason of a signal, before and during a request", async () => {
  const { transport } = await filled();
  const reason = new Error("enough");
  const aborted = new AbortController();
  aborted.abort(reason);
  await assert.rejects(
    transport(new Request(BLOB, { signal: aborted.signal })),
    (error) => error === reason || (error as Error).name === "AbortError",
  );
  const during = new AbortController();
  const body = new ReadableStream({ pull: () => new Promise(() => {}) });
  const upload = `https://registry.test/v2/a/b/blobs/uploads/?digest=${DIGEST}`;
  const init = { method: "POST", body, duplex: "half", signal: during.signal } as RequestInit;
  const waiting = transport(new Request(upload, init));
  setTimeout(() => during.abort(reason), 5);
  await assert.rejects(waiting);
});

test("memoryRegistry() errors the body of an answer when the signal aborts", async () => {
  const { transport } = await filled();
  const controller = new AbortController();
  const answer = await transport(new Request(BLOB, { signal: controller.signal }));
  const reader = answer.body?.getReader();
  assert.equal((await reader?.read())?.done, false);
  controller.abort(new Error("enough"));
  await assert.rejects(async () => {
    for (let i = 0; i < 100; i++) {
      if ((await reader?.read())?.done) return;
    }
  });
});
