import { test } from "node:test";
import assert from "node:assert/strict";
import type { Bytes, ByteStream } from "../../lib/model/bytes.ts";
import type { Transport } from "../../lib/model/transport.ts";
import { memoryUploads, registryHandler } from "../../lib/server/mod.ts";
import { memoryStore } from "../../lib/store/memory_store.ts";
import {
  locationOf,
  noise,
  pushBlob,
  refused,
  registry,
  send,
  sendWire,
  sha256,
  sha512,
  utf8,
} from "./client.ts";

async function start(handler: Transport, repository = "a/b", query = ""): Promise<string> {
  const answer = await send(handler, "POST", `/v2/${repository}/blobs/uploads/${query}`);
  assert.equal(answer.status, 202);
  return locationOf(answer);
}

async function pulled(handler: Transport, digest: string): Promise<Bytes> {
  const answer = await send(handler, "GET", `/v2/a/b/blobs/${digest}`);
  assert.equal(answer.status, 200);
  return new Uint8Array(await answer.arrayBuffer());
}

/** A body that breaks off. */
function broken(...chunks: Bytes[]): ByteStream {
  return new ReadableStream({
    pull(controller) {
      const chunk = chunks.shift();
      if (chunk === undefined) controller.error(new Error("the client left"));
      else controller.enqueue(chunk);
    },
  }, { highWaterMark: 0 });
}

test("POST starts an upload with a place, a range and an identifier", async () => {
  const answer = await send(registry(), "POST", "/v2/a/b/blobs/uploads/");
  assert.equal(answer.status, 202);
  assert.match(
    locationOf(answer),
    /^\/v2\/a\/b\/blobs\/uploads\/[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/,
  );
  assert.equal(answer.headers.get("range"), "0-0");
  assert.ok(locationOf(answer).endsWith(answer.headers.get("docker-upload-uuid") ?? "-"));
  assert.equal(answer.headers.get("oci-chunk-min-length"), null);
});

test("POST announces the smallest chunk where there is one", async () => {
  const answer = await send(registry({ minChunkBytes: 5000 }), "POST", "/v2/a/b/blobs/uploads/");
  assert.equal(answer.headers.get("oci-chunk-min-length"), "5000");
});

test("PUT stores a whole blob, with and without a Content-Length", async () => {
  const handler = registry();
  for (const sender of [send, sendWire]) {
    for (const content of ["", "hello", `hello ${sender.name}`]) {
      const digest = sha256(content);
      const location = await start(handler);
      const put = await sender(handler, "PUT", `${location}?digest=${digest}`, { body: content });
      assert.equal(put.status, 201);
      assert.equal(locationOf(put), `/v2/a/b/blobs/${digest}`);
      assert.equal(put.headers.get("docker-content-digest"), digest);
      assert.equal(sha256(await pulled(handler, digest)), digest);
      assert.equal((await send(handler, "GET", location)).status, 404);
    }
  }
});

test("POST with a digest stores a whole blob in one request", async () => {
  const handler = registry();
  for (const sender of [send, sendWire]) {
    for (const content of ["", `hello ${sender.name}`]) {
      for (const digest of [sha256(content), sha512(content)]) {
        const path = `/v2/a/b/blobs/uploads/?digest=${digest}`;
        const answer = await sender(handler, "POST", path, { body: content });
        assert.equal(answer.status, 201);
        assert.equal(locationOf(answer), `/v2/a/b/blobs/${digest}`);
        assert.equal(new TextDecoder().decode(await pulled(handler, digest)), content);
      }
    }
  }
});

test("an upload goes on with PATCH, in chunks or as one stream", async () => {
  const handler = registry();
  const content = noise(5000);
  for (const withRange of [true, false]) {
    let location = await start(handler);
    for (let at = 0; at < 4000; at += 1000) {
      const answer = await sendWire(handler, "PATCH", location, {
        body: content.slice(at, at + 1000),
        headers: withRange ? { "content-range": `${at}-${at + 999}` } : {},
      });
      assert.equal(answer.status, 202);
      assert.equal(answer.headers.get("range"), `0-${at + 999}`);
      location = locationOf(answer);
      const status = await send(handler, "GET", location);
      assert.equal(status.status, 204);
      assert.equal(status.headers.get("range"), `0-${at + 999}`);
      assert.equal(locationOf(status), location);
    }
    const digest = sha256(content);
    const put = await sendWire(handler, "PUT", `${location}?digest=${digest}`, {
      body: content.slice(4000),
      headers: withRange ? { "content-range": "4000-4999" } : {},
    });
    assert.equal(put.status, 201);
    assert.equal(sha256(await pulled(handler, digest)), digest);
    await send(handler, "DELETE", `/v2/a/b/blobs/${digest}`);
  }
});

test("an upload ends with a PUT without a body", async () => {
  const handler = registry();
  for (const [algorithm, digestOf] of [["sha256", sha256], ["sha512", sha512]] as const) {
    for (const query of ["", `?digest-algorithm=${algorithm}`]) {
      const location = await start(handler, "a/b", query);
      await send(handler, "PATCH", location, { body: "hello" });
      const digest = digestOf("hello");
      const put = await sendWire(handler, "PUT", `${location}?digest=${digest}`);
      assert.equal(put.status, 201, algorithm);
      assert.equal(new TextDecoder().decode(await pulled(handler, digest)), "hello");
    }
  }
});

test("a chunk that is not the next one is refused with 416 and where the upload stands", async () => {
  const handler = registry();
  const location = await start(handler);
  await sendWire(handler, "PATCH", location, {
    body: "01234",
    headers: { "content-range": "0-4" },
  });
  const digest = sha256("0123456789");
  const table: [string, string, string][] = [
    ["PATCH", "", "6-9"],
    ["PATCH", "", "0-4"],
    ["PATCH", "", "4-9"],
    ["PUT", `?digest=${digest}`, "6-9"],
    ["PUT", `?digest=${digest}`, "0-9"],
  ];
  for (const [method, query, range] of table) {
    const [first, last] = range.split("-").map(Number) as [number, number];
    const answer = await sendWire(handler, method, location + query, {
      body: "x".repeat(last - first + 1),
      headers: { "content-range": range },
    });
    assert.equal(answer.headers.get("range"), "0-4", range);
    assert.equal(locationOf(answer), location);
    await refused(answer, 416, "BLOB_UPLOAD_INVALID", `${method} ${range}`);
  }
  const put = await sendWire(handler, "PUT", `${location}?digest=${digest}`, {
    body: "56789",
    headers: { "content-range": "bytes 5-9/10" },
  });
  assert.equal(put.status, 201);
});

test("a first chunk that does not start at 0 is refused with 416", async () => {
  const handler = registry();
  const location = await start(handler);
  const answer = await sendWire(handler, "PATCH", location, {
    body: "56789",
    headers: { "content-range": "5-9" },
  });
  assert.equal(answer.headers.get("range"), "0-0");
  await refused(answer, 416, "BLOB_UPLOAD_INVALID");
});

test("a chunk whose range is none, or not that of its body, is refused with 400", async () => {
  const handler = registry();
  const location = await start(handler);
  for (const range of ["x", "5", "5-", "-5", "4-2", "0-4,5-9", "0-4 "]) {
    const answer = await sendWire(handler, "PATCH", location, {
      body: "hello",
      headers: { "content-range": range },
    });
    const expected = range.trim() === "0-4" ? 202 : 400;
    assert.equal(answer.status, expected, range);
  }
  const lying = await sendWire(handler, "PATCH", location, {
    body: "world",
    headers: { "content-range": "5-6" },
  });
  await refused(lying, 400, "SIZE_INVALID");
  // Without a Content-Length the body itself tells.
  const long = await send(handler, "PATCH", location, {
    body: "world",
    headers: { "content-range": "5-6" },
  });
  assert.equal(long.headers.get("range"), "0-6");
  await refused(long, 400, "SIZE_INVALID");
  const short = await send(handler, "PATCH", location, {
    body: "r",
    headers: { "content-range": "7-9" },
  });
  assert.equal(short.headers.get("range"), "0-7");
  await refused(short, 400, "SIZE_INVALID");
  await send(handler, "PATCH", location, { body: "ld" });
  const put = await sendWire(handler, "PUT", `${location}?digest=${sha256("helloworld")}`);
  assert.equal(put.status, 201);
});

test("content with another digest is refused, and nothing of it is stored", async () => {
  const store = memoryStore();
  const handler = registryHandler(store);
  const digest = sha256("good");
  for (const sender of [send, sendWire]) {
    const post = await sender(handler, "POST", `/v2/a/b/blobs/uploads/?digest=${digest}`, {
      body: "evil",
    });
    await refused(post, 400, "DIGEST_INVALID");
    const put = await sender(handler, "PUT", `${await start(handler)}?digest=${digest}`, {
      body: "evil",
    });
    await refused(put, 400, "DIGEST_INVALID");
  }
  const location = await start(handler);
  await send(handler, "PATCH", location, { body: "evil" });
  await refused(await send(handler, "PUT", `${location}?digest=${digest}`), 400, "DIGEST_INVALID");
  assert.equal((await send(handler, "GET", location)).status, 404);
  assert.equal(await store.exists({ mediaType: "", digest, size: 4 }), false);
  assert.equal(await store.exists({ mediaType: "", digest: sha256("evil"), size: 4 }), false);
});

test("a body that is not as long as its Content-Length is refused", async () => {
  const handler = registry();
  for (const length of ["4", "6"]) {
    const path = `/v2/a/b/blobs/uploads/?digest=${sha256("hello")}`;
    const answer = await sendWire(handler, "POST", path, {
      body: "hello",
      headers: { "content-length": length },
    });
    await refused(answer, 400, "SIZE_INVALID", length);
  }
});

test("digests that are none, missing or of an unknown algorithm are refused with 400", async () => {
  const handler = registry();
  for (const digest of ["", "x", "sha256:baddigest", "blake3:abcd", `sha384:${"a".repeat(96)}`]) {
    const query = `?digest=${digest}`;
    const location = await start(handler);
    await refused(
      await send(handler, "PUT", location + query, { body: "x" }),
      400,
      "DIGEST_INVALID",
      digest,
    );
    const post = await send(handler, "POST", `/v2/a/b/blobs/uploads/${query}`, { body: "x" });
    await refused(post, 400, "DIGEST_INVALID", digest);
    const mount = await send(handler, "POST", `/v2/a/b/blobs/uploads/?mount=${digest}&from=c`);
    await refused(mount, 400, "DIGEST_INVALID", digest);
  }
  const location = await start(handler);
  await refused(await send(handler, "PUT", location, { body: "x" }), 400, "DIGEST_INVALID");
  const post = await send(handler, "POST", "/v2/a/b/blobs/uploads/?digest-algorithm=md5");
  await refused(post, 400, "DIGEST_INVALID");
});

test("uploads are known under their own repository and identifier only", async () => {
  const handler = registry();
  const location = await start(handler, "a/b");
  const elsewhere = location.replace("/a/b/", "/a/c/");
  for (const path of [elsewhere, "/v2/a/b/blobs/uploads/x"]) {
    for (const method of ["GET", "PATCH", "PUT", "DELETE"]) {
      const answer = await send(handler, method, `${path}?digest=${sha256("x")}`);
      await refused(answer, 404, "BLOB_UPLOAD_UNKNOWN", `${method} ${path}`);
    }
  }
  assert.equal((await send(handler, "GET", location)).status, 204);
});

test("DELETE gives an upload up", async () => {
  const handler = registry();
  const location = await start(handler);
  await send(handler, "PATCH", location, { body: "hello" });
  assert.equal((await send(handler, "DELETE", location)).status, 204);
  await refused(await send(handler, "GET", location), 404, "BLOB_UPLOAD_UNKNOWN");
});

test("DELETE ends a PATCH that still waits for its body", async () => {
  const handler = registry();
  const location = await start(handler);
  let isCancelled = false;
  let pulls = 0;
  const body: ByteStream = new ReadableStream({
    pull(controller) {
      if (pulls++ === 0) controller.enqueue(utf8("hello"));
      else return new Promise(() => {});
    },
    cancel() {
      isCancelled = true;
    },
  }, { highWaterMark: 0 });
  const patch = sendWire(handler, "PATCH", location, { body });
  while (pulls < 2) await new Promise((resolve) => setTimeout(resolve, 1));
  await refused(
    await sendWire(handler, "PATCH", location, { body: "x" }),
    409,
    "BLOB_UPLOAD_INVALID",
  );
  assert.equal((await send(handler, "DELETE", location)).status, 204);
  await refused(await patch, 404, "BLOB_UPLOAD_UNKNOWN");
  assert.equal(isCancelled, true);
});

test("a PATCH that breaks off can be gone on with behind what arrived", async () => {
  const handler = registry();
  const location = await start(handler);
  const patch = await sendWire(handler, "PATCH", location, {
    body: broken(utf8("hel"), utf8("lo")),
  });
  await refused(patch, 400, "BLOB_UPLOAD_INVALID");
  const status = await send(handler, "GET", location);
  assert.equal(status.headers.get("range"), "0-4");
  const rest = await sendWire(handler, "PATCH", location, {
    body: " world",
    headers: { "content-range": "5-10" },
  });
  assert.equal(rest.status, 202);
  const digest = sha256("hello world");
  assert.equal((await sendWire(handler, "PUT", `${location}?digest=${digest}`)).status, 201);
});

test("a PUT that breaks off stores nothing and leaves the upload open", async () => {
  const store = memoryStore();
  const handler = registryHandler(store);
  const location = await start(handler);
  const digest = sha256("hello");
  const headers = { "content-length": "5" };
  const put = await sendWire(handler, "PUT", `${location}?digest=${digest}`, {
    body: broken(utf8("hel")),
    headers,
  });
  await refused(put, 400, "BLOB_UPLOAD_INVALID");
  assert.equal(await store.exists({ mediaType: "", digest, size: 5 }), false);
  const again = await sendWire(handler, "PUT", `${location}?digest=${digest}`, { body: "hello" });
  assert.equal(again.status, 201);
});

test("a POST of a whole blob that breaks off leaves nothing behind", async () => {
  const created: string[] = [];
  const removed: string[] = [];
  const memory = memoryUploads();
  const handler = registry({
    uploads: {
      async create() {
        const spool = await memory.create();
        created.push("x");
        return {
          append: (chunk) => spool.append(chunk),
          source: () => spool.source(),
          remove: () => {
            removed.push("x");
            return spool.remove();
          },
        };
      },
    },
  });
  const path = `/v2/a/b/blobs/uploads/?digest=${sha256("hello")}`;
  for (const headers of [{}, { "content-length": "5" }] as Record<string, string>[]) {
    const answer = await sendWire(handler, "POST", path, { body: broken(utf8("hel")), headers });
    await refused(answer, 400, "BLOB_UPLOAD_INVALID");
  }
  assert.equal(created.length, 1);
  assert.equal(removed.length, 1);
  assert.equal((await send(handler, "HEAD", `/v2/a/b/blobs/${sha256("hello")}`)).status, 404);
});

test("a failing target answers 500, ends the upload and cancels the body", async () => {
  const store = memoryStore();
  const uploads = memoryUploads({ maxBytes: 100 });
  const handler = registryHandler({
    ...store,
    exists: (target) => store.exists(target),
    fetch: (target) => store.fetch(target),
    resolve: (reference) => store.resolve(reference),
    tag: (target, reference) => store.tag(target, reference),
    push: () => Promise.reject(new Error("no space left")),
  }, { uploads });
  let isCancelled = false;
  const body: ByteStream = new ReadableStream({
    pull: (controller) => controller.enqueue(utf8("x")),
    cancel() {
      isCancelled = true;
    },
  }, { highWaterMark: 0 });
  const digest = sha256("x".repeat(80));
  const location = await start(handler);
  const put = await sendWire(handler, "PUT", `${location}?digest=${digest}`, {
    body,
    headers: { "content-length": "80" },
  });
  await refused(put, 500, "UNKNOWN");
  assert.equal(isCancelled, true);
  for (let i = 0; i < 3; i++) {
    const again = await start(handler);
    await send(handler, "PATCH", again, { body: "x".repeat(80) });
    await refused(await sendWire(handler, "PUT", `${again}?digest=${digest}`), 500, "UNKNOWN");
  }
});

test("a body is read only as fast as the target, or the spool, takes it", async () => {
  const content = noise(640_000);
  const digest = sha256(content);
  let ahead = 0;
  let furthest = 0;
  const body = (): ByteStream => {
    let at = 0;
    return new ReadableStream({
      pull(controller) {
        if (at >= content.length) return controller.close();
        controller.enqueue(content.slice(at, at += 10_000));
        furthest = Math.max(furthest, ++ahead);
      },
    }, { highWaterMark: 0 });
  };
  const slowly = async () => {
    await new Promise((resolve) => setTimeout(resolve, 0));
    ahead--;
  };
  const store = memoryStore();
  const handler = registryHandler({
    exists: store.exists.bind(store),
    fetch: store.fetch.bind(store),
    resolve: store.resolve.bind(store),
    tag: store.tag.bind(store),
    async push(_, source) {
      if (!(source instanceof ReadableStream)) return;
      const reader = source.getReader();
      while (!(await reader.read()).done) await slowly();
    },
  }, {
    uploads: {
      create: () =>
        Promise.resolve({
          append: slowly,
          source: () => Promise.resolve(content),
          remove: () => Promise.resolve(),
        }),
    },
  });
  const headers = { "content-length": String(content.length) };
  const put = await sendWire(handler, "PUT", `${await start(handler)}?digest=${digest}`, {
    body: body(),
    headers,
  });
  assert.equal(put.status, 201);
  assert.ok(furthest > 0 && furthest <= 3, `${furthest} chunks ahead of the target`);
  [ahead, furthest] = [0, 0];
  const patch = await sendWire(handler, "PATCH", await start(handler), { body: body() });
  assert.equal(patch.status, 202);
  assert.ok(furthest > 0 && furthest <= 3, `${furthest} chunks ahead of the spool`);
});

test("mounting takes a blob over from a repository that holds it", async () => {
  const handler = registry();
  const digest = await pushBlob(handler, "from/here", "hello");
  const mount = (query: string) => send(handler, "POST", `/v2/to/there/blobs/uploads/?${query}`);
  const answer = await mount(`mount=${digest}&from=from/here`);
  assert.equal(answer.status, 201);
  assert.equal(locationOf(answer), `/v2/to/there/blobs/${digest}`);
  assert.equal(answer.headers.get("docker-content-digest"), digest);
  const get = await send(handler, "GET", locationOf(answer));
  assert.equal(await get.text(), "hello");
});

test("mounting what the other repository does not hold starts an upload", async () => {
  const handler = registry();
  const digest = await pushBlob(handler, "c", "hello");
  for (
    const query of [
      `mount=${sha256("x")}&from=c`,
      `mount=${digest}&from=d`,
      `mount=${digest}&from=D`,
      `mount=${sha256("x")}`,
    ]
  ) {
    const answer = await send(handler, "POST", `/v2/a/blobs/uploads/?${query}`);
    assert.equal(answer.status, 202, query);
    const put = await send(handler, "PUT", `${locationOf(answer)}?digest=${sha256(query)}`, {
      body: query,
    });
    assert.equal(put.status, 201, query);
  }
  assert.equal((await send(handler, "HEAD", `/v2/a/blobs/${digest}`)).status, 404);
});

test("mounting without a source finds the blob anywhere, unless that is switched off", async () => {
  for (const [allowAnonymousMount, status] of [[true, 201], [false, 202]] as const) {
    const handler = registry({ allowAnonymousMount });
    const digest = await pushBlob(handler, "c/d", "hello");
    const answer = await send(handler, "POST", `/v2/a/blobs/uploads/?mount=${digest}`);
    assert.equal(answer.status, status);
  }
});

test("memoryUploads() gives back what was appended, in pieces of any size", async () => {
  const handler = registry();
  const content = noise(300_000);
  for (const size of [1000, 1023, 1024, 1025, 65_535, 65_537, 150_001]) {
    const location = await start(handler);
    let at = 0;
    const body: ByteStream = new ReadableStream({
      pull(controller) {
        if (at >= content.length) return controller.close();
        controller.enqueue(content.slice(at, at += at % 7 === 0 ? 1 : size));
      },
    }, { highWaterMark: 0 });
    assert.equal((await sendWire(handler, "PATCH", location, { body })).status, 202);
    const digest = sha512(content);
    const put = await sendWire(handler, "PUT", `${location}?digest=${digest}`);
    assert.equal(put.status, 201, `${size}`);
    await send(handler, "DELETE", `/v2/a/b/blobs/${digest}`);
  }
});

test("memoryUploads() bounds all uploads together, and gives room back", async () => {
  const handler = registry({ uploads: memoryUploads({ maxBytes: 100 }) });
  const first = await start(handler);
  const second = await start(handler);
  assert.equal((await send(handler, "PATCH", first, { body: "x".repeat(60) })).status, 202);
  await refused(
    await send(handler, "PATCH", second, { body: "x".repeat(41) }),
    413,
    "SIZE_INVALID",
  );
  assert.equal((await send(handler, "GET", second)).status, 404);
  const digest = sha256("x".repeat(100));
  const put = await send(handler, "PUT", `${first}?digest=${digest}`, { body: "x".repeat(40) });
  assert.equal(put.status, 201);
  const third = await start(handler);
  assert.equal((await send(handler, "PATCH", third, { body: "x".repeat(100) })).status, 202);
  assert.throws(() => memoryUploads({ maxBytes: NaN }), RangeError);
});

test("uploads that nobody goes on with expire, and give their place back", async () => {
  const handler = registry({ maxUploads: 2, uploadTimeoutMs: 60_000 });
  const first = await start(handler);
  await start(handler);
  const refusal = await send(handler, "POST", "/v2/a/b/blobs/uploads/");
  assert.equal(refusal.headers.get("retry-after"), "60");
  await refused(refusal, 429, "TOOMANYREQUESTS");
  const { now } = Date;
  Date.now = () => now() + 60_001;
  try {
    await refused(await send(handler, "GET", first), 404, "BLOB_UPLOAD_UNKNOWN");
    await start(handler);
  } finally {
    Date.now = now;
  }
});
