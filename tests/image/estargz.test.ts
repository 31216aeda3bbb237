import { test } from "node:test";
import assert from "node:assert/strict";
import { readAll } from "../../lib/bytes/mod.ts";
import { digestBytes } from "../../lib/hash/mod.ts";
import {
  exportRootfs,
  extract,
  loadImage,
  openLayer,
  readLayerTable,
} from "../../lib/image/mod.ts";
import { NotFoundError } from "../../lib/model/errors.ts";
import { Registry } from "../../lib/registry/mod.ts";
import { memoryFileSystem, memoryStore } from "../../lib/store/mod.ts";
import type { TarInput } from "../../lib/tar/mod.ts";
import { memoryRegistry } from "../../lib/testing/mod.ts";
import { corpusBytes } from "../support/corpus.ts";
import { entry, textOf } from "./images.ts";
import { describeTree, estargzLayer, noise, observedImage, putTableImage } from "./table_layers.ts";

const FILES: readonly TarInput[] = [
  ...["etc/", "etc/os-release=ID=test", "etc/alias->os-release", "etc/hard=>etc/os-release"].map(
    entry,
  ),
  { path: "bin/tool", mode: 0o4755, uid: 7, gid: 8, mtime: 1700000000, body: noise(300_000) },
  { path: "x", body: noise(10), xattrs: new Map([["user.a", Uint8Array.of(0, 255)]]) },
  { path: "empty" },
  { path: "dev/null", type: "character-device", deviceMajor: 1, deviceMinor: 3 },
];

test("a layer of the stargz-snapshotter gives the same tree and files by its table as when it is read", async () => {
  const bytes = new Uint8Array(await corpusBytes("made-by-estargz/layer.esgz.tar.gz"));
  const table = { bytes, diffID: "", annotations: {}, tableOffset: 0 };
  const store = memoryStore();
  const digest = digestBytes("sha256", bytes);
  const descriptor = { mediaType: "application/x-layer", digest, size: bytes.length };
  await store.push(descriptor, bytes);
  const found = await readLayerTable(openLayer(store, descriptor), { tables: "any" });
  const json = found?.entries.find(({ path }) => path === "stargz.index.json");
  assert.equal(found?.isProved, false);
  const toc = json?.chunks[0]?.digest ?? "";
  const annotations = { "containerd.io/snapshot/stargz/toc.digest": toc };
  const diffID = await openLayer(store, descriptor).diffID();
  const { image, fetched } = await observedImage({ ...table, diffID, annotations });
  assert.deepEqual(await describeTree(image, "proved"), await describeTree(image, "none"));
  for (const path of ["bin/app", "bin/hard", "bin/link", "etc/words", "stargz.index.json"]) {
    fetched.length = 0;
    const quick = await image.readFile(path);
    assert.ok(fetched.length === 1 && fetched[0] !== "whole", path);
    const whole = await image.readFile(path, { tables: "none" });
    assert.equal(digestBytes("sha256", quick), digestBytes("sha256", whole), path);
  }
});

test("readFile() of a large remote eStargz layer fetches less than 5 % of its bytes", async () => {
  const many = Array.from({ length: 150 }, (_, index) => ({
    path: `usr/lib/file${index}`,
    body: noise(60_000, index + 1),
  }));
  const layer = await estargzLayer([...FILES, ...many]);
  const { store, transport, requests, host } = memoryRegistry();
  const descriptor = await putTableImage(store, [layer]);
  await store.tag(descriptor, "demo/app:1");
  let blobBytes = 0;
  const registry = new Registry(host, {
    transport: async (request) => {
      const answer = await transport(request);
      const isLayer = request.url.endsWith(digestBytes("sha256", layer.bytes));
      if (isLayer) blobBytes += Number(answer.headers.get("content-length"));
      return answer;
    },
  });
  const repository = registry.repository("demo/app");
  const image = await loadImage(repository, await repository.resolve("1"));
  assert.equal(await textOf(image, "etc/alias"), "ID=test");
  assert.ok(blobBytes > 0 && blobBytes < layer.bytes.length * 0.05, `${blobBytes} bytes`);
  const layerRequests = () =>
    requests.filter(({ path }) => path.includes(digestBytes("sha256", layer.bytes)));
  assert.deepEqual(layerRequests().map(({ status }) => status), [206, 206, 206]);
  const bytes = await image.readFile("usr/lib/file149");
  assert.equal(digestBytes("sha256", bytes), digestBytes("sha256", noise(60_000, 150)));
  assert.equal(layerRequests().length, 4, "the table is fetched once");
  assert.ok(blobBytes < layer.bytes.length * 0.05, `${blobBytes} bytes`);
});

test("the tree of an eStargz layer has all that its archive has", async () => {
  for (const legacyFooter of [false, true]) {
    const { image } = await observedImage(await estargzLayer(FILES, { legacyFooter }));
    const [quick, whole] = [await describeTree(image, "proved"), await describeTree(image, "none")];
    assert.deepEqual(quick, whole);
    assert.equal(quick.length, 11);
  }
});

test("the chunks of a file come by one request", async () => {
  const { image, fetched } = await observedImage(await estargzLayer(FILES, { chunkBytes: 10_000 }));
  await image.rootfs({ tables: "proved" });
  fetched.length = 0;
  const bytes = await image.readFile("bin/tool");
  assert.equal(digestBytes("sha256", bytes), digestBytes("sha256", noise(300_000)));
  assert.equal(fetched.length, 1);
});

test("a file is found inside of a gzip member that several files share", async () => {
  const { image, fetched } = await observedImage(await estargzLayer(FILES, { joinBytes: 50 }));
  assert.equal(await textOf(image, "etc/os-release"), "ID=test");
  assert.deepEqual(await image.readFile("x"), noise(10));
  assert.ok(!fetched.includes("whole"));
});

test("layers with and without tables make one tree", async () => {
  const lower = await estargzLayer(FILES);
  const upper = await estargzLayer(["etc/.wh.hard", "etc/os-release=ID=new"].map(entry));
  const plain = await estargzLayer(["y=1"].map(entry));
  const { image, fetched } = await observedImage(lower, upper, { ...plain, annotations: {} });
  assert.equal(await textOf(image, "/etc/os-release"), "ID=new");
  assert.equal(await textOf(image, "y"), "1");
  await assert.rejects(image.readFile("etc/hard"), NotFoundError);
  assert.equal(fetched.filter((range) => range === "whole").length, 2, "the plain layer, twice");
  assert.deepEqual(await describeTree(image, "proved"), await describeTree(image, "none"));
});

test("a table that the manifest does not prove is used only where the caller allows it", async () => {
  const layer = await estargzLayer(FILES);
  for (const [tables, count] of [[undefined, 2], ["proved", 2], ["none", 2], ["any", 0]] as const) {
    const { image, fetched } = await observedImage({ ...layer, annotations: {} });
    assert.equal((await image.readFile("x", { tables })).length, 10);
    assert.equal(fetched.filter((range) => range === "whole").length, count, String(tables));
  }
  const { image, fetched } = await observedImage(layer);
  await image.readFile("x", { tables: "none" });
  assert.deepEqual(fetched, ["whole", "whole"]);
});

test("a tree that tables made is not unpacked", async () => {
  const { image } = await observedImage(await estargzLayer(FILES));
  const rootfs = await image.rootfs({ tables: "proved" });
  await assert.rejects(extract(rootfs, memoryFileSystem(), "/out"), TypeError);
  const files = await extract(image, memoryFileSystem(), "/out");
  assert.ok(files.files > 0);
  const archive = exportRootfs(image);
  assert.ok((await readAll(archive, { maxBytes: 1 << 22 })).length > 300_000);
});

test("cancelling the stream of a file gives up its request", async () => {
  const { image } = await observedImage(await estargzLayer(FILES, { chunkBytes: 1000 }));
  const stream = await image.openFile("bin/tool");
  const reader = stream.getReader();
  assert.equal((await reader.read()).value?.length, 1000);
  await reader.cancel();
  const stop = new AbortController();
  const aborted = (await image.openFile("bin/tool", { signal: stop.signal })).getReader();
  await aborted.read();
  const reason = new Error("enough");
  stop.abort(reason);
  await assert.rejects(aborted.read(), reason);
});
