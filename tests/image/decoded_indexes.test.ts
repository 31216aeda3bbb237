import { test } from "node:test";
import assert from "node:assert/strict";
import { readAll, streamOf } from "../../lib/bytes/mod.ts";
import type { Checkpoint } from "../../lib/compress/checkpoint.ts";
import { gzip } from "../../lib/compress/mod.ts";
import { digestBytes } from "../../lib/hash/mod.ts";
import { DecodedIndexes } from "../../lib/image/_decoded_indexes.ts";
import { IndexRecorder } from "../../lib/image/_layer_index.ts";
import { type Layer, type LayerIndexes, openLayer } from "../../lib/image/mod.ts";
import { MEDIA_TYPE_OCI_LAYER_GZIP } from "../../lib/model/mod.ts";
import type { Bytes } from "../../lib/model/bytes.ts";
import { memoryStore } from "../../lib/store/mod.ts";
import { tarOf } from "./images.ts";
import { observedImage, type TableLayer } from "./table_layers.ts";

async function gzipLayer(names: readonly string[]): Promise<TableLayer> {
  const tar = await tarOf(names.map((name) => `${name}=content of ${name}`));
  const bytes = await readAll(gzip(streamOf(tar)), { maxBytes: 1 << 20 });
  return { bytes, diffID: digestBytes("sha256", tar), annotations: {}, tableOffset: 0 };
}

/** Indexes that say which ones were asked for. */
function countedIndexes(): LayerIndexes & { readonly kept: Map<string, Bytes>; asked: string[] } {
  const kept = new Map<string, Bytes>();
  const asked: string[] = [];
  return {
    kept,
    asked,
    get(digest) {
      asked.push(digest);
      return kept.get(digest);
    },
    set: (digest, index) => kept.set(digest, index),
  };
}

test("many files of a tree take the index of each layer once, one by one or all at a time", async () => {
  const names = Array.from({ length: 20 }, (_, number) => `file${number}`);
  const [lower, upper] = [await gzipLayer(names.slice(0, 10)), await gzipLayer(names.slice(10))];
  const layerIndexes = countedIndexes();
  const first = await observedImage(lower, upper);
  await first.image.rootfs({ layerIndexes });
  const rootfs = await (await observedImage(lower, upper)).image.rootfs({ layerIndexes });
  layerIndexes.asked.length = 0;
  const read = async (name: string) => {
    const file = await rootfs.readFile(name, { layerIndexes });
    assert.equal(new TextDecoder().decode(file), `content of ${name}`);
  };
  await Promise.all(names.map(read));
  // From one layer to the other and back.
  for (let at = 0; at < 10; at++) {
    for (const name of [names[at], names[at + 10]]) await read(name ?? "");
  }
  const digests = [lower, upper].map(({ bytes }) => digestBytes("sha256", bytes));
  assert.deepEqual(layerIndexes.asked.sort(), digests.sort());
});

test("an index that was not there is asked for again, and other indexes are asked themselves", async () => {
  const layer = await gzipLayer(["a", "b"]);
  const { image, fetched } = await observedImage(layer);
  const rootfs = await image.rootfs();
  const layerIndexes = countedIndexes();
  for (const path of ["a", "b", "a", "b"]) await rootfs.readFile(path, { layerIndexes });
  // The first finds none, and reads the layer; the second finds what that has made.
  assert.equal(layerIndexes.asked.length, 2);
  assert.equal(fetched.filter((range) => range === "whole").length, 2);
  const others = countedIndexes();
  await rootfs.readFile("a", { layerIndexes: others });
  assert.equal(others.asked.length, 1);
  assert.equal(others.kept.size, 1);
});

test("indexes that fail are asked again", async () => {
  const { image } = await observedImage(await gzipLayer(["a"]));
  const rootfs = await image.rootfs();
  const failure = new Error("the disk is gone");
  let asked = 0;
  const layerIndexes: LayerIndexes = {
    get() {
      asked++;
      throw failure;
    },
    set: () => assert.fail("nothing was read"),
  };
  for (let times = 1; times <= 2; times++) {
    const error = await rootfs.openFile("a", { layerIndexes }).catch((error: unknown) => error);
    assert.equal(error, failure);
    assert.equal(asked, times);
  }
});

test("of decoded indexes no more is kept than 32 MiB: what was not used for longest makes room", async () => {
  const indexes = countedIndexes();
  const layers: Layer[] = [];
  for (const [number, points] of [400, 400, 400, 1200].entries()) {
    const descriptor = {
      mediaType: MEDIA_TYPE_OCI_LAYER_GZIP,
      digest: digestBytes("sha256", Uint8Array.of(number)),
      size: 1 << 30,
    };
    layers.push(openLayer(memoryStore(), descriptor));
    indexes.kept.set(descriptor.digest, await indexWith(points, descriptor));
  }
  const decoded = new DecodedIndexes();
  const asks = async (number: number): Promise<boolean> => {
    const before = indexes.asked.length;
    const index = await decoded.of(layers[number] ?? assert.fail(), indexes);
    assert.equal(index?.checkpoints?.points.length, number === 3 ? 1200 : 400);
    return indexes.asked.length > before;
  };
  const rounds: readonly (readonly [layer: number, isAsked: boolean])[] = [
    [0, true],
    [1, true],
    [0, false],
    [2, true],
    [0, false],
    [1, true],
    [2, true],
    [3, true],
    [3, true],
    [2, false],
  ];
  for (const [at, [layer, isAsked]] of rounds.entries()) {
    assert.equal(await asks(layer), isAsked, `step ${at}`);
  }
});

/** Makes an index with checkpoints of 32 KiB each. */
async function indexWith(
  count: number,
  layer: { readonly digest: string; readonly size: number },
): Promise<Bytes> {
  const history = new Uint8Array(32_768);
  const digest = digestBytes("sha256", history);
  const points = Array.from({ length: count }, (_, number): Checkpoint => ({
    compressedOffset: number * 1000,
    bit: 0,
    offset: number * 65_536,
    isMember: number === 0,
    history: number === 0 ? new Uint8Array() : history,
    digest,
  }));
  const checkpoints = { points, compressedSize: layer.size, size: count * 65_536 };
  const index = await new IndexRecorder().finish({ ...layer, diffID: undefined }, checkpoints);
  return index ?? assert.fail("the index is too large");
}
