import assert from "node:assert/strict";
import { test } from "node:test";
import { append, emptyImage, layerFrom, loadImage } from "../../lib/image/mod.ts";
import type { Bytes } from "../../lib/model/bytes.ts";
import { MEDIA_TYPE_OCI_MANIFEST } from "../../lib/model/mod.ts";
import { memoryStore } from "../../lib/store/mod.ts";
import { randomImage } from "../../lib/testing/mod.ts";
import { imageOf, pathsOf, put, putImage, tarOf, textOf } from "./images.ts";

const text = (value: string): Bytes => new TextEncoder().encode(value);
const LINUX = { os: "linux", architecture: "amd64" };

test("append() puts layers on an image, and leaves the image as it is", async () => {
  const base = await imageOf(["a=1", "b=2"], ["c=3"]);
  const before = await base.digest();
  const one = await layerFrom([{ path: "b", body: text("new") }, { path: ".wh.a" }]);
  const two = await layerFrom([{ path: "d/e", body: text("5") }], { compression: "none" });
  const image = append(base, one, two);
  assert.equal(await textOf(image, "/b"), "new");
  assert.deepEqual(await pathsOf(image), ["b", "c", "d/", "d/e"]);
  assert.equal(await base.digest(), before);
  assert.deepEqual(await pathsOf(base), ["a", "b", "c"]);
  const [manifest, old] = [await image.manifest(), await base.manifest()];
  assert.deepEqual(manifest.layers.slice(0, 2), old.layers);
  assert.deepEqual(manifest.layers.slice(2), [one.descriptor(), two.descriptor()]);
  const { rootfs } = await image.config();
  assert.deepEqual(rootfs.diff_ids, [
    ...(await base.config()).rootfs.diff_ids,
    await one.diffID(),
    await two.diffID(),
  ]);
});

test("append() with nothing gives the same image", async () => {
  const base = await imageOf(["a=1"]);
  assert.equal(await append(base).digest(), await base.digest());
});

test("append() gives layers the media types of the base", async () => {
  const store = memoryStore();
  const made = await randomImage("base", { format: "docker" });
  await made.pushTo(store, "base");
  const base = await loadImage(store, made.descriptor);
  const gz = await layerFrom([{ path: "x", body: text("x") }]);
  const plain = await layerFrom([{ path: "y", body: text("y") }], { compression: "none" });
  const { mediaType, layers, config } = await append(base, gz, plain).manifest();
  assert.equal(mediaType, "application/vnd.docker.distribution.manifest.v2+json");
  assert.equal(config.mediaType, "application/vnd.docker.container.image.v1+json");
  assert.deepEqual(layers.slice(-2).map((layer) => layer.mediaType), [
    "application/vnd.docker.image.rootfs.diff.tar.gzip",
    "application/vnd.docker.image.rootfs.diff.tar",
  ]);
  const [layer] = (await append(emptyImage(LINUX), ...await base.layers()).manifest()).layers;
  assert.equal(layer?.mediaType, "application/vnd.oci.image.layer.v1.tar+gzip");
});

test("append() keeps history and layers in step", async () => {
  const layer = await layerFrom([{ path: "x", body: text("x") }]);
  const history = { created: "2020-01-01T00:00:00Z", created_by: "make x", comment: "mine" };
  const scratch = append(emptyImage(LINUX), { layer, history }, {
    history: { created_by: "ENV A=1" },
  }, layer);
  assert.deepEqual((await scratch.config()).history, [
    history,
    { created_by: "ENV A=1", empty_layer: true },
    { created_by: "lading append" },
  ]);
  // The base says nothing of its layer: an entry for ours alone would speak of the wrong one.
  const silent = append(await imageOf(["a=1"]), layer);
  assert.equal((await silent.config()).history, undefined);
  const annotated = append(scratch, { layer, annotations: { "a.b": "c" } });
  assert.deepEqual({ ...(await annotated.manifest()).layers.at(-1)?.annotations }, { "a.b": "c" });
});

test("append() keeps unknown fields, their order, and what __proto__ says", async () => {
  const store = memoryStore();
  const descriptor = await putImage(store, [await tarOf(["a=1"])], {
    config: JSON.parse('{"my.field":{"deep":[1,null]},"config":{"Labels":{"__proto__":"data"}}}'),
  });
  const found = await loadImage(store, descriptor);
  const manifest = await put(store, MEDIA_TYPE_OCI_MANIFEST, {
    "x-first": 1,
    ...await found.manifest(),
    "x-last": { y: [true] },
  });
  const image = append(await loadImage(store, manifest), await layerFrom([{ path: "b" }]));
  const raw = new TextDecoder().decode(await image.rawManifest());
  assert.match(raw, /^\{"x-first":1,"schemaVersion":2,.*,"x-last":\{"y":\[true\]\}\}$/);
  const config = new TextDecoder().decode(await image.rawConfig());
  assert.match(config, /"Labels":\{"__proto__":"data"\}/);
  assert.match(config, /"my.field":\{"deep":\[1,null\]\}/);
});

test("append() refuses an artifact, which has no tree of files", async () => {
  const store = memoryStore();
  const config = await put(store, "application/vnd.cncf.helm.config.v1+json", { name: "chart" });
  const descriptor = await put(store, MEDIA_TYPE_OCI_MANIFEST, {
    schemaVersion: 2,
    mediaType: MEDIA_TYPE_OCI_MANIFEST,
    config,
    layers: [],
  });
  const image = append(await loadImage(store, descriptor), await layerFrom([{ path: "a" }]));
  await assert.rejects(image.digest(), {
    code: "UNSUPPORTED_MEDIA_TYPE",
    mediaType: "application/vnd.cncf.helm.config.v1+json",
    message: /: it is an artifact \(application\/vnd\.cncf\.helm/,
  });
});

test("append() refuses an image whose config does not match its layers", async () => {
  const store = memoryStore();
  const descriptor = await putImage(store, [await tarOf(["a=1"])], {
    config: { rootfs: { type: "layers", diff_ids: [] } },
  });
  const image = append(await loadImage(store, descriptor), await layerFrom([{ path: "b" }]));
  await assert.rejects(image.digest(), { code: "INVALID_CONFIG" });
});

test("an edited image gives ranges of its layers", async () => {
  const layer = await layerFrom([{ path: "a", body: text("hello") }], { compression: "none" });
  const content = await append(emptyImage(LINUX), layer).content();
  const range = { start: 512, end: 516 };
  const stream = await content.fetch(layer.descriptor(), { range });
  assert.equal(await new Response(stream).text(), "hello");
});
