import { test } from "node:test";
import assert from "node:assert/strict";
import {
  type DockerManifest,
  ManifestListV22,
  ManifestV1,
  ManifestV21,
  ManifestV22,
  parseDockerManifest,
} from "../../lib/dockerreg/mod.ts";
import { digestBytes } from "../../lib/hash/mod.ts";
import {
  InvalidConfigError,
  InvalidManifestError,
  MEDIA_TYPE_OCI_MANIFEST,
  parseImageConfig,
  UnsupportedMediaTypeError,
} from "../../lib/model/mod.ts";
import { randomImage, randomIndex } from "../../lib/testing/mod.ts";
import { payloadOf, schema1Document, utf8 } from "./schema1_sample.ts";

const ID = "1".repeat(64);
const OTHER_DIGEST = digestBytes("sha256", utf8("other"));

test("parseDockerManifest() finds the class by what the bytes are", async () => {
  const image = await randomImage("kinds", { format: "docker" });
  const list = await randomIndex("kinds", { format: "docker" });
  const raws: readonly [Uint8Array, DockerManifest["version"]][] = [
    [image.contents.at(-1)?.bytes ?? new Uint8Array(), "v2.2"],
    [list.contents.at(-1)?.bytes ?? new Uint8Array(), "v2.2-list"],
    [payloadOf(schema1Document()), "v2.1"],
  ];
  for (const [raw, version] of raws) {
    const manifest = parseDockerManifest(raw, { repository: "acme/app", tag: "1" });
    assert.equal(manifest.version, version);
    assert.deepEqual(manifest.raw, raw, version);
    assert.ok(manifest.validMediaTypes.includes(manifest.mediaType), version);
    assert.equal(manifest.digest, digestBytes("sha256", raw), version);
    assert.equal(manifest.repository, "acme/app", version);
    assert.equal(manifest.tag, "1", version);
  }
  assert.throws(() => parseDockerManifest(utf8("{}")), InvalidManifestError);
  const artifact = utf8(JSON.stringify({
    mediaType: "application/vnd.oci.artifact.manifest.v1+json",
    blobs: [],
  }));
  assert.throws(() => parseDockerManifest(artifact), UnsupportedMediaTypeError);
});

test("ManifestV22 tells what manifest, config and list say", async () => {
  const list = await randomIndex("v22", { format: "docker" });
  const [, image] = list.images;
  assert.ok(image !== undefined);
  const [config, raw] = image.contents.slice(-2).map(({ bytes }) => bytes);
  const entry = list.index.manifests[1];
  const platform = { ...entry?.platform, features: ["neon", 1] };
  const manifest = new ManifestV22(raw ?? new Uint8Array(), {
    config: parseImageConfig(config ?? new Uint8Array()),
    list: new ManifestListV22(list.contents.at(-1)?.bytes ?? new Uint8Array()),
    entry: {
      ...image.descriptor,
      platform: platform as unknown as { os: string; architecture: string },
    },
  });
  assert.equal(manifest.architecture, "arm64");
  assert.equal(manifest.os, "linux");
  assert.equal(manifest.variant, "v8");
  assert.equal(manifest.osVersion, undefined);
  assert.equal(manifest.osFeatures, undefined);
  assert.deepEqual(manifest.features, ["neon"]);
  assert.equal(manifest.created, "1970-01-01T00:00:00Z");
  assert.equal(manifest.configDigest, image.manifest.config.digest);
  assert.equal(manifest.configSize, image.manifest.config.size);
  assert.equal(manifest.configMediaType, image.manifest.config.mediaType);
  assert.deepEqual(manifest.layers, image.manifest.layers);
  assert.equal(manifest.size, image.manifest.layers.reduce((sum, { size }) => sum + size, 0));
  assert.deepEqual(manifest.list?.choose({ os: "linux", architecture: "arm64" }), entry);
});

test("manifests of schema 2 and lists are verified by the digest they were found under", async () => {
  const image = await randomImage("verify");
  const list = await randomIndex("verify");
  const sample = (bytes: Uint8Array | undefined, algorithm: "sha256" | "sha512") => ({
    raw: bytes ?? new Uint8Array(),
    digest: digestBytes(algorithm, bytes ?? new Uint8Array()),
  });
  for (const algorithm of ["sha256", "sha512"] as const) {
    for (const bytes of [image.contents.at(-1)?.bytes, list.contents.at(-1)?.bytes]) {
      const { raw, digest } = sample(bytes, algorithm);
      assert.equal(await parseDockerManifest(raw, { digest }).verify(), true);
      assert.equal(await parseDockerManifest(raw).verify(), undefined);
      const wrong = parseDockerManifest(raw, { digest: OTHER_DIGEST });
      await assert.rejects(wrong.verify(), { code: "DIGEST_MISMATCH" });
    }
  }
});

test("modify() of another name keeps the bytes where the name is no part of them", async () => {
  const image = await randomImage("modify");
  const list = await randomIndex("modify");
  for (const content of [image.contents.at(-1), list.contents.at(-1)]) {
    assert.ok(content !== undefined);
    const { digest, mediaType } = content.descriptor;
    const manifest = parseDockerManifest(content.bytes, { mediaType, digest, tag: "1" });
    const renamed = await manifest.modify({ repository: "acme/other" });
    assert.deepEqual(renamed.raw, content.bytes);
    assert.equal(renamed.digest, digest);
    assert.equal(renamed.repository, "acme/other");
    assert.equal(renamed.tag, "1");
    assert.equal(await renamed.verify(), true);
  }
});

test("modify() of fields writes the document anew, and keeps what it does not know", async () => {
  const { contents, manifest } = await randomImage("fields");
  const raw = utf8(JSON.stringify({ ...manifest, "x-unknown": { big: 1 }, artifactType: "a/b" }));
  const image = new ManifestV22(raw, { mediaType: MEDIA_TYPE_OCI_MANIFEST, tag: "1" });
  const annotations = { "org.example": "1" };
  const changed = await image.modify({ fields: { annotations, artifactType: undefined } });
  assert.deepEqual({ ...changed.value.annotations }, annotations);
  assert.equal(changed.value.artifactType, undefined);
  assert.deepEqual(JSON.parse(new TextDecoder().decode(changed.raw))["x-unknown"], { big: 1 });
  assert.notEqual(changed.digest, image.digest);
  assert.equal(await changed.verify(), undefined);
  assert.equal(image.value.annotations, undefined);
  await assert.rejects(image.modify({ fields: { layers: 1 } }), InvalidManifestError);
  await assert.rejects(image.modify({ fields: { manifests: [] } }), InvalidManifestError);
  const list = new ManifestListV22((await randomIndex("fields")).contents.at(-1)?.bytes ?? raw);
  const [first] = list.manifests;
  assert.deepEqual((await list.modify({ fields: { manifests: [first] } })).manifests, [first]);
  await assert.rejects(list.modify({ fields: { layers: [] } }), InvalidManifestError);
  assert.ok(contents.length > 0);
});

test("ManifestV1 reads the documents of version 1 and refuses others", async () => {
  const document = {
    id: ID,
    parent: "2".repeat(64),
    created: "2014-01-01T00:00:00Z",
    container: "c",
    container_config: { Cmd: ["/bin/sh"] },
    config: { Env: ["A=b"] },
    docker_version: "1.0",
    architecture: "amd64",
    os: "linux",
    Size: 5,
    author: null,
    "x-unknown": true,
  };
  const manifest = new ManifestV1(utf8(JSON.stringify(document)), { repository: "acme/app" });
  assert.equal(manifest.version, "v1");
  assert.equal(manifest.id, ID);
  assert.equal(manifest.parent, document.parent);
  assert.equal(manifest.created, document.created);
  assert.equal(manifest.container, "c");
  assert.deepEqual(manifest.containerConfig, { Cmd: ["/bin/sh"] });
  assert.deepEqual(manifest.config, { Env: ["A=b"] });
  assert.equal(manifest.dockerVersion, "1.0");
  assert.equal(manifest.architecture, "amd64");
  assert.equal(manifest.os, "linux");
  assert.equal(manifest.size, 5);
  assert.equal(manifest.value.author, undefined);
  assert.equal(await manifest.verify(), undefined);
  const renamed = await manifest.modify({ tag: "2" });
  assert.deepEqual(renamed.raw, manifest.raw);
  const changed = await manifest.modify({ fields: { author: "me" } });
  assert.equal(changed.value.author, "me");
  const wrong: readonly unknown[] = [
    {},
    [],
    { id: "1234" },
    { id: ID, parent: "../x" },
    { id: ID, config: [] },
    { id: ID, Size: "5" },
    { id: ID, created: 5 },
  ];
  for (const value of wrong) {
    const raw = utf8(JSON.stringify(value));
    assert.throws(() => new ManifestV1(raw), InvalidConfigError, JSON.stringify(value));
  }
  assert.throws(() => new ManifestV1(utf8(`{"id":"${ID}","id":"${ID}"}`)), InvalidConfigError);
});

test("a history entry of schema 1 is the document of version 1 as it was signed", () => {
  const blobSum = OTHER_DIGEST;
  const layers = [{ blobSum, fields: { os: "linux" } }, { blobSum, fields: { throwaway: true } }];
  const manifest = new ManifestV21(payloadOf(schema1Document(layers)));
  const [base, top] = manifest.history;
  assert.equal(base?.os, "linux");
  assert.equal(base?.isThrowaway, false);
  assert.equal(top?.isThrowaway, true);
  assert.equal(top?.parent, base?.id);
  assert.equal(top?.repository, "acme/app");
  assert.equal(manifest.id, top?.id);
});
