import assert from "node:assert/strict";
import { test } from "node:test";
import {
  append,
  emptyImage,
  exportRootfs,
  flatten,
  type Image,
  layerFrom,
  loadImage,
  squash,
} from "../../lib/image/mod.ts";
import { push } from "../../lib/ops/push.ts";
import { validate } from "../../lib/ops/mod.ts";
import type { Bytes } from "../../lib/model/bytes.ts";
import { memoryUploads } from "../../lib/server/mod.ts";
import { memoryStore } from "../../lib/store/mod.ts";
import { readTar, type TarEntry } from "../../lib/tar/mod.ts";
import { watched } from "../ops/content.ts";
import { entry, imageOf, putImage, type Short, tarOf, textOf } from "./images.ts";
import { randomLayers } from "./random_layers.ts";

/** Everything about the merged tree, the grouping of hard links included. */
async function treeOf(image: Image): Promise<unknown[]> {
  const tree: [string, ...unknown[]][] = [];
  for await (const found of readTar(exportRootfs(image))) {
    const { path, type, mode, uid, gid, mtimeNs, linkPath } = found;
    const content = type === "file" ? String(await found.bytes()) : "";
    const xattrs = [...found.xattrs].map(([key, value]) => `${key}=${value}`);
    tree.push([path, type, mode, uid, gid, String(mtimeNs), linkPath, xattrs, content]);
  }
  return tree.sort(([a], [b]) => a < b ? -1 : 1);
}

async function entriesOf(image: Image, layer: number): Promise<TarEntry[]> {
  const entries: TarEntry[] = [];
  const found = (await image.layers())[layer];
  assert.ok(found !== undefined);
  for await (const item of found.entries()) entries.push(item);
  return entries;
}

const names = async (image: Image, layer: number): Promise<string[]> =>
  (await entriesOf(image, layer)).map(({ path }) => path);

test("flatten() makes one layer of the same tree, without what was replaced", async () => {
  const image = await imageOf(
    ["a=1", "d/", "d/x=old", "d/y=gone", "keep=0", "h=>keep"],
    ["d/x=new", "d/.wh.y", ".wh.a", "l->d/x"],
    ["e/f=5", ".wh.h"],
  );
  const flat = flatten(image);
  assert.equal((await flat.layers()).length, 1);
  assert.deepEqual(await treeOf(flat), await treeOf(image));
  assert.deepEqual(await names(flat, 0), ["d/", "e/", "l", "keep", "d/x", "e/f"]);
  assert.equal(await textOf(flat, "/l"), "new");
});

test("flatten() keeps config and annotations, and one history entry as crane does", async () => {
  const base = emptyImage({ os: "linux", architecture: "arm64" }, "docker");
  const history = { created: "2020-01-01T00:00:00Z", created_by: "add" };
  const layer = await layerFrom([{ path: "a", body: new Uint8Array(1) }]);
  const image = append(base, { layer, history }, { history: { created_by: "ENV" } });
  const flat = flatten(image);
  const config = await flat.config();
  assert.equal(config.architecture, "arm64");
  assert.deepEqual(config.history, [{
    created_by: `lading flatten ${await image.digest()}`,
    comment: JSON.stringify([history, { created_by: "ENV", empty_layer: true }]),
  }]);
  const { layers } = await flat.manifest();
  assert.equal(layers[0]?.mediaType, "application/vnd.docker.image.rootfs.diff.tar.gzip");
  const store = memoryStore();
  await push(flat, store, "1");
  assert.deepEqual((await validate(store, "1")).problems, []);
});

test("flatten() gives the same digest on every runtime and day", async () => {
  const image = await imageOf(["a=1", "d/", "d/x=old"], ["d/x=new", ".wh.a"], ["é/ü->/d"]);
  assert.equal(await flatten(image).digest(), GOLDEN_FLAT);
  assert.equal(await squash(image, { from: 1 }).digest(), GOLDEN_SQUASH);
});

const GOLDEN_FLAT = "sha256:b6c25e36d3c35922739aded518cc916eaaf3f5078d5710c5a0ade3d07a5cb8b2";
const GOLDEN_SQUASH = "sha256:ee4eb8270d49b2be749ace85afd4df0e33f46b0b6e13f7fefb44620091fcc78d";

test("flatten() and squash() store their layer as zstd when told so", async () => {
  const image = await imageOf(["a=1", "b=2"], ["b=3"], ["c=4"]);
  for (const edited of [flatten, squash].map((edit) => edit(image, { compression: "zstd" }))) {
    const [layer] = (await edited.manifest()).layers;
    assert.equal(layer?.mediaType, "application/vnd.oci.image.layer.v1.tar+zstd");
    assert.deepEqual(await treeOf(edited), await treeOf(image));
    const store = memoryStore();
    await push(edited, store, "1");
    assert.deepEqual((await validate(store, "1")).problems, []);
  }
});

test("squash() leaves lower layers as they are, and says what is deleted of them", async () => {
  const image = await imageOf(
    ["a=1", "d/", "d/x=1", "d/y=2", "e/", "e/z=3"],
    ["b=1", ".wh.a", "d/.wh..wh..opq", "d/n=1"],
    [".wh.b", ".wh.e", "c=2"],
  );
  const squashed = squash(image, { from: 1 });
  assert.deepEqual(await treeOf(squashed), await treeOf(image));
  const [before, after] = [await image.manifest(), await squashed.manifest()];
  assert.deepEqual(after.layers[0], before.layers[0]);
  assert.equal(after.layers.length, 2);
  // Of b, which came and went, there is nothing; d/ is as it was below.
  assert.deepEqual(await names(squashed, 1), [
    ".wh.a",
    ".wh.e",
    "d/.wh.x",
    "d/.wh.y",
    "d/n",
    "c",
  ]);
});

test("squash() links to files of lower layers, and takes them over when they are gone", async () => {
  const image = await imageOf(
    ["stays=content", "goes=moved"],
    ["link=>stays", "renamed=>goes"],
    [".wh.goes", "again=>link"],
  );
  const squashed = squash(image, { from: 1 });
  assert.deepEqual(await treeOf(squashed), await treeOf(image));
  const entries = await entriesOf(squashed, 1);
  assert.deepEqual(entries.map(({ path, type, linkPath }) => [path, type, linkPath]), [
    [".wh.goes", "file", undefined],
    ["again", "hardlink", "stays"],
    ["link", "hardlink", "stays"],
    ["renamed", "file", undefined],
  ]);
  assert.equal(await textOf(squashed, "/renamed"), "moved");
});

test("squash() of what replaces directories, links and files", async () => {
  const cases: readonly (readonly (readonly Short[])[])[] = [
    [["p/", "p/a=1"], ["p=file"], ["q=1"]],
    [["p=file"], ["p/", "p/a=1"], ["p/b=2"]],
    [["p/", "p/a=1"], [".wh.p"], ["p/c=3"]],
    [[entry({ path: "p", type: "directory", mode: 0o700 })], [".wh.p"], ["p/c=3"]],
    [["p->q", "q/", "q/a=1"], ["p/b=2"], ["p/.wh.a"]],
    [["p->q", "q/"], ["p/"], ["p/a=1"]],
    [["p/", "p/a=1"], [entry({ path: "p", type: "directory", mode: 0o711 })], ["x=1"]],
    [["a=1", "b=>a"], ["a=2"], ["c=>b"]],
    [["p/"], [".wh.etc/x=1"], ["p/y=1"]],
    [["etc=1"], [".wh.etc/x=1"], ["p/y=1"]],
    [["d/etc=1"], ["d/.wh.etc/x=1"], ["p/y=1"]],
    [["p/a=1"], [entry({ path: "./", type: "directory", mode: 0o700 })], ["p/y=1"]],
  ];
  for (const [i, layers] of cases.entries()) {
    const image = await imageOf(...layers);
    const expected = await treeOf(image);
    assert.deepEqual(await treeOf(squash(image, { from: 1 })), expected, `case ${i}`);
    assert.deepEqual(await treeOf(flatten(image)), expected, `case ${i}, flattened`);
  }
});

test("squash() and flatten() keep the tree of random images, from every layer", async () => {
  for (let seed = 1; seed <= 20; seed++) {
    const tars: Bytes[] = [];
    for (const layer of randomLayers(seed)) tars.push(await tarOf(layer));
    const image = await imageOf(...tars);
    const expected = await treeOf(image);
    for (let from = 0; from < tars.length; from++) {
      const squashed = squash(image, { from });
      assert.deepEqual(await treeOf(squashed), expected, `seed ${seed} from ${from}`);
    }
  }
});

test("squash() marks the history of its layers as Docker does", async () => {
  const base = append(emptyImage({ os: "linux", architecture: "amd64" }), {
    layer: await layerFrom([{ path: "base" }]),
    history: { created_by: "base" },
  }, { history: { created_by: "CMD base" } });
  const layer = await layerFrom([{ path: "a" }]);
  const image = append(base, { layer, history: { created_by: "one" } }, {
    history: { created_by: "ENV" },
  }, { layer: await layerFrom([{ path: "b" }]), history: { created_by: "two" } });
  const squashed = squash(image, { from: base });
  assert.deepEqual((await squashed.config()).history, [
    { created_by: "base" },
    { created_by: "CMD base", empty_layer: true },
    { created_by: "one", empty_layer: true },
    { created_by: "ENV", empty_layer: true },
    { created_by: "two", empty_layer: true },
    { created_by: `lading squash ${await image.digest()}` },
  ]);
  const store = memoryStore();
  await push(squashed, store, "1");
  assert.deepEqual((await validate(store, "1")).problems, []);
});

test("squash() with less than two layers above changes nothing", async () => {
  const image = await imageOf(["a=1"], ["b=2"]);
  for (const from of [1, 2, 9]) {
    assert.equal(await squash(image, { from }).digest(), await image.digest(), `from ${from}`);
  }
  assert.throws(() => squash(image, { from: -1 }), RangeError);
  const other = await imageOf(["x=1"]);
  await assert.rejects(squash(image, { from: other }).digest(), { code: "NOT_BASED_ON" });
});

test("flatten() reads each layer three times until it is pushed, and twice with a spool", async () => {
  for (const [spool, expected] of [[undefined, 3], [memoryUploads(), 2]] as const) {
    const store = watched(memoryStore());
    const image = await loadImage(store, await putImage(store, [await tarOf(["a=1"])]));
    await push(flatten(image, { spool }), memoryStore(), "1");
    const [layer] = (await image.manifest()).layers;
    const opened = store.fetched.filter((digest) => digest === layer?.digest);
    assert.equal(opened.length, expected);
  }
});

test("flatten() takes a limit on paths", async () => {
  const image = await imageOf(["a=1", "b=2", "c=3"]);
  await assert.rejects(flatten(image, { maxEntries: 2 }).digest(), { code: "LIMIT_EXCEEDED" });
});
