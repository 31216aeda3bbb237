import { test } from "node:test";
import assert from "node:assert/strict";
import type { ByteStream } from "../../lib/model/bytes.ts";
import { registryHandler } from "../../lib/server/mod.ts";
import { memoryStore } from "../../lib/store/memory_store.ts";
import {
  descriptorOf,
  imageParts,
  locationOf,
  OCI_CONFIG,
  OCI_INDEX,
  OCI_LAYER,
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
  utf8,
} from "./client.ts";

const EMPTY_INDEX = JSON.stringify({ schemaVersion: 2, mediaType: OCI_INDEX, manifests: [] });

test("a manifest is given back byte for byte, by tag and by digest", async () => {
  const handler = registry();
  const parts = imageParts("x");
  await pushBlob(handler, "a/b", parts.config);
  await pushBlob(handler, "a/b", parts.layer);
  const raw = ` ${parts.manifest}\n`;
  const digest = sha256(raw);
  const put = await putManifest(handler, "a/b", "1.0", raw);
  assert.equal(put.status, 201);
  assert.equal(locationOf(put), `/v2/a/b/manifests/${digest}`);
  assert.equal(put.headers.get("docker-content-digest"), digest);
  assert.equal(put.headers.get("oci-subject"), null);
  for (const reference of ["1.0", digest]) {
    for (const method of ["GET", "HEAD"]) {
      const answer = await send(handler, method, `/v2/a/b/manifests/${reference}`);
      assert.equal(answer.status, 200, reference);
      assert.equal(answer.headers.get("content-type"), OCI_MANIFEST);
      assert.equal(answer.headers.get("content-length"), String(utf8(raw).length));
      assert.equal(answer.headers.get("docker-content-digest"), digest);
      assert.equal(answer.headers.get("etag"), `"${digest}"`);
      if (method === "GET") assert.equal(await answer.text(), raw);
    }
  }
});

test("a manifest is not found under another tag, digest or repository", async () => {
  const handler = registry();
  const { digest } = await pushImage(handler, "a/b", "1", "x");
  const paths = ["a/b/manifests/2", "a/c/manifests/1", `a/c/manifests/${digest}`];
  for (const path of [...paths, `a/b/manifests/${sha256("x")}`, "a/b/manifests/.NO-TAG"]) {
    await refused(await send(handler, "GET", `/v2/${path}`), 404, "MANIFEST_UNKNOWN", path);
  }
  await refused(await send(handler, "GET", "/v2/a/b/manifests/sha256:x"), 400, "DIGEST_INVALID");
  await refused(await send(handler, "GET", "/v2/a/b/manifests/md5:abcd"), 404, "MANIFEST_UNKNOWN");
});

test("a blob is no manifest, and a manifest is no blob", async () => {
  const handler = registry();
  const { config, digest } = await pushImage(handler, "a/b", "1", "x");
  const asManifest = await send(handler, "GET", `/v2/a/b/manifests/${sha256(config)}`);
  await refused(asManifest, 404, "MANIFEST_UNKNOWN");
  await refused(await send(handler, "GET", `/v2/a/b/blobs/${digest}`), 404, "BLOB_UNKNOWN");
});

test("Accept can exclude a manifest that was asked for by tag, never by digest", async () => {
  const handler = registry();
  const { digest } = await pushImage(handler, "a/b", "1", "x");
  const docker = "application/vnd.docker.distribution.manifest.v2+json";
  const table: [string, number][] = [
    ["*/*", 200],
    [OCI_MANIFEST, 200],
    [`${docker}, ${OCI_MANIFEST};q=0.5`, 200],
    ["application/*", 200],
    ["application/json", 200],
    [OCI_MANIFEST.toUpperCase(), 200],
    [docker, 404],
    [`${OCI_MANIFEST};q=0`, 404],
    ["text/html", 404],
  ];
  for (const [accept, status] of table) {
    const byTag = await send(handler, "GET", "/v2/a/b/manifests/1", { headers: { accept } });
    assert.equal(byTag.status, status, accept);
    const byDigest = await send(handler, "GET", `/v2/a/b/manifests/${digest}`, {
      headers: { accept },
    });
    assert.equal(byDigest.status, 200, accept);
  }
});

test("If-None-Match answers 304 while a tag stays where it was", async () => {
  const handler = registry();
  const { digest } = await pushImage(handler, "a/b", "1", "x");
  const get = (tag: string) =>
    send(handler, "GET", "/v2/a/b/manifests/1", { headers: { "if-none-match": tag } });
  assert.equal((await get(`"${digest}"`)).status, 304);
  await pushImage(handler, "a/b", "1", "y");
  assert.equal((await get(`"${digest}"`)).status, 200);
});

test("PUT by digest takes sha256 and sha512, and refuses another digest", async () => {
  const handler = registry();
  const { manifest } = await pushImage(handler, "a/b", "1", "x");
  for (const digest of [sha256(manifest), sha512(manifest)]) {
    const put = await putManifest(handler, "a/b", digest, manifest);
    assert.equal(put.status, 201);
    assert.equal(put.headers.get("docker-content-digest"), digest);
    const get = await send(handler, "GET", locationOf(put));
    assert.equal(await get.text(), manifest);
    assert.equal(get.headers.get("docker-content-digest"), digest);
  }
  for (
    const digest of [sha256("x"), "sha256:baddigeststring", "md5:abcd", `sha384:${"a".repeat(96)}`]
  ) {
    await refused(
      await putManifest(handler, "a/b", digest, manifest),
      400,
      "DIGEST_INVALID",
      digest,
    );
  }
});

test("PUT by digest can set tags, and says which it has set", async () => {
  const handler = registry();
  const { manifest } = await pushImage(handler, "a/b", undefined, "x");
  const tags = Array.from({ length: 12 }, (_, i) => `v${i}`);
  const query = tags.map((tag) => `tag=${tag}`).join("&");
  for (const digest of [sha256(manifest), sha512(manifest)]) {
    const put = await putManifest(handler, "a/b", `${digest}?${query}&tag=v0`, manifest);
    assert.equal(put.status, 201);
    assert.equal(put.headers.get("oci-tag"), tags.join(", "));
    for (const tag of tags) {
      const head = await send(handler, "HEAD", `/v2/a/b/manifests/${tag}`);
      assert.equal(head.headers.get("docker-content-digest"), digest, tag);
    }
  }
  const many = Array.from({ length: 101 }, (_, i) => `tag=t${i}`).join("&");
  const tooMany = await putManifest(handler, "a/b", `${sha256(manifest)}?${many}`, manifest);
  await refused(tooMany, 414, "UNSUPPORTED");
  const bad = await putManifest(handler, "a/b", `${sha256(manifest)}?tag=new&tag=-bad`, manifest);
  await refused(bad, 400, "TAG_INVALID");
  assert.equal((await send(handler, "HEAD", "/v2/a/b/manifests/new")).status, 404);
});

test("PUT refuses tags that are none", async () => {
  const handler = registry();
  const { manifest } = await pushImage(handler, "a/b", "1", "x");
  for (const tag of [".a", "-a", "a".repeat(129), "a+b", "é", ""]) {
    await refused(await putManifest(handler, "a/b", tag, manifest), 400, "TAG_INVALID", tag);
  }
  assert.equal(
    (await putManifest(handler, "a/b", "A_b.c-".padEnd(128, "x"), manifest)).status,
    201,
  );
});

test("PUT refuses what is no manifest, or one of two kinds", async () => {
  const handler = registry();
  const { manifest } = await pushImage(handler, "a/b", "1", "x");
  const both = JSON.stringify({ ...JSON.parse(manifest), manifests: [] });
  const table: [string, string][] = [
    ["", OCI_MANIFEST],
    ["{", OCI_MANIFEST],
    ["[]", OCI_MANIFEST],
    ["{}", OCI_MANIFEST],
    [both, OCI_MANIFEST],
    [manifest, OCI_INDEX],
    [EMPTY_INDEX, OCI_MANIFEST],
    [EMPTY_INDEX.replace("{", '{"manifests":[],'), OCI_INDEX],
  ];
  for (const [body, type] of table) {
    await refused(
      await putManifest(handler, "a/b", "2", body, type),
      400,
      "MANIFEST_INVALID",
      body,
    );
  }
});

test("PUT takes the type from the manifest where the header does not say it", async () => {
  const handler = registry();
  const { manifest } = await pushImage(handler, "a/b", "1", "x");
  for (const type of ["application/json", `${OCI_MANIFEST}; charset=utf-8`]) {
    const put = await putManifest(handler, "a/b", "2", manifest, type);
    assert.equal(put.status, 201, type);
    const head = await send(handler, "HEAD", "/v2/a/b/manifests/2");
    assert.equal(head.headers.get("content-type"), OCI_MANIFEST, type);
  }
});

test("PUT refuses manifests over the limit with 413, also when the length is not announced", async () => {
  const maxManifestBytes = 2000;
  const handler = registry({ maxManifestBytes });
  const sized = (bytes: number) =>
    EMPTY_INDEX.replace(
      "{",
      `{"annotations":{"a":"${"x".repeat(bytes - EMPTY_INDEX.length - 25)}"},  `,
    );
  const exact = sized(maxManifestBytes);
  const padded = exact + " ".repeat(maxManifestBytes - utf8(exact).length);
  assert.equal((await putManifest(handler, "a/b", "1", padded, OCI_INDEX)).status, 201);
  const headers = { "content-type": OCI_INDEX };
  for (const sender of [send, sendWire]) {
    const options = { body: `${padded} `, headers };
    const put = await sender(handler, "PUT", "/v2/a/b/manifests/1", options);
    await refused(put, 413, "MANIFEST_INVALID");
  }
  let sent = 0;
  let isCancelled = false;
  const endless: ByteStream = new ReadableStream({
    pull(controller) {
      sent += 1000;
      controller.enqueue(new Uint8Array(1000));
    },
    cancel() {
      isCancelled = true;
    },
  }, { highWaterMark: 0 });
  const put = await sendWire(handler, "PUT", "/v2/a/b/manifests/1", { body: endless, headers });
  await refused(put, 413, "MANIFEST_INVALID");
  assert.ok(sent <= maxManifestBytes + 2000, `${sent} bytes were read`);
  assert.equal(isCancelled, true);
});

test("PUT takes a manifest of exactly 4 MiB", async () => {
  const handler = registry();
  const raw = EMPTY_INDEX + " ".repeat(4 * 1024 * 1024 - EMPTY_INDEX.length);
  assert.equal((await putManifest(handler, "a/b", "1", raw, OCI_INDEX)).status, 201);
  await refused(
    await putManifest(handler, "a/b", "1", `${raw} `, OCI_INDEX),
    413,
    "MANIFEST_INVALID",
  );
});

test("PUT refuses a manifest whose config, layer or child the repository does not hold", async () => {
  const handler = registry();
  const parts = imageParts("x");
  const put = () => putManifest(handler, "a/b", "1", parts.manifest);
  const first = await put();
  assert.equal(first.status, 400);
  const { errors } = await first.json() as { errors: { code: string; detail: unknown }[] };
  assert.equal(errors[0]?.code, "MANIFEST_BLOB_UNKNOWN");
  assert.deepEqual(errors[0]?.detail, { digest: sha256(parts.config) });
  await pushBlob(handler, "a/b", parts.config);
  await pushBlob(handler, "other", parts.layer);
  await refused(await put(), 400, "MANIFEST_BLOB_UNKNOWN");
  await pushBlob(handler, "a/b", parts.layer);
  const index = JSON.stringify({
    schemaVersion: 2,
    mediaType: OCI_INDEX,
    manifests: [descriptorOf(OCI_MANIFEST, parts.manifest)],
  });
  await refused(
    await putManifest(handler, "a/b", "i", index, OCI_INDEX),
    400,
    "MANIFEST_BLOB_UNKNOWN",
  );
  assert.equal((await put()).status, 201);
  assert.equal((await putManifest(handler, "a/b", "i", index, OCI_INDEX)).status, 201);
});

test("PUT with allowSparse takes manifests with missing content", async () => {
  const handler = registry({ allowSparse: true });
  const { manifest, digest, layer } = imageParts("x");
  assert.equal((await putManifest(handler, "a/b", "1", manifest)).status, 201);
  assert.equal((await send(handler, "GET", `/v2/a/b/manifests/${digest}`)).status, 200);
  assert.equal((await send(handler, "HEAD", `/v2/a/b/blobs/${sha256(layer)}`)).status, 404);
});

test("PUT asks neither for foreign layers nor for a subject", async () => {
  const handler = registry();
  await pushBlob(handler, "a/b", "{}");
  const manifest = JSON.stringify({
    schemaVersion: 2,
    mediaType: OCI_MANIFEST,
    config: descriptorOf(OCI_CONFIG, "{}"),
    layers: [
      descriptorOf("application/vnd.oci.image.layer.nondistributable.v1.tar+gzip", "far away"),
      { ...descriptorOf(OCI_LAYER, "elsewhere"), urls: ["https://example.com/layer"] },
    ],
    subject: descriptorOf(OCI_MANIFEST, "missing"),
  });
  const put = await putManifest(handler, "a/b", "1", manifest);
  assert.equal(put.status, 201);
  assert.equal(put.headers.get("oci-subject"), sha256("missing"));
});

test("PUT refuses Docker's schema 1", async () => {
  const manifest = JSON.stringify({
    schemaVersion: 1,
    name: "a/b",
    tag: "1",
    architecture: "amd64",
    fsLayers: [{ blobSum: sha256("x") }],
    history: [{ v1Compatibility: "{}" }],
  });
  const type = "application/vnd.docker.distribution.manifest.v1+json";
  await refused(await putManifest(registry(), "a/b", "1", manifest, type), 400, "MANIFEST_INVALID");
});

test("PUT honours If-Match and If-None-Match: no update is lost", async () => {
  const handler = registry();
  const first = await pushImage(handler, "a/b", undefined, "1");
  const second = await pushImage(handler, "a/b", undefined, "2");
  const put = (manifest: string, headers: Record<string, string>) =>
    putManifest(handler, "a/b", "t", manifest, OCI_MANIFEST, headers);
  await refused(await put(first.manifest, { "if-match": "*" }), 412, "DENIED");
  assert.equal((await put(first.manifest, { "if-none-match": "*" })).status, 201);
  await refused(await put(second.manifest, { "if-none-match": "*" }), 412, "DENIED");
  await refused(await put(second.manifest, { "if-match": `"${second.digest}"` }), 412, "DENIED");
  assert.equal((await put(second.manifest, { "if-match": `"${first.digest}"` })).status, 201);
  const answers = await Promise.all(
    ["x", "y", "z"].map(() => put(first.manifest, { "if-match": `"${second.digest}"` })),
  );
  assert.deepEqual(answers.map(({ status }) => status).sort(), [201, 412, 412]);
});

test("a tag that moves leaves the old manifest there by its digest, also for the target", async () => {
  const store = memoryStore();
  const handler = registryHandler(store);
  const first = await pushImage(handler, "a/b", "latest", "1");
  const second = await pushImage(handler, "a/b", "latest", "2");
  const byTag = await send(handler, "HEAD", "/v2/a/b/manifests/latest");
  assert.equal(byTag.headers.get("docker-content-digest"), second.digest);
  assert.equal((await send(handler, "HEAD", `/v2/a/b/manifests/${first.digest}`)).status, 200);
  const roots: [string | undefined, string][] = [];
  for await (const { reference, descriptor } of store.roots()) {
    roots.push([reference, descriptor.digest]);
  }
  assert.deepEqual(roots, [["a/b:latest", second.digest], [undefined, first.digest]]);
});

test("a manifest PUT by digest becomes an unnamed root of the target", async () => {
  const store = memoryStore();
  const { digest } = await pushImage(registryHandler(store), "a/b", undefined, "1");
  const roots = [];
  for await (const root of store.roots()) roots.push([root.reference, root.descriptor.digest]);
  assert.deepEqual(roots, [[undefined, digest]]);
});

test("a PUT whose body breaks off leaves nothing behind", async () => {
  const store = memoryStore();
  const handler = registryHandler(store);
  const body: ByteStream = new ReadableStream({
    pull: (controller) => controller.error(new Error("the client left")),
  }, { highWaterMark: 0 });
  const put = await sendWire(handler, "PUT", "/v2/a/b/manifests/1", {
    body,
    headers: { "content-type": OCI_INDEX },
  });
  await refused(put, 400, "MANIFEST_INVALID");
  for await (const _ of store.roots()) assert.fail("there is a root");
});
