import { test } from "node:test";
import assert from "node:assert/strict";
import { concatBytes, iterate, readAll, streamOf } from "../../lib/bytes/mod.ts";
import { gzip } from "../../lib/compress/mod.ts";
import { digestBytes } from "../../lib/hash/mod.ts";
import {
  append,
  diff,
  exportRootfs,
  layerFrom,
  loadImage,
  loadRootfs,
  type MemoryLayerIndexes,
  memoryLayerIndexes,
  openLayer,
} from "../../lib/image/mod.ts";
import type { Bytes } from "../../lib/model/bytes.ts";
import { ContentError, DigestMismatchError, isLadingError } from "../../lib/model/errors.ts";
import { memoryStore } from "../../lib/store/mod.ts";
import type { TarInput } from "../../lib/tar/mod.ts";
import { corpusBytes, corpusList } from "../support/corpus.ts";
import { entry, put, tarOf, textOf } from "./images.ts";
import {
  estargzLayer,
  noise,
  observedImage,
  putTableImage,
  type TableLayer,
  zstdChunkedLayer,
} from "./table_layers.ts";

async function gzipLayer(tar: Bytes): Promise<TableLayer> {
  const bytes = await readAll(gzip(streamOf(tar), { level: 1 }), { maxBytes: 1 << 28 });
  return { bytes, diffID: digestBytes("sha256", tar), annotations: {}, tableOffset: 0 };
}

const FILES: readonly TarInput[] = Array.from({ length: 9 }, (_, index) => ({
  path: `data/${index}`,
  body: concatBytes([noise(900_000, index + 1), new TextEncoder().encode(`end of ${index}`)]),
}));

test("with an index a layer is read once, and then only what is around a file", async () => {
  const layer = await gzipLayer(await tarOf(FILES));
  const { image, fetched, bytes } = await observedImage(layer);
  const layerIndexes = memoryLayerIndexes({ everyBytes: 65_536 });
  const first = await image.readFile("data/8", { layerIndexes });
  assert.equal(digestBytes("sha256", first), digestBytes("sha256", FILES[8]?.body as Bytes));
  assert.equal(fetched.filter((range) => range === "whole").length, 1);
  assert.equal(fetched.length, 2);
  for (const index of [0, 4, 8]) {
    const before = bytes();
    const file = await image.readFile(`data/${index}`, { layerIndexes });
    assert.equal(digestBytes("sha256", file), digestBytes("sha256", FILES[index]?.body as Bytes));
    assert.ok(bytes() - before < 1.2 * file.length, `${bytes() - before} bytes of file ${index}`);
  }
  assert.equal(fetched.length, 5);
});

test("without a place for indexes a layer is read whole, as ever", async () => {
  const { image, fetched } = await observedImage(await gzipLayer(await tarOf(["a=1", "b=2"])));
  assert.equal(await textOf(image, "b"), "2");
  assert.deepEqual(fetched, ["whole", "whole"]);
});

test("a layer whose tree was read without indexes gets one at the next file", async () => {
  const { image, fetched } = await observedImage(
    await gzipLayer(await tarOf(["a=1", "b=2", "c->b"])),
  );
  await image.rootfs();
  const layerIndexes = new Map<string, Bytes>();
  for (const path of ["a", "b", "c"]) {
    const expected = path === "a" ? "1" : "2";
    const file = await image.readFile(path, { layerIndexes });
    assert.equal(new TextDecoder().decode(file), expected);
  }
  assert.equal(layerIndexes.size, 1);
  assert.equal(fetched.filter((range) => range === "whole").length, 2);
});

test("with indexes that were saved another view reads one range of one layer", async () => {
  const layers = [
    await gzipLayer(await tarOf(FILES.slice(0, 6))),
    await gzipLayer(await tarOf(["data/.wh.4", "above=1"])),
  ];
  const indexes = memoryLayerIndexes();
  const first = await observedImage(...layers);
  for await (const _ of first.image.files({ layerIndexes: indexes }));
  const layerIndexes = {
    get: (digest: string) => Promise.resolve(new Map(indexes.entries()).get(digest)),
    set: () => assert.fail("there are indexes already"),
  };
  const { image, fetched } = await observedImage(...layers);
  const file = await image.readFile("data/5", { layerIndexes });
  assert.equal(digestBytes("sha256", file), digestBytes("sha256", FILES[5]?.body as Bytes));
  assert.ok(fetched.length === 1 && fetched[0] !== "whole", fetched.join());
  await assert.rejects(image.readFile("data/4", { layerIndexes }), { code: "NOT_FOUND" });
  assert.equal(fetched.length, 1);
});

test("an index of another layer counts as none, and is replaced", async () => {
  const other = await observedImage(await gzipLayer(await tarOf(["a=other", "b=2"])));
  const others = memoryLayerIndexes();
  await other.image.rootfs({ layerIndexes: others });
  const [, wrong] = [...others.entries()][0] ?? assert.fail("there is none");
  const small = await gzipLayer(await tarOf(["a=1"]));
  const digest = digestBytes("sha256", small.bytes);
  const { image, fetched } = await observedImage(small);
  const layerIndexes = new Map([[digest, wrong]]);
  assert.equal(new TextDecoder().decode(await image.readFile("a", { layerIndexes })), "1");
  assert.ok(fetched.includes("whole"));
  assert.notEqual(layerIndexes.get(digest), wrong);
});

test("a damaged index counts as none, whatever byte of it is another one or missing", async () => {
  const layer = await gzipLayer(await tarOf(["a=1", "b=2"]));
  const digest = digestBytes("sha256", layer.bytes);
  const kept = memoryLayerIndexes();
  await (await observedImage(layer)).image.rootfs({ layerIndexes: kept });
  const good = kept.get(digest) ?? assert.fail("there is none");
  const flipped = Array.from(good, (byte, at) => {
    const bytes = good.slice();
    bytes[at] = byte ^ 1 << at % 8;
    return bytes;
  });
  const cut = [...good.keys()].filter((at) => at % 16 === 0).map((at) => good.slice(0, at));
  for (const bad of [...flipped, ...cut, concatBytes([good, good.slice(-1)])]) {
    const layerIndexes = new Map([[digest, bad]]);
    const { image } = await observedImage(layer);
    assert.equal(new TextDecoder().decode(await image.readFile("b", { layerIndexes })), "2");
    assert.deepEqual(layerIndexes.get(digest), good);
  }
});

test("an index does not hide that a config says something else about its layer", async () => {
  const layer = await gzipLayer(await tarOf(["a=1"]));
  const layerIndexes = memoryLayerIndexes();
  await (await observedImage(layer)).image.rootfs({ layerIndexes });
  const { image } = await observedImage({ ...layer, diffID: digestBytes("sha256", layer.bytes) });
  await assert.rejects(image.readFile("a", { layerIndexes }), DigestMismatchError);
});

test("an index does not hide that a manifest says something else about the size of its layer", async () => {
  const layer = await gzipLayer(await tarOf(["a=1"]));
  const layerIndexes = memoryLayerIndexes();
  const store = memoryStore();
  const descriptor = await putTableImage(store, [layer]);
  await (await loadImage(store, descriptor)).rootfs({ layerIndexes });
  const { config, layers: [stored] } = await (await loadImage(store, descriptor)).manifest();
  const other = await put(store, descriptor.mediaType, {
    schemaVersion: 2,
    mediaType: descriptor.mediaType,
    config,
    layers: [{ ...stored, size: layer.bytes.length + 1 }],
  });
  const image = await loadImage(store, other);
  await assert.rejects(image.rootfs({ layerIndexes }), ContentError);
});

test("layers that were just made are read as ever, and get no index before they are stored", async () => {
  const { image } = await observedImage(await gzipLayer(await tarOf(["a=1"])));
  const layerIndexes = memoryLayerIndexes();
  const made = append(image, await layerFrom([entry("b=2")]));
  for (let times = 0; times < 2; times++) {
    for (const [path, expected] of [["b", "2"], ["a", "1"]] as const) {
      const file = await made.readFile(path, { layerIndexes });
      assert.equal(new TextDecoder().decode(file), expected);
    }
  }
  const [stored] = await image.layers();
  for (const [digest] of layerIndexes.entries()) assert.equal(digest, stored?.descriptor().digest);
});

test("an abort ends the reading of a layer whose index is made", async () => {
  const layer = await gzipLayer(await tarOf(["a=1"]));
  const store = memoryStore();
  const descriptor = await putTableImage(store, [layer]);
  const controller = new AbortController();
  const reason = new Error("enough");
  const image = await loadImage({
    exists: (target, options) => store.exists(target, options),
    fetch(target, options) {
      if (target.size !== layer.bytes.length) return store.fetch(target, options);
      setTimeout(() => controller.abort(reason), 1);
      return Promise.resolve(new ReadableStream<Bytes>({ pull: () => new Promise(() => {}) }));
    },
  }, descriptor);
  for (const options of [{ layerIndexes: memoryLayerIndexes() }, {}]) {
    const reading = image.rootfs({ ...options, signal: controller.signal });
    assert.equal(await reading.catch((error: unknown) => error), reason);
  }
});

test("who cancels a file cancels its layer, whose index is not made then", async () => {
  const layer = await gzipLayer(await tarOf(FILES.slice(0, 3)));
  const store = memoryStore();
  const descriptor = await putTableImage(store, [layer]);
  const cancelled: unknown[] = [];
  let isRead = false;
  const image = await loadImage({
    exists: (target, options) => store.exists(target, options),
    fetch(target, options) {
      if (!isRead || target.size !== layer.bytes.length) return store.fetch(target, options);
      const stream = new ReadableStream<Bytes>({
        start: (controller) => controller.enqueue(layer.bytes.slice(0, -8)),
        cancel: (reason) => void cancelled.push(reason),
      });
      return Promise.resolve(stream);
    },
  }, descriptor);
  const rootfs = await image.rootfs();
  isRead = true;
  for (const options of [{ layerIndexes: memoryLayerIndexes() }, {}]) {
    await (await rootfs.openFile("data/0", options)).cancel("enough");
    assert.deepEqual(cancelled.splice(0), ["enough"]);
  }
});

test("no index is kept of a layer that was not read to its end, or is not what it should be", async () => {
  const layer = await gzipLayer(await tarOf(FILES.slice(0, 3)));
  const layerIndexes = memoryLayerIndexes();
  const { image } = await observedImage(layer);
  const rootfs = await image.rootfs();
  await (await rootfs.openFile("data/0", { layerIndexes })).cancel();
  const wrong = await observedImage({ ...layer, diffID: digestBytes("sha256", layer.bytes) });
  await assert.rejects(wrong.image.rootfs({ layerIndexes }), DigestMismatchError);
  assert.deepEqual([...layerIndexes.entries()], []);
});

test("an index makes the tree that its layer makes, and the same export", async () => {
  const names = (await corpusList("go-archive-tar")).filter((name) => name.endsWith(".tar"));
  let compared = 0;
  for (const name of names) {
    const layer = await gzipLayer(new Uint8Array(await corpusBytes(name)));
    const expected = await treeOf(layer);
    if (expected === undefined) continue;
    const layerIndexes = memoryLayerIndexes();
    assert.deepEqual(await treeOf(layer, layerIndexes), expected, `${name}, when it is made`);
    assert.equal([...layerIndexes.entries()].length, 1, name);
    assert.deepEqual(await treeOf(layer, layerIndexes), expected, `${name}, by its index`);
    compared++;
  }
  assert.ok(compared > 15, `${compared} archives`);
});

/** The tree and the export of a layer; nothing when it cannot be one. */
async function treeOf(
  layer: TableLayer,
  layerIndexes?: MemoryLayerIndexes,
): Promise<unknown> {
  const isKept = layerIndexes?.get(digestBytes("sha256", layer.bytes)) !== undefined;
  const { image, fetched } = await observedImage(layer);
  try {
    const entries = [...(await image.rootfs({ layerIndexes })).entries()];
    assert.equal(fetched.length, isKept ? 0 : 1);
    const archive = exportRootfs(image, { layerIndexes });
    return {
      entries,
      archive: digestBytes("sha256", await readAll(archive, { maxBytes: 1 << 26 })),
    };
  } catch (error) {
    if (isLadingError(error)) return undefined;
    throw error;
  }
}

test("two images are compared by their indexes", async () => {
  const below = await gzipLayer(await tarOf(FILES.slice(0, 2)));
  const above = await gzipLayer(await tarOf(["new=1", "data/.wh.0"]));
  const layerIndexes = memoryLayerIndexes();
  for (const wholes of [2, 0]) {
    const [before, after] = [await observedImage(below), await observedImage(below, above)];
    const changes: string[] = [];
    for await (const { change, path } of diff(before.image, after.image, { layerIndexes })) {
      changes.push(`${change} ${path}`);
    }
    assert.deepEqual(changes, ["deleted data/0", "added new"]);
    assert.equal(before.fetched.length + after.fetched.length, wholes);
  }
});

test("bytes that changed since the index was made are refused, and none of them is given", async () => {
  const layer = await gzipLayer(await tarOf([...FILES.slice(0, 2), "short=1"]));
  const store = memoryStore();
  const digest = digestBytes("sha256", layer.bytes);
  const mediaType = "application/vnd.oci.image.layer.v1.tar+gzip";
  const descriptor = { mediaType, digest, size: layer.bytes.length };
  await store.push(descriptor, layer.bytes);
  const { image } = await observedImage(layer);
  const layerIndexes = memoryLayerIndexes();
  await image.rootfs({ layerIndexes });
  let isChanged = false;
  const source = {
    exists: () => Promise.resolve(true),
    fetch: async (...[target, options]: Parameters<typeof store.fetch>) => {
      const bytes = await readAll(await store.fetch(target, options), { maxBytes: 1 << 26 });
      const changed = bytes.slice();
      if (isChanged) changed[1000] = (changed[1000] ?? 0) ^ 1;
      return streamOf(changed);
    },
  };
  const rootfs = await loadRootfs([openLayer(source, descriptor, layer.diffID)]);
  isChanged = true;
  for (const path of ["data/0", "short"]) {
    let given = 0;
    const read = async () => {
      for await (const chunk of iterate(await rootfs.openFile(path, { layerIndexes }))) {
        given += chunk.byteLength;
      }
    };
    await assert.rejects(read(), DigestMismatchError);
    assert.equal(given, 0, path);
  }
});

test("a sparse file is read by reading its layer", async () => {
  const tar = new Uint8Array(await corpusBytes("go-archive-tar/sparse-formats.tar"));
  const { image, fetched } = await observedImage(await gzipLayer(tar));
  const layerIndexes = memoryLayerIndexes();
  for await (const { path, type } of image.files({ layerIndexes })) {
    if (type !== "file") continue;
    const whole = await image.readFile(path);
    const wholes = fetched.filter((range) => range === "whole").length;
    const file = await image.readFile(path, { layerIndexes });
    assert.equal(digestBytes("sha256", file), digestBytes("sha256", whole), path);
    if (path.startsWith("sparse")) {
      assert.equal(fetched.filter((range) => range === "whole").length, wholes + 1, path);
    }
  }
});

test("of a layer that is no gzip, whatever its media type says, the tree is kept", async () => {
  const tar = await tarOf(["a=1", "b=2"]);
  const layers = [
    { bytes: tar, diffID: digestBytes("sha256", tar), annotations: {}, tableOffset: 0 },
    { ...await zstdChunkedLayer(["a=1", "b=2"].map(entry)), annotations: {} },
  ];
  for (const layer of layers) {
    const layerIndexes = memoryLayerIndexes();
    for (const wholes of [2, 1]) {
      const { image, fetched } = await observedImage(layer);
      assert.equal(new TextDecoder().decode(await image.readFile("a", { layerIndexes })), "1");
      assert.deepEqual(fetched, new Array(wholes).fill("whole"));
    }
  }
});

test("a table of contents serves a file that an index cannot, and an index needs no table", async () => {
  const body = noise(300_000);
  for (const make of [estargzLayer, zstdChunkedLayer]) {
    const layer = await make([{ path: "a", body }, { path: "b", body: noise(300_000, 2) }]);
    const layerIndexes = memoryLayerIndexes({ everyBytes: 65_536 });
    await (await observedImage(layer)).image.rootfs({ layerIndexes });
    const { image, fetched, bytes } = await observedImage(layer);
    assert.deepEqual(await image.readFile("a", { layerIndexes }), body);
    assert.ok(!fetched.includes("whole") && bytes() < 500_000, `${make.name}: ${fetched.join()}`);
    assert.equal(fetched.length === 1, make === estargzLayer, fetched.join());
  }
});

test("an index is the same on every runtime, and another format is another version", async () => {
  const layer = await gzipLayer(await tarOf(["a=1", "dir/", "b->a", "dir/c=>a", "é=2"]));
  const layerIndexes = memoryLayerIndexes();
  await (await observedImage(layer)).image.rootfs({ layerIndexes });
  const digests = [...layerIndexes.entries()].map(([, index]) => digestBytes("sha256", index));
  // With another digest, FORMAT in lib/image/_layer_index.ts has to be another one too.
  assert.deepEqual(digests, [
    "sha256:0c3638deb7de5ddfe36d7349a82f4bc42a429686583de96bcf7ca74106ff121f",
  ]);
});

test("with threads an index is used, and none is made", async () => {
  const layer = await gzipLayer(await tarOf(["a=1", "b=2"]));
  const layerIndexes = memoryLayerIndexes();
  const threads = { size: 2, minBytes: 0, take: () => Promise.resolve(undefined) };
  const { image, fetched } = await observedImage(layer);
  const layers = await image.layers();
  const inThreads = await loadRootfs(layers, { layerIndexes, threads });
  assert.deepEqual([...layerIndexes.entries()], []);
  const here = await loadRootfs(layers, { layerIndexes });
  fetched.length = 0;
  const indexed = await loadRootfs(layers, { layerIndexes, threads });
  for (const rootfs of [here, indexed]) {
    assert.deepEqual([...rootfs.entries()], [...inThreads.entries()]);
  }
  assert.deepEqual(fetched, []);
});

test("timers fire while a large tree is made of an index, and an abort ends it", async () => {
  const layer = await gzipLayer(
    await tarOf(Array.from({ length: 30_000 }, (_, index) => `${index >> 8}-${index}=`)),
  );
  const layerIndexes = memoryLayerIndexes();
  await (await observedImage(layer)).image.rootfs({ layerIndexes });
  const { image, fetched } = await observedImage(layer);
  const layers = await image.layers();
  // To read the index may let them fire as well, but no more than once.
  let fired = 0;
  const fire = (): void => {
    fired++;
    timer = setTimeout(fire, 0);
  };
  let timer = setTimeout(fire, 0);
  await loadRootfs(layers, { layerIndexes });
  clearTimeout(timer);
  assert.ok(fired > 1, `${fired}`);
  const controller = new AbortController();
  const reason = new Error("enough");
  setTimeout(() => controller.abort(reason), 0);
  const aborted = loadRootfs(layers, { layerIndexes, signal: controller.signal });
  assert.equal(await aborted.catch((error: unknown) => error), reason);
  assert.deepEqual(fetched, []);
});

test("indexes in memory that have no more room forget what was not used for longest", () => {
  const some = (count: number) => new Uint8Array(33_000 * count);
  const indexes = memoryLayerIndexes({ maxBytes: 132_000 });
  for (const name of ["a", "b", "c", "d"]) indexes.set(name, some(1));
  indexes.get("a");
  indexes.set("e", some(1));
  assert.deepEqual([...indexes.entries()].map(([name]) => name), ["c", "d", "a", "e"]);
  indexes.set("large", some(5));
  assert.deepEqual([...indexes.entries()].map(([name]) => name), ["c", "d", "a", "e"]);
  indexes.set("f", some(4));
  assert.deepEqual([...indexes.entries()].map(([name]) => name), ["f"]);
  indexes.set("f", some(1));
  indexes.set("g", some(3));
  assert.deepEqual([...indexes.entries()].map(([name]) => name), ["f", "g"]);
});
