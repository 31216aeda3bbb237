import { test } from "node:test";
import assert from "node:assert/strict";
import { readAll, streamOf } from "../../lib/bytes/mod.ts";
import { gzip } from "../../lib/compress/mod.ts";
import { digestBytes } from "../../lib/hash/mod.ts";
import { loadImage, loadIndex } from "../../lib/image/mod.ts";
import type { Bytes } from "../../lib/model/bytes.ts";
import {
  DigestMismatchError,
  InvalidConfigError,
  LimitExceededError,
  MEDIA_TYPE_OCI_EMPTY,
  MEDIA_TYPE_OCI_LAYER,
  MEDIA_TYPE_OCI_MANIFEST,
  NotFoundError,
  PlatformNotFoundError,
  SizeMismatchError,
  UnsupportedMediaTypeError,
} from "../../lib/model/mod.ts";
import { memoryStore } from "../../lib/store/mod.ts";
import { watched } from "../ops/content.ts";
import { put, putImage, putIndex, tarOf } from "./images.ts";

const zip = async (tar: Bytes): Promise<Bytes> =>
  await readAll(gzip(streamOf(tar)), { maxBytes: 1 << 26 });

test("a view gives manifest, config and layers as they are stored and as they read", async () => {
  const store = memoryStore();
  const tar = await tarOf(["a=1"]);
  const descriptor = await putImage(store, [tar], { compress: zip });
  const image = await loadImage(store, descriptor);
  assert.equal(await image.digest(), descriptor.digest);
  assert.equal(image.mediaType, MEDIA_TYPE_OCI_MANIFEST);
  assert.equal(digestBytes("sha256", await image.rawManifest()), descriptor.digest);
  const manifest = await image.manifest();
  assert.equal(digestBytes("sha256", await image.rawConfig()), manifest.config.digest);
  assert.deepEqual((await image.config()).config?.Env, ["A=1"]);
  assert.deepEqual(await image.platform(), { os: "linux", architecture: "amd64" });
  const [layer] = await image.layers();
  assert.ok(layer !== undefined);
  assert.equal(
    await image.size(),
    descriptor.size + manifest.config.size + layer.descriptor().size,
  );
  assert.equal(await layer.diffID(), digestBytes("sha256", tar));
  assert.deepEqual(await readAll(await layer.uncompressed(), { maxBytes: 1 << 20 }), tar);
  assert.deepEqual(await readAll(await layer.compressed(), { maxBytes: 1 << 20 }), await zip(tar));
  const names: string[] = [];
  for await (const { path } of layer.entries()) names.push(path);
  assert.deepEqual(names, ["a"]);
});

test("a view is lazy, remembers what it read and cannot be changed through its bytes", async () => {
  const store = watched(memoryStore());
  const image = await loadImage(store, await putImage(store, [await tarOf(["a=1"])]));
  assert.equal(store.fetched.length, 1);
  (await image.rawManifest()).fill(0);
  await Promise.all([image.config(), image.config(), image.layers()]);
  assert.equal(store.fetched.length, 2);
  (await image.rawConfig()).fill(0);
  assert.equal((await image.rawConfig())[0], 0x7b);
  assert.equal((await image.rawManifest())[0], 0x7b);
  assert.equal(await image.layers(), await image.layers());
});

test("an abort of one caller does not reach another, and is not remembered", async () => {
  const store = memoryStore();
  const descriptor = await putImage(store, [await tarOf(["a=1"])]);
  const image = await loadImage(store, descriptor);
  const controller = new AbortController();
  const leaving = image.config({ signal: controller.signal });
  const staying = image.config();
  controller.abort("enough");
  await assert.rejects(leaving, (error: unknown) => error === "enough");
  assert.equal((await staying).os, "linux");
});

test("loadImage() picks the platform from an index, also from an index in it", async () => {
  const store = memoryStore();
  const amd64 = await putImage(store, [await tarOf(["a=1"])]);
  const arm64 = await putImage(store, [await tarOf(["b=1"])], {
    platform: { os: "linux", architecture: "arm64" },
  });
  const attestation = { ...amd64, platform: { os: "unknown", architecture: "unknown" } };
  const index = await putIndex(store, [attestation, amd64, await putIndex(store, [arm64])]);
  const platform = { os: "linux", architecture: "arm64" };
  const image = await loadImage(store, index, { platform });
  assert.equal(await image.digest(), arm64.digest);
  assert.equal(await image.platformMismatch(), undefined);
  const view = await loadIndex(store, index);
  assert.deepEqual((await view.platforms()).map((one) => one.architecture), ["amd64", "arm64"]);
  const digests: string[] = [];
  for await (const one of view.images()) digests.push(await one.digest());
  assert.deepEqual(digests, [amd64.digest, arm64.digest]);
  assert.equal(await (await view.image({ platform })).digest(), arm64.digest);
  assert.equal(digestBytes("sha256", await view.rawManifest()), await view.digest());
});

test("loadImage() lists what there is when the platform is not", async () => {
  const store = memoryStore();
  const index = await putIndex(store, [await putImage(store, [])]);
  const platform = { os: "linux", architecture: "riscv64" };
  await assert.rejects(
    loadImage(store, index, { platform }),
    (error: unknown) =>
      error instanceof PlatformNotFoundError && error.wanted.architecture === "riscv64" &&
      error.available.length === 1 && error.message.includes("linux/amd64"),
  );
});

test("loadImage() without a platform takes the only image, and never guesses", async () => {
  const store = memoryStore();
  const one = await putImage(store, []);
  assert.equal(await (await loadImage(store, await putIndex(store, [one]))).digest(), one.digest);
  const attestation = { ...one, platform: { os: "unknown", architecture: "unknown" } };
  const nested = await putIndex(store, [attestation, await putIndex(store, [one, attestation])]);
  assert.equal(await (await loadImage(store, nested)).digest(), one.digest);
  const two = await putImage(store, [], { platform: { os: "linux", architecture: "arm64" } });
  await assert.rejects(loadImage(store, await putIndex(store, [one, two])), TypeError);
  await assert.rejects(loadImage(store, await putIndex(store, [])), NotFoundError);
});

test("an image whose config names another platform says so and opens all the same", async () => {
  const store = memoryStore();
  const image = await putImage(store, [], { config: { architecture: "s390x" } });
  const platform = { os: "linux", architecture: "amd64" };
  const view = await loadImage(store, await putIndex(store, [image]), { platform });
  assert.deepEqual(await view.platformMismatch(), {
    wanted: platform,
    actual: { os: "linux", architecture: "s390x" },
  });
});

test("loadImage() refuses damaged, missing and foreign manifests", async () => {
  const store = memoryStore();
  const good = await putImage(store, []);
  const flipped = watched(store, {
    fetch: () => streamOf(new Uint8Array(good.size)),
  });
  await assert.rejects(loadImage(flipped, good), DigestMismatchError);
  await assert.rejects(loadImage(store, { ...good, size: good.size - 1 }), SizeMismatchError);
  await assert.rejects(
    loadImage(store, { ...good, digest: `sha256:${"0".repeat(64)}` }),
    NotFoundError,
  );
  await assert.rejects(loadImage(store, { ...good, size: 5 << 20 }), LimitExceededError);
  await assert.rejects(loadIndex(store, good), UnsupportedMediaTypeError);
});

test("an artifact has layers and no config of an image", async () => {
  const store = memoryStore();
  const config = await put(store, MEDIA_TYPE_OCI_EMPTY, {});
  const layer = await put(store, MEDIA_TYPE_OCI_LAYER, await tarOf(["a=1"]));
  const descriptor = await put(store, MEDIA_TYPE_OCI_MANIFEST, {
    schemaVersion: 2,
    mediaType: MEDIA_TYPE_OCI_MANIFEST,
    artifactType: "application/vnd.example",
    config,
    layers: [layer],
  });
  const view = await loadImage(store, descriptor);
  await assert.rejects(view.config(), UnsupportedMediaTypeError);
  assert.equal(new TextDecoder().decode(await view.rawConfig()), "{}");
  const [only] = await view.layers();
  assert.equal(await only?.diffID(), layer.digest, "computed, as no config names it");
});

test("layers() refuses a config with another number of diffIDs", async () => {
  const store = memoryStore();
  const config = { rootfs: { type: "layers", diff_ids: [] } };
  const view = await loadImage(store, await putImage(store, [await tarOf(["a=1"])], { config }));
  await assert.rejects(view.layers(), InvalidConfigError);
});

test("entries() proves the layer to its last byte, also behind the end of the archive", async () => {
  const store = memoryStore();
  const tar = await tarOf(["a=1"]);
  const padded = new Uint8Array(tar.length + 10_240);
  padded.set(tar);
  const damaged = padded.slice();
  damaged[damaged.length - 1] = 1;
  for (const compress of [undefined, zip]) {
    const descriptor = await putImage(store, [padded], compress === undefined ? {} : { compress });
    const content = await compress?.(damaged) ?? damaged;
    const source = watched(store, {
      fetch: (stream, { mediaType }) => mediaType.includes("layer") ? streamOf(content) : stream,
    });
    const [layer] = await (await loadImage(source, descriptor)).layers();
    const names: string[] = [];
    await assert.rejects(async () => {
      for await (const { path } of layer?.entries() ?? []) names.push(path);
    }, DigestMismatchError);
    assert.deepEqual(names, ["a"]);
  }
});

test("leaving entries() early cancels the source once and reads no further", async () => {
  const store = memoryStore();
  const tar = await tarOf(["a=1", { path: "big", body: new Uint8Array(5_000_000) }]);
  const source = watched(store);
  const [layer] = await (await loadImage(source, await putImage(store, [tar]))).layers();
  const before = source.bytesRead;
  for await (const { path } of layer?.entries() ?? []) {
    assert.equal(path, "a");
    break;
  }
  assert.equal(source.open, 0);
  assert.equal(source.cancels.length, 1);
  assert.ok(source.bytesRead - before <= 1 << 20, `${source.bytesRead - before} bytes`);
});

test("a consumer that throws in entries() gets its error back, and the source is cancelled", async () => {
  const store = memoryStore();
  const source = watched(store);
  const tar = await tarOf(["a=1", { path: "big", body: new Uint8Array(5_000_000) }]);
  const [layer] = await (await loadImage(source, await putImage(store, [tar]))).layers();
  const boom = new Error("boom");
  await assert.rejects(async () => {
    for await (const _ of layer?.entries() ?? []) throw boom;
  }, (error: unknown) => error === boom);
  assert.equal(source.open, 0);
  assert.equal(source.cancels.length, 1);
});

test("a slow consumer of a layer keeps the source waiting", async () => {
  const store = memoryStore();
  const source = watched(store);
  const tar = await tarOf([{ path: "big", body: new Uint8Array(5_000_000) }]);
  const descriptor = await putImage(store, [tar]);
  const [layer] = await (await loadImage(source, descriptor)).layers();
  const before = source.bytesRead;
  const reader = (await layer?.uncompressed())?.getReader();
  let read = 0;
  for (let i = 0; i < 10; i++) {
    read += (await reader?.read())?.value?.length ?? 0;
    await new Promise((resolve) => setTimeout(resolve, 2));
    const ahead = source.bytesRead - before - read;
    assert.ok(ahead <= 256 * 1024, `${ahead} bytes were read ahead`);
  }
  await reader?.cancel();
  assert.equal(source.open, 0);
});

test("a layer that inflates past the limit is stopped and its source cancelled", async () => {
  const store = memoryStore();
  const source = watched(store);
  const tar = await tarOf([{ path: "zeros", body: new Uint8Array(20_000_000) }]);
  const descriptor = await putImage(store, [tar], { compress: zip });
  const [layer] = await (await loadImage(source, descriptor)).layers();
  const stream = await layer?.uncompressed({ maxOutputBytes: 1_000_000 });
  let output = 0;
  await assert.rejects(async () => {
    const reader = stream?.getReader();
    for (;;) {
      const next = await reader?.read();
      if (next === undefined || next.done) break;
      output += next.value.length;
    }
  }, LimitExceededError);
  assert.ok(output <= 1_000_000);
  assert.equal(source.open, 0);
});
