import { test } from "node:test";
import assert from "node:assert/strict";
import { registryHandler } from "../../lib/server/mod.ts";
import { memoryStore } from "../../lib/store/memory_store.ts";
import {
  imageParts,
  pushBlob,
  pushImage,
  putManifest,
  refused,
  registry,
  send,
  sendWire,
  sha256,
} from "./client.ts";

test("registryHandler() answers the base with an empty object, with and without the slash", async () => {
  for (const path of ["/v2/", "/v2"]) {
    const answer = await send(registry(), "GET", path);
    assert.equal(answer.status, 200);
    assert.equal(answer.headers.get("docker-distribution-api-version"), "registry/2.0");
    assert.deepEqual(await answer.json(), {});
  }
});

test("registryHandler() answers HEAD as GET without the body", async () => {
  const handler = registry();
  await pushImage(handler, "a/b", "1", "x");
  for (const path of ["/v2/", "/v2/_catalog", "/v2/a/b/tags/list", "/v2/a/b/manifests/1"]) {
    const get = await send(handler, "GET", path);
    const head = await send(handler, "HEAD", path);
    assert.equal(head.status, 200, path);
    const body = new Uint8Array(await get.arrayBuffer());
    assert.equal(head.headers.get("content-length"), String(body.length), path);
    assert.equal(head.headers.get("content-type"), get.headers.get("content-type"), path);
  }
  const head = await send(handler, "HEAD", "/v2/a/b/manifests/2");
  assert.equal(head.status, 404);
});

test("registryHandler() refuses methods that a path does not have, and names those it has", async () => {
  const digest = sha256("x");
  const table: [string, string, string][] = [
    ["POST", "/v2/", "GET, HEAD"],
    ["DELETE", "/v2/_catalog", "GET, HEAD"],
    ["PUT", "/v2/a/tags/list", "GET, HEAD"],
    ["POST", "/v2/a/manifests/1", "GET, HEAD, PUT, DELETE"],
    ["PATCH", `/v2/a/blobs/${digest}`, "GET, HEAD, DELETE"],
    ["GET", "/v2/a/blobs/uploads/", "POST"],
    ["POST", "/v2/a/blobs/uploads/x", "GET, HEAD, PATCH, PUT, DELETE"],
    ["PUT", `/v2/a/referrers/${digest}`, "GET, HEAD"],
    ["constructor", "/v2/", "GET, HEAD"],
  ];
  for (const [method, path, allow] of table) {
    const answer = await sendWire(registry(), method, path);
    assert.equal(answer.headers.get("allow"), allow, `${method} ${path}`);
    await refused(answer, 405, "UNSUPPORTED", `${method} ${path}`);
  }
});

test("registryHandler() refuses paths outside of the API", async () => {
  for (const path of ["/", "/v1/_ping", "/v2/x", "/v2/a/b/c", "/v2/a/uploads/x", "/v3/"]) {
    await refused(await send(registry(), "GET", path), 404, "UNSUPPORTED", path);
  }
});

test("registryHandler() refuses repository names that are none", async () => {
  const names = [
    "A",
    "a//b",
    "-a",
    "a-",
    "a..b",
    "a___b",
    "a/B",
    "a%2fb",
    "é",
    "a".repeat(256),
    "",
  ];
  for (const name of names) {
    await refused(
      await send(registry(), "GET", `/v2/${name}/tags/list`),
      404,
      "NAME_INVALID",
      name,
    );
  }
  for (const name of ["a", "a.b", "a_b", "a__b", "a---b", "0/1/2", "a".repeat(255)]) {
    await refused(
      await send(registry(), "GET", `/v2/${name}/tags/list`),
      404,
      "NAME_UNKNOWN",
      name,
    );
  }
});

test("registryHandler() reads paths from their end: names may hold the API's words", async () => {
  const handler = registry();
  for (
    const name of ["blobs", "a/blobs/uploads", "tags/list", "manifests/manifests", "v2/referrers"]
  ) {
    const { digest, layer } = await pushImage(handler, name, "list", name);
    const answer = await send(handler, "GET", `/v2/${name}/manifests/list`);
    assert.equal(answer.headers.get("docker-content-digest"), digest, name);
    const blob = await send(handler, "GET", `/v2/${name}/blobs/${sha256(layer)}`);
    assert.equal(await blob.text(), layer, name);
    const tags = await send(handler, "GET", `/v2/${name}/tags/list`);
    assert.deepEqual(await tags.json(), { name, tags: ["list"] });
  }
});

test("registryHandler() takes digests whose colon is escaped", async () => {
  const handler = registry();
  const digest = await pushBlob(handler, "a", "hello");
  const answer = await send(handler, "GET", `/v2/a/blobs/${encodeURIComponent(digest)}`);
  assert.equal(await answer.text(), "hello");
});

test("registryHandler() with readOnly answers GET and HEAD only", async () => {
  const store = memoryStore();
  const { digest, layer, manifest } = await pushImage(registryHandler(store), "a/b", "1", "x");
  const handler = registryHandler(store, { readOnly: true });
  assert.equal((await send(handler, "GET", "/v2/a/b/manifests/1")).status, 200);
  assert.equal((await send(handler, "HEAD", `/v2/a/b/blobs/${sha256(layer)}`)).status, 200);
  await refused(await send(handler, "POST", "/v2/a/b/blobs/uploads/"), 405, "UNSUPPORTED");
  await refused(await putManifest(handler, "a/b", "2", manifest), 405, "UNSUPPORTED");
  await refused(await send(handler, "DELETE", `/v2/a/b/manifests/${digest}`), 405, "UNSUPPORTED");
  const answer = await send(handler, "PUT", "/v2/a/b/manifests/2", { body: manifest });
  assert.equal(answer.headers.get("allow"), "GET, HEAD");
});

test("registryHandler() turns a failure of the target into a 500 that says nothing about it", async () => {
  const store = memoryStore();
  await pushImage(registryHandler(store), "a/b", "1", "x");
  const failures: unknown[] = [];
  const broken = new Proxy(store, {
    get(target, name) {
      if (name === "fetch") return () => Promise.reject(new Error("secret /var/lib/path"));
      const value = Reflect.get(target, name) as unknown;
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
  const handler = registryHandler(broken, { onError: (error) => failures.push(error) });
  const answer = await send(handler, "GET", "/v2/a/b/manifests/1");
  assert.equal(answer.status, 500);
  const text = await answer.text();
  assert.match(text, /"UNKNOWN"/);
  assert.doesNotMatch(text, /secret/);
  assert.equal((failures[0] as Error).message, "secret /var/lib/path");
});

test("registryHandler() never rejects, whatever the target throws", async () => {
  const hostile = new Proxy({}, {
    get: () => () => {
      throw undefined;
    },
  }) as ReturnType<typeof memoryStore>;
  const handler = registryHandler(hostile);
  const { manifest } = imageParts("x");
  const digest = sha256("x");
  const calls: [string, string, string?][] = [
    ["GET", "/v2/_catalog"],
    ["GET", "/v2/a/tags/list"],
    ["GET", "/v2/a/manifests/1"],
    ["HEAD", `/v2/a/blobs/${digest}`],
    ["GET", `/v2/a/referrers/${digest}`],
    ["PUT", "/v2/a/manifests/1", manifest],
    ["POST", `/v2/a/blobs/uploads/?digest=${digest}`, "x"],
    ["POST", `/v2/a/blobs/uploads/?mount=${digest}&from=b`],
    ["DELETE", `/v2/a/blobs/${digest}`],
    ["DELETE", "/v2/a/manifests/1"],
  ];
  for (const [method, path, body] of calls) {
    const answer = await send(handler, method, path, body === undefined ? {} : { body });
    assert.equal(answer.status, 500, `${method} ${path}`);
  }
});

test("registryHandler() refuses options that make no sense", () => {
  const store = memoryStore();
  assert.throws(() => registryHandler(store, { defaultRepository: "A" }), TypeError);
  assert.throws(() => registryHandler(store, { maxUploads: NaN }), RangeError);
  assert.throws(() => registryHandler(store, { uploadTimeoutMs: -1 }), RangeError);
  assert.throws(() => registryHandler(store, { maxManifestBytes: 5 * 1024 * 1024 }), RangeError);
});
