import { test } from "node:test";
import assert from "node:assert/strict";
import { registryHandler } from "../../lib/server/mod.ts";
import { memoryStore } from "../../lib/store/memory_store.ts";
import {
  descriptorOf,
  imageParts,
  locationOf,
  OCI_MANIFEST,
  pushBlob,
  pushImage,
  putManifest,
  refused,
  registry,
  send,
  sendWire,
  sha256,
  sha512,
  statusOf,
} from "./client.ts";

test("knowing a digest is not enough to be given the content of another repository", async () => {
  const handler = registry({ allowAnonymousMount: false });
  const secret = "the secret layer of somebody else";
  const digests = [sha256(secret), sha512(secret)];
  for (const digest of digests) await pushBlob(handler, "private/one", secret, digest);
  for (const digest of digests) {
    for (const sender of [send, sendWire]) {
      for (const body of ["", "x", "x".repeat(secret.length)]) {
        const post = `/v2/mine/one/blobs/uploads/?digest=${digest}`;
        const posted = await sender(handler, "POST", post, { body });
        assert.equal(posted.status, 400, `POST ${body}`);
        const started = await send(handler, "POST", "/v2/mine/one/blobs/uploads/");
        const put = `${locationOf(started)}?digest=${digest}`;
        assert.equal((await sender(handler, "PUT", put, { body })).status, 400, `PUT ${body}`);
      }
    }
    const started = await send(handler, "POST", "/v2/mine/one/blobs/uploads/");
    await send(handler, "PATCH", locationOf(started), { body: "x".repeat(secret.length) });
    const put = await send(handler, "PUT", `${locationOf(started)}?digest=${digest}`);
    await refused(put, 400, "DIGEST_INVALID");
    assert.equal(await statusOf(handler, "GET", `/v2/mine/one/blobs/${digest}`), 404);
  }
});

test("a manifest that names the content of another repository does not open it", async () => {
  const handler = registry();
  const { config, layer } = await pushImage(handler, "private/one", "1", "x");
  const { manifest } = imageParts("x");
  await refused(
    await putManifest(handler, "mine/one", "1", manifest),
    400,
    "MANIFEST_BLOB_UNKNOWN",
  );
  const sparse = registry({ allowSparse: true });
  await pushBlob(sparse, "private/one", config);
  await pushBlob(sparse, "private/one", layer);
  assert.equal((await putManifest(sparse, "mine/one", "1", manifest)).status, 201);
  assert.equal(await statusOf(sparse, "GET", `/v2/mine/one/blobs/${sha256(layer)}`), 404);
});

test("names of JavaScript's own are ordinary names", async () => {
  const handler = registry();
  for (const name of ["constructor", "__proto__", "tostring", "hasownproperty"]) {
    const repository = name.replaceAll("__", "a__b");
    await pushImage(handler, `x/${repository}`, name, name);
    const answer = await send(handler, "GET", `/v2/x/${repository}/tags/list`);
    assert.deepEqual(await answer.json(), { name: `x/${repository}`, tags: [name] });
    assert.equal(await statusOf(handler, "GET", `/v2/x/other/manifests/${name}`), 404);
  }
});

test("annotations with the keys of JavaScript's own come through the list of referrers", async () => {
  const handler = registry();
  const subject = descriptorOf(OCI_MANIFEST, "missing");
  const annotations = JSON.parse('{"__proto__":"1","constructor":"2","toString":"3"}');
  await pushImage(handler, "a/b", undefined, "x", { subject, annotations });
  const answer = await send(handler, "GET", `/v2/a/b/referrers/${subject.digest}`);
  assert.match(
    await answer.text(),
    /"annotations":\{"__proto__":"1","constructor":"2","toString":"3"\}/,
  );
});

test("paths that climb stay within the names of the API", async () => {
  const handler = registry();
  const paths = [
    "/v2/a/../../etc/passwd",
    "/v2/a/%2e%2e/blobs/x",
    "/v2/a/blobs/sha256:..%2f..%2f..%2fetc%2fpasswd",
    "/v2/a/manifests/..%2f..%2fx",
    "/v2/a/manifests/%00",
    "/v2/a/manifests/%",
    "/v2/a/blobs/uploads/..%2f..",
    "/v2/a%0d%0ab/manifests/1",
  ];
  for (const path of paths) {
    for (const method of ["GET", "PUT", "DELETE"]) {
      const answer = await sendWire(handler, method, path, { body: "{}" });
      assert.ok(answer.status >= 400 && answer.status < 500, `${method} ${path}: ${answer.status}`);
    }
  }
});

test("a graph of manifests that names itself over and over is walked once", async () => {
  const store = memoryStore();
  const handler = registryHandler(store, { allowSparse: true });
  const child = descriptorOf(OCI_MANIFEST, imageParts("x").manifest);
  const index = JSON.stringify({
    schemaVersion: 2,
    mediaType: "application/vnd.oci.image.index.v1+json",
    manifests: Array.from({ length: 5000 }, () => child),
  });
  const put = await putManifest(
    handler,
    "a/b",
    "1",
    index,
    "application/vnd.oci.image.index.v1+json",
  );
  assert.equal(put.status, 201);
  let fetches = 0;
  const counting = registryHandler({
    exists: store.exists.bind(store),
    fetch: (target) => {
      fetches++;
      return store.fetch(target);
    },
    push: store.push.bind(store),
    resolve: store.resolve.bind(store),
    tag: store.tag.bind(store),
    roots: () => store.roots(),
  });
  assert.equal(await statusOf(counting, "GET", `/v2/a/b/blobs/${sha256("x")}`), 404);
  assert.equal(await statusOf(counting, "GET", `/v2/a/b/blobs/${sha256("y")}`), 404);
  assert.equal(fetches, 2);
});
