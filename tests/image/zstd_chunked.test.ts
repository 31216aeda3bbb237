import { test } from "node:test";
import assert from "node:assert/strict";
import { digestBytes } from "../../lib/hash/mod.ts";
import { type Image, loadImage } from "../../lib/image/mod.ts";
import { memoryStore } from "../../lib/store/mod.ts";
import type { TarInput } from "../../lib/tar/mod.ts";
import { corpusBytes, corpusList } from "../support/corpus.ts";
import { entry, textOf } from "./images.ts";
import { describeTree, noise, observedImage, zstdChunkedLayer } from "./table_layers.ts";

const FILES: readonly TarInput[] = [
  ...["etc/", "etc/os-release=ID=test", "etc/alias->os-release", "etc/hard=>etc/os-release"].map(
    entry,
  ),
  { path: "bin/tool", mode: 0o755, body: noise(250_000) },
  { path: "holes", body: new Uint8Array(30_000).fill(7, 0, 10_000).fill(9, 20_000) },
  { path: "x", body: noise(10), xattrs: new Map([["user.a", Uint8Array.of(0, 255)]]) },
];

test("an image that skopeo wrote gives the same tree and files by its tables as when it is read", async () => {
  const folder = "made-by-umoci-skopeo/skopeo-oci-zstd-chunked";
  const store = memoryStore();
  for (const name of await corpusList(`${folder}/blobs`)) {
    const path = name.startsWith("made-by") ? name : `${folder}/blobs/${name}`;
    const bytes = new Uint8Array(await corpusBytes(path));
    const digest = digestBytes("sha256", bytes);
    await store.push({ mediaType: "application/x", digest, size: bytes.length }, bytes);
  }
  const index = JSON.parse(new TextDecoder().decode(await corpusBytes(`${folder}/index.json`)));
  const ranges: unknown[] = [];
  const image: Image = await loadImage({
    exists: (target, options) => store.exists(target, options),
    fetch(target, options) {
      if (/zstd$/.test(target.mediaType)) ranges.push(options?.range);
      return store.fetch(target, options);
    },
  }, index.manifests[0]);
  assert.equal(await textOf(image, "dir/new.txt"), "new\n");
  assert.ok(ranges.length === 3 && !ranges.includes(undefined), "two tables and a file");
  const tree = await describeTree(image, "proved");
  assert.deepEqual(tree, await describeTree(image, "none"));
  for await (const { path, type } of image.files()) {
    if (type !== "file") continue;
    const whole = await image.readFile(path, { tables: "none" });
    assert.deepEqual(await image.readFile(path), whole, path);
  }
});

test("a file of a zstd:chunked layer is read by one request behind that for the table", async () => {
  const layer = await zstdChunkedLayer(FILES, { chunkBytes: 40_000 });
  const { image, fetched, bytes } = await observedImage(layer);
  const tool = await image.readFile("bin/tool");
  assert.equal(digestBytes("sha256", tool), digestBytes("sha256", noise(250_000)));
  assert.equal(fetched.length, 2);
  assert.equal(await textOf(image, "etc/hard"), "ID=test");
  assert.equal(fetched.length, 3);
  assert.ok(bytes() < layer.bytes.length);
  assert.deepEqual(await describeTree(image, "proved"), await describeTree(image, "none"));
});

test("holes of a zstd:chunked layer are not fetched", async () => {
  const layer = await zstdChunkedLayer(FILES, {
    chunkBytes: 10_000,
    change({ entries }) {
      const chunk = entries.find(({ name, chunkOffset }) =>
        name === "holes" && chunkOffset === 10_000
      );
      if (chunk === undefined) return assert.fail("no such chunk");
      for (const key of Object.keys(chunk)) {
        if (/^(offset|chunkDigest)$/.test(key)) delete chunk[key];
      }
      chunk.chunkType = "zeros";
    },
  });
  // A writer would have left the hole out, so here the chunk before it ends behind the hole.
  const { image, fetched } = await observedImage(layer);
  const file = await image.readFile("holes");
  const expected = new Uint8Array(30_000).fill(7, 0, 10_000).fill(9, 20_000);
  assert.equal(digestBytes("sha256", file), digestBytes("sha256", expected));
  assert.equal(fetched.filter((range) => range === "whole").length, 0);
});

test("a table that only the footer speaks of is used only where the caller allows it", async () => {
  const layer = await zstdChunkedLayer(FILES);
  for (const [tables, count] of [[undefined, 2], ["any", 0]] as const) {
    const { image, fetched } = await observedImage({ ...layer, annotations: {} });
    assert.equal((await image.readFile("x", { tables })).length, 10);
    assert.equal(fetched.filter((range) => range === "whole").length, count);
  }
});
