import { test } from "node:test";
import assert from "node:assert/strict";
import { streamOf } from "../../lib/bytes/mod.ts";
import type { Bytes } from "../../lib/model/bytes.ts";
import { type Descriptor, LimitExceededError, parseManifest } from "../../lib/model/mod.ts";
import { specProblems } from "../../lib/model/conformance.ts";
import { memoryFileSystem, memoryStore, ociLayout } from "../../lib/store/mod.ts";
import { pushArtifact, validate } from "../../lib/ops/mod.ts";
import { get, putImage, watched } from "./content.ts";

const bytes = (text: string): Bytes => new TextEncoder().encode(text);
const artifactType = "application/spdx+json";

async function all(list: AsyncIterable<Descriptor>): Promise<Descriptor[]> {
  const found: Descriptor[] = [];
  for await (const item of list) found.push(item);
  return found;
}

test("pushArtifact() stores files and a manifest that names them", async () => {
  const store = memoryStore();
  const descriptor = await pushArtifact(store, [
    { content: bytes("one"), title: "a.txt", mediaType: "text/plain" },
    { content: () => streamOf(bytes("two")), annotations: { key: "value" } },
  ], { artifactType, annotations: { made: "here" }, reference: "files:1" });
  const parsed = parseManifest(await get(store, descriptor), descriptor.mediaType);
  assert.ok(parsed.kind === "image");
  assert.equal(parsed.value.artifactType, artifactType);
  assert.equal(parsed.value.config.mediaType, "application/vnd.oci.empty.v1+json");
  assert.deepEqual({ ...parsed.value.annotations }, { made: "here" });
  assert.deepEqual(
    parsed.value.layers.map(({ mediaType, size, annotations }) => ({
      mediaType,
      size,
      annotations: { ...annotations },
    })),
    [
      {
        mediaType: "text/plain",
        size: 3,
        annotations: { "org.opencontainers.image.title": "a.txt" },
      },
      { mediaType: "application/octet-stream", size: 3, annotations: { key: "value" } },
    ],
  );
  assert.deepEqual(await Promise.all(parsed.value.layers.map((layer) => get(store, layer))), [
    bytes("one"),
    bytes("two"),
  ]);
  assert.deepEqual(specProblems("manifest", parsed.raw), []);
  assert.equal((await store.resolve("files:1")).digest, descriptor.digest);
  assert.equal((await validate(store, "files:1")).problems.length, 0);
});

test("pushArtifact() makes a referrer of its subject", async () => {
  const store = memoryStore();
  const subject = await putImage(store, ["layer"], { reference: "app:1" });
  const sbom = await pushArtifact(store, [{ content: bytes("{}") }], { artifactType, subject });
  const [found, ...more] = await all(store.referrers(subject, { artifactType }));
  assert.deepEqual(more, []);
  assert.equal(found?.digest, sbom.digest);
  assert.equal(found?.artifactType, artifactType);
  const parsed = parseManifest(await get(store, sbom), sbom.mediaType);
  assert.ok(parsed.kind === "image");
  const { mediaType, digest, size } = subject;
  assert.deepEqual(parsed.value.subject, { mediaType, digest, size });
});

test("pushArtifact() without files has the empty content as its only layer", async () => {
  const store = memoryStore();
  const annotations = { verdict: "good" };
  const descriptor = await pushArtifact(store, [], { artifactType, annotations });
  const parsed = parseManifest(await get(store, descriptor), descriptor.mediaType);
  assert.ok(parsed.kind === "image");
  assert.equal(parsed.value.layers.length, 1);
  assert.equal(parsed.value.layers[0]?.mediaType, "application/vnd.oci.empty.v1+json");
  assert.deepEqual(specProblems("manifest", parsed.raw), []);
});

test("pushArtifact() gives the same digest on every runtime and day", async () => {
  const { digest } = await pushArtifact(
    memoryStore(),
    [{ content: bytes("hello"), title: "hello.txt", mediaType: "text/plain" }],
    { artifactType: "application/vnd.example+type", annotations: { a: "1" } },
  );
  assert.equal(digest, "sha256:ba1d47303d7cba8c4688129496fa29284e3947cfde66b7e342fc95f8d61decd6");
});

test("pushArtifact() stores blobs first and the manifest last, and only what is missing", async () => {
  const to = watched(memoryStore());
  const files = [{ content: bytes("one") }];
  const first = await pushArtifact(to, files, { artifactType, reference: "x" });
  assert.deepEqual(to.written.slice(-2), [first.digest, "x"]);
  assert.equal(to.written.length, 4);
  await pushArtifact(to, files, { artifactType });
  assert.deepEqual(to.written.slice(4), [first.digest]);
});

test("pushArtifact() lists the artifact in an OCI layout", async () => {
  const layout = ociLayout(memoryFileSystem(), "artifacts");
  const { digest } = await pushArtifact(layout, [{ content: bytes("one") }], { artifactType });
  const roots = [];
  for await (const { descriptor } of layout.roots()) roots.push(descriptor.digest);
  assert.deepEqual(roots, [digest]);
});

test("pushArtifact() refuses what is no media type, and streams", async () => {
  // RFC 6838 §4.2: 127 characters on each side.
  const [longest, tooLong] = ["x".repeat(127), "x".repeat(128)];
  await pushArtifact(memoryStore(), [], { artifactType: `${longest}/${longest}` });
  const long = [`${tooLong}/x`, `x/${tooLong}`];
  for (const type of ["", "text", "text/", "a b/c", "text/plain; x=1", "text/plain\n", ...long]) {
    await assert.rejects(pushArtifact(memoryStore(), [], { artifactType: type }), TypeError, type);
    const files = [{ content: bytes("x"), mediaType: type }];
    await assert.rejects(pushArtifact(memoryStore(), files, { artifactType }), TypeError, type);
  }
  const stream = streamOf(bytes("x")) as unknown as Bytes;
  await assert.rejects(
    pushArtifact(memoryStore(), [{ content: stream }], { artifactType }),
    TypeError,
  );
});

test("pushArtifact() refuses a manifest of more than 4 MiB, and stores none", async () => {
  const to = watched(memoryStore());
  const annotations = { long: "x".repeat(5 << 20) };
  await assert.rejects(pushArtifact(to, [], { artifactType, annotations }), LimitExceededError);
  assert.equal(to.written.length, 1);
});

test("pushArtifact() fails when a file changes between its two readings", async () => {
  const to = watched(memoryStore());
  let opened = 0;
  const content = () => streamOf(bytes(`content ${opened++}`));
  await assert.rejects(pushArtifact(to, [{ content }], { artifactType }), {
    name: "DigestMismatchError",
  });
  assert.deepEqual(to.written, []);
});

test("pushArtifact() ends with the reason of an abort", async () => {
  const reason = new Error("enough");
  const signal = AbortSignal.abort(reason);
  const error = await pushArtifact(memoryStore(), [], { artifactType, signal }).catch((e) => e);
  assert.equal(error, reason);
});
