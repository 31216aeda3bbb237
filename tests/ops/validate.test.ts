import { test } from "node:test";
import assert from "node:assert/strict";
import { streamFrom, through } from "../../lib/bytes/mod.ts";
import { digestBytes } from "../../lib/hash/mod.ts";
import type { Bytes, ByteStream } from "../../lib/model/bytes.ts";
import {
  type Descriptor,
  MEDIA_TYPE_OCI_EMPTY,
  MEDIA_TYPE_OCI_MANIFEST,
  type Platform,
} from "../../lib/model/mod.ts";
import { memoryStore } from "../../lib/store/mod.ts";
import { validate } from "../../lib/ops/mod.ts";
import { put, putImage, putIndex, tarOf } from "../image/images.ts";
import { watched } from "./content.ts";
import { contentOf, problems, replacing, sample, zip } from "./validated.ts";

function flipFirst(stream: ByteStream): ByteStream {
  return through(stream, {
    chunk(chunk) {
      const copy = chunk.slice();
      copy[0] = (copy[0] ?? 0) ^ 1;
      return copy;
    },
  });
}

test("validate() finds nothing wrong with a sound image, and counts what it saw", async () => {
  const { store, image } = await sample();
  const report = await validate(store, "app");
  assert.deepEqual(report.problems, []);
  assert.ok(report.ok);
  assert.equal(report.descriptor.digest, image.digest);
  const { bytes, ...stats } = report.stats;
  assert.deepEqual(stats, { manifests: 1, images: 1, blobs: 3, entries: 4 });
  assert.ok(bytes > 300);
});

test("validate() finds nothing wrong with a sound index, and reads shared layers once", async () => {
  const { store, image, layers } = await sample();
  const tars = [await tarOf(["a=1", "b/"]), await tarOf(["c=3", ".wh.a"])];
  const other = await putImage(store, tars, {
    compress: zip,
    platform: { os: "linux", architecture: "arm64", variant: "v8" },
  });
  await store.tag(await putIndex(store, [image, await putIndex(store, [other])]), "app");
  const source = watched(store);
  const report = await validate(source, "app");
  assert.deepEqual(report.problems, []);
  assert.equal(report.stats.images, 2);
  assert.equal(source.fetched.filter((digest) => digest === layers[0]?.digest).length, 1);
});

test("validate() fast only looks whether layers are there", async () => {
  const { store, layers: [layer] } = await sample();
  const source = watched(store);
  assert.deepEqual(await problems(source, { fast: true }), []);
  assert.equal(source.fetched.length, 2);
  if (layer !== undefined) await store.delete(layer);
  assert.deepEqual(await problems(store, { fast: true }), ["MISSING"]);
});

test("validate() finds a manifest with another digest or size", async () => {
  const { store, image } = await sample();
  const raw = await contentOf(store, image);
  const flipped = raw.slice();
  flipped[flipped.length - 10] = (flipped[flipped.length - 10] ?? 0) ^ 1;
  assert.deepEqual(await problems(replacing(store, image, flipped)), ["DIGEST_MISMATCH"]);
  assert.deepEqual(await problems(replacing(store, image, raw.slice(1))), ["SIZE_MISMATCH"]);
});

test("validate() finds a manifest that could be read as two types", async () => {
  const store = memoryStore();
  const descriptor = await put(store, MEDIA_TYPE_OCI_MANIFEST, {
    schemaVersion: 2,
    mediaType: MEDIA_TYPE_OCI_MANIFEST,
    config: { mediaType: MEDIA_TYPE_OCI_EMPTY, digest: `sha256:${"0".repeat(64)}`, size: 2 },
    layers: [],
    manifests: [],
  });
  await store.tag(descriptor, "app");
  assert.deepEqual(await problems(store), ["INVALID_MANIFEST"]);
});

test("validate() finds a manifest of another type than its index says", async () => {
  const { store, image } = await sample();
  const mediaType = "application/vnd.docker.distribution.manifest.v2+json";
  await store.tag(await putIndex(store, [{ ...image, mediaType }]), "app");
  assert.deepEqual(await problems(store), ["INVALID_MANIFEST"]);
});

test("validate() finds missing manifests, configs and layers, and goes on", async () => {
  const { store, image, layers } = await sample();
  const lost = { ...image, digest: `sha256:${"1".repeat(64)}` };
  await store.tag(await putIndex(store, [lost, image]), "app");
  for (const layer of layers) await store.delete(layer);
  assert.deepEqual(await problems(store), ["MISSING", "MISSING", "MISSING"]);
});

test("validate() finds a config with another digest", async () => {
  const { store } = await sample();
  let config: Descriptor | undefined;
  const source = watched(store, {
    fetch(stream, descriptor) {
      if (!descriptor.mediaType.includes("config")) return stream;
      config = descriptor;
      return flipFirst(stream);
    },
  });
  assert.deepEqual(await problems(source), ["DIGEST_MISMATCH"]);
  assert.ok(config !== undefined);
});

test("validate() finds a config that is none", async () => {
  const { store } = await sample({ config: { rootfs: "none" } });
  assert.ok((await problems(store)).includes("INVALID_CONFIG"));
});

test("validate() finds a layer whose stored bytes were changed", async () => {
  const { store, layers: [layer] } = await sample();
  assert.ok(layer !== undefined);
  const raw = await contentOf(store, layer);
  for (const offset of [0, 12, raw.length >> 1, raw.length - 1]) {
    const changed = raw.slice();
    changed[offset] = (changed[offset] ?? 0) ^ 0x10;
    const found = await problems(replacing(store, layer, changed));
    assert.ok(found.includes("DIGEST_MISMATCH"), `offset ${offset}: ${found}`);
  }
  assert.ok((await problems(replacing(store, layer, raw.slice(0, -1)))).includes("SIZE_MISMATCH"));
  const longer = new Uint8Array(raw.length + 1);
  longer.set(raw);
  assert.ok((await problems(replacing(store, layer, longer))).includes("SIZE_MISMATCH"));
});

test("validate() tells a layer that was damaged on its way from one that never was an archive", async () => {
  const store = memoryStore();
  const tar = await tarOf([{ path: "large", type: "file", body: new Uint8Array(300_000).fill(7) }]);
  const image = await putImage(store, [tar]);
  await store.tag(image, "app");
  const layer = { digest: digestBytes("sha256", tar) };
  const pieces = (bytes: Bytes) =>
    watched(store, {
      fetch: (stream, { digest }) =>
        digest === layer.digest
          ? streamFrom([bytes.slice(0, 1000), bytes.slice(1000, 200_000), bytes.slice(200_000)])
          : stream,
    });
  assert.deepEqual(await problems(pieces(tar)), []);
  const damaged = tar.slice();
  damaged[0] = 0xff;
  assert.deepEqual(await problems(pieces(damaged)), ["INVALID_LAYER", "DIGEST_MISMATCH"]);
  await store.tag(await putImage(store, [damaged]), "app");
  assert.deepEqual(await problems(store), ["INVALID_LAYER"]);
});

test("validate() finds a layer with another diffID", async () => {
  const diffIDs = [
    `sha256:${"0".repeat(64)}`,
    digestBytes("sha256", await tarOf(["c=3", ".wh.a"])),
  ];
  const { store } = await sample({ config: { rootfs: { type: "layers", diff_ids: diffIDs } } });
  assert.deepEqual(await problems(store), ["DIFF_ID_MISMATCH"]);
});

test("validate() finds a rootfs of another type", async () => {
  const diffIDs = [
    digestBytes("sha256", await tarOf(["a=1", "b/"])),
    digestBytes("sha256", await tarOf(["c=3", ".wh.a"])),
  ];
  const { store } = await sample({ config: { rootfs: { type: "other", diff_ids: diffIDs } } });
  assert.deepEqual(await problems(store), ["ROOTFS_TYPE"]);
});

test("validate() finds more or fewer diffIDs than layers", async () => {
  const diffIDs = [digestBytes("sha256", await tarOf(["a=1", "b/"]))];
  const { store } = await sample({ config: { rootfs: { type: "layers", diff_ids: diffIDs } } });
  assert.deepEqual(await problems(store), ["LAYER_COUNT"]);
});

test("validate() finds a history that does not fit the layers", async () => {
  const wrong = await sample({ config: { history: [{ created_by: "a" }, { empty_layer: true }] } });
  assert.deepEqual(await problems(wrong.store), ["HISTORY_COUNT"]);
  for (const history of [[{}, { empty_layer: true }, {}], []]) {
    assert.deepEqual(await problems((await sample({ config: { history } })).store), []);
  }
});

test("validate() finds an image that is for another platform than the index says", async () => {
  const { store, image } = await sample({ config: { architecture: "arm64" } });
  await store.tag(await putIndex(store, [image]), "app");
  assert.deepEqual(await problems(store), ["PLATFORM_MISMATCH"]);
});

test("validate() compares the variant and the version of a platform where both name one", async () => {
  const arm = { os: "linux", architecture: "arm", variant: "v7" };
  const windows = { os: "windows", architecture: "amd64", "os.version": "10.0.17763.1" };
  const cases: readonly [Platform, Platform, boolean][] = [
    [arm, { ...arm, variant: "v6" }, false],
    [arm, { os: "freebsd", architecture: "arm", variant: "v7" }, false],
    [{ os: "linux", architecture: "mips64le", variant: "a" }, {
      os: "linux",
      architecture: "mips64le",
    }, true],
    [{ os: "linux", architecture: "mips64le" }, {
      os: "linux",
      architecture: "mips64le",
      variant: "a",
    }, true],
    [windows, windows, true],
    [windows, { ...windows, "os.version": "10.0.20348.1" }, false],
    [windows, { os: "windows", architecture: "amd64" }, true],
    [{ os: "windows", architecture: "amd64" }, windows, true],
  ];
  for (const [config, platform, isGood] of cases) {
    const { store, image } = await sample({ config });
    await store.tag(await putIndex(store, [{ ...image, platform }]), "app");
    const name = JSON.stringify([config, platform]);
    assert.deepEqual(await problems(store), isGood ? [] : ["PLATFORM_MISMATCH"], name);
  }
});

test("validate() takes other spellings of a platform, and attestations, as they are", async () => {
  const { store, image } = await sample({ config: { architecture: "arm64", variant: "v8" } });
  const platforms = [
    { os: "linux", architecture: "aarch64" },
    { os: "unknown", architecture: "unknown" },
  ];
  for (const platform of platforms) {
    await store.tag(await putIndex(store, [{ ...image, platform }]), "app");
    assert.deepEqual(await problems(store), [], platform.architecture);
  }
});
