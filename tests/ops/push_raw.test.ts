// Blobs and manifests on their own, as `blob push` and `manifest push` store them.
import assert from "node:assert/strict";
import { test } from "node:test";
import { readAll, streamOf } from "../../lib/bytes/mod.ts";
import { digestBytes } from "../../lib/hash/mod.ts";
import type { Bytes } from "../../lib/model/bytes.ts";
import { MAX_MANIFEST_BYTES } from "../../lib/model/mod.ts";
import { pushArtifact, pushBlob, pushManifest } from "../../lib/ops/mod.ts";
import { Registry } from "../../lib/registry/mod.ts";
import { registryHandler } from "../../lib/server/mod.ts";
import { memoryFileSystem, memoryStore, ociLayout } from "../../lib/store/mod.ts";

const text = (value: string): Bytes => new TextEncoder().encode(value);
const OCI = "application/vnd.oci.image.";

function repository(transport = registryHandler(memoryStore())) {
  return new Registry("localhost:5000", { transport }).repository("acme/app");
}

/** Bytes that a rewrite would change: spaces, a number with a zero, a field that nobody knows. */
function manifestOf(config: object, extra = ""): Bytes {
  const known = `"mediaType": "${OCI}manifest.v1+json", "config": ${JSON.stringify(config)}`;
  return text(`{\n  "schemaVersion": 2, ${known},\n  "layers": [],  "x-mine": [1.0]${extra}\n}\n`);
}

test("pushBlob() stores content once, and tells what it is", async () => {
  for (const target of [memoryStore(), repository(), ociLayout(memoryFileSystem(), "x")]) {
    let opened = 0;
    const content = () => {
      opened++;
      return streamOf(text("hello"));
    };
    const blob = await pushBlob(target, content, { mediaType: "text/plain" });
    const digest = digestBytes("sha256", text("hello"));
    assert.deepEqual(blob, { mediaType: "text/plain", digest, size: 5 });
    assert.deepEqual(await pushBlob(target, content, { mediaType: "text/plain" }), blob);
    assert.equal(opened, 3, "measured and sent, then measured");
    assert.deepEqual(await readAll(await target.fetch(blob), { maxBytes: 9 }), text("hello"));
  }
});

test("pushBlob() refuses content that is not what was named, and stores nothing", async () => {
  const store = memoryStore();
  const wrong = digestBytes("sha256", text("other"));
  const pushed = pushBlob(store, text("hello"), { digest: wrong });
  await assert.rejects(pushed, { code: "DIGEST_MISMATCH", expected: wrong });
  assert.equal(await store.exists({ mediaType: "a/b", digest: wrong, size: 5 }), false);
  await assert.rejects(pushBlob(store, text("a"), { digest: "md5:aa" }), {
    code: "INVALID_DIGEST",
  });
  const strong = digestBytes("sha512", text("hello"));
  assert.equal((await pushBlob(store, text("hello"), { digest: strong })).digest, strong);
});

test("pushManifest() keeps the bytes, under a name, a digest or none", async () => {
  for (const target of [memoryStore(), repository(), ociLayout(memoryFileSystem(), "x")]) {
    const config = await pushBlob(target, text("{}"), { mediaType: `${OCI}config.v1+json` });
    const raw = manifestOf(config);
    const digest = digestBytes("sha256", raw);
    for (const reference of ["1", digest, undefined]) {
      const pushed = await pushManifest(target, raw, { reference });
      assert.deepEqual(pushed, { mediaType: `${OCI}manifest.v1+json`, digest, size: raw.length });
      const found = await target.resolve(reference ?? digest);
      assert.equal(found.digest, digest);
      assert.deepEqual(await readAll(await target.fetch(found), { maxBytes: 1 << 16 }), raw);
    }
  }
});

test("pushManifest() makes a referrer of a manifest with a subject", async () => {
  for (const target of [memoryStore(), repository()]) {
    const config = await pushBlob(target, text("{}"), { mediaType: `${OCI}config.v1+json` });
    const subject = await pushManifest(target, manifestOf(config), { reference: "1" });
    const about = await pushManifest(
      target,
      manifestOf(config, `, "subject": ${JSON.stringify(subject)}`),
    );
    const found: string[] = [];
    for await (const { digest } of target.referrers(subject)) found.push(digest);
    assert.deepEqual(found, [about.digest]);
  }
});

test("pushManifest() refuses what is no manifest, or not the one that was named", async () => {
  const store = memoryStore();
  const config = await pushBlob(store, text("{}"));
  const raw = manifestOf(config);
  const reference = "1";
  const rows: readonly (readonly [string, Promise<unknown>])[] = [
    ["INVALID_MANIFEST", pushManifest(store, text("{}"), { reference })],
    ["INVALID_MANIFEST", pushManifest(store, text("no JSON"), { reference })],
    ["INVALID_MANIFEST", pushManifest(store, raw.slice(1), { reference })],
    ["INVALID_MANIFEST", pushManifest(store, raw, { reference, mediaType: `${OCI}index.v1+json` })],
    ["INVALID_MANIFEST", pushManifest(store, new Uint8Array(MAX_MANIFEST_BYTES + 1))],
    ["DIGEST_MISMATCH", pushManifest(store, raw, { reference: config.digest })],
  ];
  for (const [code, pushed] of rows) await assert.rejects(pushed, { code });
  await assert.rejects(store.resolve(reference), { code: "NOT_FOUND" });
  const digest = digestBytes("sha512", raw);
  assert.equal((await pushManifest(store, raw, { reference: digest })).digest, digest);
});

test("pushManifest() takes the media type of documents that do not name their own", async () => {
  const store = memoryStore();
  const raw = text(JSON.stringify({ schemaVersion: 2, manifests: [] }));
  const mediaType = `${OCI}index.v1+json`;
  assert.equal((await pushManifest(store, raw, { mediaType })).mediaType, mediaType);
});

test("pushManifest() and pushBlob() do nothing once their signal has told them so", async () => {
  const reason = new Error("enough");
  const signal = AbortSignal.abort(reason);
  const store = memoryStore();
  const isReason = (error: unknown): boolean => error === reason;
  await assert.rejects(pushBlob(store, text("{}"), { signal }), isReason);
  await assert.rejects(pushManifest(store, manifestOf({}), { signal }), isReason);
});

test("a registry that lacks a blob refuses the manifest, and no tag is set", async () => {
  const target = repository();
  const absent = { mediaType: "a/b", digest: digestBytes("sha256", text("absent")), size: 6 };
  await assert.rejects(pushManifest(target, manifestOf(absent), { reference: "1" }));
  await assert.rejects(target.resolve("1"), { code: "NOT_FOUND" });
});

test("pushManifest() and pushArtifact() give a registry the manifest and its tag at once", async () => {
  const handler = registryHandler(memoryStore());
  const puts: string[] = [];
  const target = repository((request) => {
    const { pathname } = new URL(request.url);
    if (request.method === "PUT" && pathname.includes("/manifests/")) puts.push(pathname);
    return handler(request);
  });
  const config = await pushBlob(target, text("{}"), { mediaType: `${OCI}config.v1+json` });
  const { digest } = await pushManifest(target, manifestOf(config), { reference: "1" });
  assert.equal((await target.resolve("1")).digest, digest);
  const artifact = await pushArtifact(target, [{ content: text("a") }], {
    artifactType: "text/x-notes",
    reference: "notes",
  });
  assert.equal((await target.resolve("notes")).digest, artifact.digest);
  assert.deepEqual(puts, ["/v2/acme/app/manifests/1", "/v2/acme/app/manifests/notes"]);
});
