import { test } from "node:test";
import assert from "node:assert/strict";
import { registryHandler } from "../../lib/server/mod.ts";
import { memoryStore } from "../../lib/store/memory_store.ts";
import {
  noise,
  pushBlob,
  pushImage,
  refused,
  registry,
  send,
  sha256,
  sha512,
  utf8,
} from "./client.ts";

test("GET of a blob gives the bytes with digest, length and entity tag", async () => {
  const handler = registry();
  for (const content of [utf8(""), utf8("hello"), noise(64 * 1024), noise(200_000)]) {
    const digest = await pushBlob(handler, "a/b", content);
    const get = await send(handler, "GET", `/v2/a/b/blobs/${digest}`);
    const head = await send(handler, "HEAD", `/v2/a/b/blobs/${digest}`);
    for (const answer of [get, head]) {
      assert.equal(answer.status, 200);
      assert.equal(answer.headers.get("docker-content-digest"), digest);
      assert.equal(answer.headers.get("content-length"), String(content.length));
      assert.equal(answer.headers.get("content-type"), "application/octet-stream");
      assert.equal(answer.headers.get("etag"), `"${digest}"`);
      assert.equal(answer.headers.get("accept-ranges"), "bytes");
      assert.equal(answer.headers.get("x-content-type-options"), "nosniff");
    }
    assert.equal(sha256(new Uint8Array(await get.arrayBuffer())), digest);
  }
});

test("GET of a blob answers 404 where the repository does not hold it", async () => {
  const handler = registry();
  const digest = await pushBlob(handler, "a", "hello");
  await refused(await send(handler, "GET", `/v2/a/blobs/${sha256("x")}`), 404, "BLOB_UNKNOWN");
  await refused(await send(handler, "GET", `/v2/b/blobs/${digest}`), 404, "BLOB_UNKNOWN");
  assert.equal((await send(handler, "HEAD", `/v2/b/blobs/${digest}`)).status, 404);
});

test("GET of a blob answers 400 for what is no digest, and 404 for digests nobody can store", async () => {
  const table = [
    "x",
    "sha256:x",
    `sha256:${"A".repeat(64)}`,
    `sha256:${"a".repeat(63)}`,
    "sha256:",
  ];
  for (const digest of table) {
    await refused(
      await send(registry(), "GET", `/v2/a/blobs/${digest}`),
      400,
      "DIGEST_INVALID",
      digest,
    );
  }
  await refused(await send(registry(), "GET", "/v2/a/blobs/blake3:abc"), 404, "BLOB_UNKNOWN");
});

test("GET of a blob finds sha512 content by its own digest", async () => {
  const handler = registry();
  const digest = sha512("hello");
  await pushBlob(handler, "a", "hello", digest);
  const answer = await send(handler, "GET", `/v2/a/blobs/${digest}`);
  assert.equal(await answer.text(), "hello");
  assert.equal((await send(handler, "GET", `/v2/a/blobs/${sha256("hello")}`)).status, 404);
});

test("GET of a blob takes closed, open and suffix ranges", async () => {
  const handler = registry();
  for (const size of [100, 200_000]) {
    const content = noise(size);
    const digest = await pushBlob(handler, "a", content);
    const table: [string, number, number][] = [
      ["bytes=0-0", 0, 0],
      ["bytes=10-19", 10, 19],
      ["bytes=50-", 50, size - 1],
      ["bytes=-1", size - 1, size - 1],
      ["bytes=-70", size - 70, size - 1],
      [`bytes=-${size * 2}`, 0, size - 1],
      [`bytes=90-${size * 5}`, 90, size - 1],
      [`bytes=${size - 1}-`, size - 1, size - 1],
      ["bytes=0-99999999999999999999999", 0, size - 1],
    ];
    for (const [range, start, end] of table) {
      const answer = await send(handler, "GET", `/v2/a/blobs/${digest}`, { headers: { range } });
      assert.equal(answer.status, 206, range);
      assert.equal(answer.headers.get("content-range"), `bytes ${start}-${end}/${size}`, range);
      assert.equal(answer.headers.get("content-length"), String(end - start + 1), range);
      const body = new Uint8Array(await answer.arrayBuffer());
      assert.equal(sha256(body), sha256(content.slice(start, end + 1)), range);
    }
  }
});

test("GET of a blob answers 416 with the size where no byte is in the range", async () => {
  const handler = registry();
  const digest = await pushBlob(handler, "a", noise(100));
  const none = await pushBlob(handler, "a", "");
  for (
    const range of [
      "bytes=100-",
      "bytes=500-600",
      "bytes=50-40",
      "bytes=-0",
      "bytes=999999999999999999999-",
    ]
  ) {
    const answer = await send(handler, "GET", `/v2/a/blobs/${digest}`, { headers: { range } });
    assert.equal(answer.headers.get("content-range"), "bytes */100", range);
    await refused(answer, 416, "RANGE_INVALID", range);
  }
  for (const range of ["bytes=0-", "bytes=-1", "bytes=0-0"]) {
    const answer = await send(handler, "GET", `/v2/a/blobs/${none}`, { headers: { range } });
    assert.equal(answer.headers.get("content-range"), "bytes */0", range);
    await refused(answer, 416, "RANGE_INVALID", range);
  }
});

test("GET of a blob ignores ranges it does not serve, as RFC 9110 allows", async () => {
  const handler = registry();
  const digest = await pushBlob(handler, "a", noise(100));
  for (const range of ["bytes=0-1,5-6", "lines=1-2", "bytes=", "bytes=-", "bytes=a-b", "0-5"]) {
    const answer = await send(handler, "GET", `/v2/a/blobs/${digest}`, { headers: { range } });
    assert.equal(answer.status, 200, range);
    assert.equal((await answer.arrayBuffer()).byteLength, 100, range);
  }
  const head = await send(handler, "HEAD", `/v2/a/blobs/${digest}`, {
    headers: { range: "bytes=0-1" },
  });
  assert.equal(head.status, 200);
});

test("GET of a blob honours If-Range and If-None-Match", async () => {
  const handler = registry();
  const digest = await pushBlob(handler, "a", noise(100));
  const get = (headers: Record<string, string>) =>
    send(handler, "GET", `/v2/a/blobs/${digest}`, { headers });
  assert.equal((await get({ range: "bytes=0-1", "if-range": `"${digest}"` })).status, 206);
  assert.equal((await get({ range: "bytes=0-1", "if-range": '"other"' })).status, 200);
  const same = await get({ "if-none-match": `"x", W/"${digest}"` });
  assert.equal(same.status, 304);
  assert.equal(same.headers.get("docker-content-digest"), digest);
  assert.equal((await get({ "if-none-match": "*" })).status, 304);
  assert.equal((await get({ "if-none-match": '"x"' })).status, 200);
});

test("GET of a blob opens the content once, and cancels it when the client leaves", async () => {
  const store = memoryStore();
  const content = noise(300_000);
  const digest = await pushBlob(registryHandler(store), "a", content);
  let pulled = 0;
  let cancelled = 0;
  const watched: typeof store = {
    ...bound(store),
    fetch: () =>
      Promise.resolve(
        new ReadableStream({
          pull(controller) {
            pulled++;
            controller.enqueue(content.slice(0, 1000));
          },
          cancel() {
            cancelled++;
          },
        }, { highWaterMark: 0 }),
      ),
  };
  const other = registryHandler(watched);
  await pushBlob(other, "a", content);
  const answer = await send(other, "GET", `/v2/a/blobs/${digest}`);
  const reader = answer.body?.getReader();
  await reader?.read();
  await reader?.cancel();
  // workerd tells the other end of a stream a moment later.
  for (let turns = 0; cancelled === 0 && turns < 1000; turns++) {
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  assert.ok(pulled <= 3, `${pulled} pulls`);
  assert.equal(cancelled, 1);
});

test("GET of a blob that is damaged in the target does not end as if it were whole", async () => {
  for (const size of [100, 200_000]) {
    const store = memoryStore();
    const content = noise(size);
    const digest = await pushBlob(registryHandler(store), "a", content);
    const failing: typeof store = {
      ...bound(store),
      fetch: () => {
        let left = 2;
        return Promise.resolve(
          new ReadableStream({
            pull(controller) {
              if (left-- > 0) controller.enqueue(content.slice(0, size / 2 - 1));
              else controller.error(new Error("the disk is broken"));
            },
          }, { highWaterMark: 0 }),
        );
      },
    };
    const handler = registryHandler(failing);
    await pushBlob(handler, "a", content);
    const answer = await send(handler, "GET", `/v2/a/blobs/${digest}`);
    if (answer.status === 200) await assert.rejects(answer.arrayBuffer());
    else await refused(answer, 500, "UNKNOWN");
  }
});

test("GET of a blob answers 404 when the target has lost it", async () => {
  const store = memoryStore();
  const handler = registryHandler(store);
  const { layer } = await pushImage(handler, "a/b", "1", "x");
  const descriptor = { mediaType: "", digest: sha256(layer), size: utf8(layer).length };
  await store.delete(descriptor);
  for (const method of ["GET", "HEAD"]) {
    const answer = await send(handler, method, `/v2/a/b/blobs/${descriptor.digest}`);
    assert.equal(answer.status, 404, method);
  }
});

function bound(store: ReturnType<typeof memoryStore>): ReturnType<typeof memoryStore> {
  return {
    exists: (target) => store.exists(target),
    fetch: (target, options) => store.fetch(target, options),
    push: (expected, content) => store.push(expected, content),
    startUpload: () => store.startUpload(),
    resolve: (reference) => store.resolve(reference),
    tag: (target, reference) => store.tag(target, reference),
    roots: () => store.roots(),
    referrers: (subject) => store.referrers(subject),
    delete: (target) => store.delete(target),
    untag: (reference) => store.untag(reference),
  };
}
