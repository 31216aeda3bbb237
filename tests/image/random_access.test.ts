import { test } from "node:test";
import assert from "node:assert/strict";
import { concatBytes, readAll, streamOf } from "../../lib/bytes/mod.ts";
import { decodeCheckpoints, encodeCheckpoints, gzip } from "../../lib/compress/mod.ts";
import { digestBytes } from "../../lib/hash/mod.ts";
import { checkpointCache, type Checkpoints, loadRootfs, openLayer } from "../../lib/image/mod.ts";
import type { Bytes } from "../../lib/model/bytes.ts";
import { DigestMismatchError, isLadingError } from "../../lib/model/errors.ts";
import { memoryStore } from "../../lib/store/mod.ts";
import type { TarInput } from "../../lib/tar/mod.ts";
import { corpusBytes } from "../support/corpus.ts";
import { tarOf, textOf } from "./images.ts";
import { noise, observedImage, type TableLayer } from "./table_layers.ts";

async function gzipLayer(tar: Bytes): Promise<TableLayer> {
  const bytes = await readAll(gzip(streamOf(tar), { level: 1 }), { maxBytes: 1 << 28 });
  return { bytes, diffID: digestBytes("sha256", tar), annotations: {}, tableOffset: 0 };
}

const FILES: readonly TarInput[] = Array.from({ length: 9 }, (_, index) => ({
  path: `data/${index}`,
  body: concatBytes([noise(900_000, index + 1), new TextEncoder().encode(`end of ${index}`)]),
}));

test("with checkpoints a layer is read once, and then only what is around a file", async () => {
  const layer = await gzipLayer(await tarOf(FILES));
  const { image, fetched, bytes } = await observedImage(layer);
  const checkpoints = checkpointCache({ everyBytes: 65_536 });
  const first = await image.readFile("data/8", { checkpoints });
  assert.equal(digestBytes("sha256", first), digestBytes("sha256", FILES[8]?.body as Bytes));
  assert.equal(fetched.filter((range) => range === "whole").length, 1);
  assert.equal(fetched.length, 2);
  for (const index of [0, 4, 8]) {
    const before = bytes();
    const file = await image.readFile(`data/${index}`, { checkpoints });
    assert.equal(digestBytes("sha256", file), digestBytes("sha256", FILES[index]?.body as Bytes));
    assert.ok(bytes() - before < 1.2 * file.length, `${bytes() - before} bytes of file ${index}`);
  }
  assert.equal(fetched.length, 5);
});

test("without a cache for checkpoints a layer is read whole, as ever", async () => {
  const { image, fetched } = await observedImage(await gzipLayer(await tarOf(["a=1", "b=2"])));
  assert.equal(await textOf(image, "b"), "2");
  assert.deepEqual(fetched, ["whole", "whole"]);
});

test("a tree that was read without checkpoints takes them at the next file", async () => {
  const { image, fetched } = await observedImage(
    await gzipLayer(await tarOf(["a=1", "b=2", "c->b"])),
  );
  await image.rootfs();
  const checkpoints = new Map<string, Checkpoints>();
  for (const path of ["a", "b", "c"]) {
    const expected = path === "a" ? "1" : "2";
    const file = await image.readFile(path, { checkpoints });
    assert.equal(new TextDecoder().decode(file), expected);
  }
  assert.equal(checkpoints.size, 1);
  assert.equal(fetched.filter((range) => range === "whole").length, 2);
});

test("checkpoints that were saved serve another view", async () => {
  const layer = await gzipLayer(await tarOf(FILES.slice(0, 6)));
  const first = await observedImage(layer);
  const cache = checkpointCache();
  await first.image.rootfs({ checkpoints: cache });
  const saved = [...cache.entries()].map(([digest, points]) =>
    [digest, encodeCheckpoints(points)] as const
  );
  const files = new Map(saved);
  const checkpoints = {
    get: async (digest: string) => {
      const bytes = await Promise.resolve(files.get(digest));
      return bytes === undefined ? undefined : decodeCheckpoints(bytes);
    },
    set: () => assert.fail("there are checkpoints already"),
  };
  const second = await observedImage(layer);
  const rootfs = await second.image.rootfs();
  second.fetched.length = 0;
  const file = await rootfs.readFile("data/5", { checkpoints });
  assert.equal(digestBytes("sha256", file), digestBytes("sha256", FILES[5]?.body as Bytes));
  assert.ok(second.fetched.length === 1 && second.fetched[0] !== "whole");
});

test("checkpoints of another layer are not used", async () => {
  const small = await gzipLayer(await tarOf(["a=1"]));
  const other = await observedImage(await gzipLayer(await tarOf(["a=other", "b=2"])));
  const cache = checkpointCache();
  await other.image.rootfs({ checkpoints: cache });
  const [, wrong] = [...cache.entries()][0] ?? [];
  const { image, fetched } = await observedImage(small);
  const checkpoints = new Map([[digestBytes("sha256", small.bytes), wrong as Checkpoints]]);
  assert.equal(new TextDecoder().decode(await image.readFile("a", { checkpoints })), "1");
  assert.ok(fetched.includes("whole"));
});

test("checkpoints that end before a file are not used for it", async () => {
  const layer = await gzipLayer(await tarOf(["a=1", "b=2"]));
  const { image, fetched } = await observedImage(layer);
  const cache = checkpointCache();
  await image.rootfs({ checkpoints: cache });
  const [[digest, known] = assert.fail("there are none")] = cache.entries();
  const checkpoints = new Map([[digest, { ...known, size: 1500 }]]);
  fetched.length = 0;
  assert.equal(new TextDecoder().decode(await image.readFile("b", { checkpoints })), "2");
  assert.ok(fetched.includes("whole"));
});

test("bytes that changed since the checkpoints were taken are refused", async () => {
  const layer = await gzipLayer(await tarOf(FILES.slice(0, 2)));
  const store = memoryStore();
  const digest = digestBytes("sha256", layer.bytes);
  const mediaType = "application/vnd.oci.image.layer.v1.tar+gzip";
  const descriptor = { mediaType, digest, size: layer.bytes.length };
  await store.push(descriptor, layer.bytes);
  const { image } = await observedImage(layer);
  const checkpoints = checkpointCache();
  await image.rootfs({ checkpoints });
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
  const error = await rootfs.readFile("data/0", { checkpoints }).catch((caught: unknown) => caught);
  assert.ok(error instanceof DigestMismatchError || isLadingError(error), String(error));
});

test("a sparse file is read by reading its layer", async () => {
  const tar = new Uint8Array(await corpusBytes("go-archive-tar/sparse-formats.tar"));
  const { image, fetched } = await observedImage(await gzipLayer(tar));
  const checkpoints = checkpointCache();
  for await (const { path, type } of image.files({ checkpoints })) {
    if (type !== "file") continue;
    const whole = await image.readFile(path);
    const wholes = fetched.filter((range) => range === "whole").length;
    const file = await image.readFile(path, { checkpoints });
    assert.equal(digestBytes("sha256", file), digestBytes("sha256", whole), path);
    if (path.startsWith("sparse")) {
      assert.equal(fetched.filter((range) => range === "whole").length, wholes + 1, path);
    }
  }
});

test("a layer that is no gzip in spite of its media type is read all the same", async () => {
  const tar = await tarOf(["a=1"]);
  const layer = { bytes: tar, diffID: digestBytes("sha256", tar), annotations: {}, tableOffset: 0 };
  const { image } = await observedImage(layer);
  const checkpoints = checkpointCache();
  assert.equal(new TextDecoder().decode(await image.readFile("a", { checkpoints })), "1");
  assert.equal([...checkpoints.entries()].length, 0);
});

test("a full cache forgets what was not used for longest", () => {
  const history = new Uint8Array(32_768);
  const point = { compressedOffset: 0, bit: 0, offset: 0, isMember: true, history, digest: "" };
  const some = (count: number) => ({
    points: new Array<typeof point>(count).fill(point),
    compressedSize: 1,
    size: 1,
  });
  const cache = checkpointCache({ maxBytes: 140_000 });
  for (const name of ["a", "b", "c", "d"]) cache.set(name, some(1));
  cache.get("a");
  cache.set("e", some(1));
  assert.deepEqual([...cache.entries()].map(([name]) => name), ["c", "d", "a", "e"]);
  cache.set("large", some(5));
  assert.equal(cache.get("large"), undefined);
  cache.set("f", some(4));
  assert.deepEqual([...cache.entries()].map(([name]) => name), ["f"]);
  cache.set("f", some(1));
  cache.set("g", some(3));
  assert.deepEqual([...cache.entries()].map(([name]) => name), ["f", "g"]);
});
