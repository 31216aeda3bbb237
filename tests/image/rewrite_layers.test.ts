import assert from "node:assert/strict";
import { test } from "node:test";
import { readAll, streamOf } from "../../lib/bytes/mod.ts";
import { gzip } from "../../lib/compress/mod.ts";
import {
  append,
  emptyImage,
  flatten,
  type Image,
  isBasedOn,
  layerFrom,
  loadImage,
  mutate,
  removeLayers,
  rewriteLayers,
  squash,
} from "../../lib/image/mod.ts";
import type { Bytes } from "../../lib/model/bytes.ts";
import type { Descriptor } from "../../lib/model/descriptor.ts";
import { push, validate } from "../../lib/ops/mod.ts";
import { memoryUploads } from "../../lib/server/mod.ts";
import { memoryStore } from "../../lib/store/mod.ts";
import { entry, imageOf, pathsOf, putImage, tarOf } from "./images.ts";

const LINUX = { os: "linux", architecture: "amd64" };
const zip = async (tar: Bytes): Promise<Bytes> =>
  await readAll(gzip(streamOf(tar)), { maxBytes: 1 << 20 });

async function timesOf(image: Image): Promise<number[]> {
  const times: number[] = [];
  for (const layer of await image.layers()) {
    for await (const { mtime } of layer.entries()) times.push(mtime);
  }
  return times;
}

const typesOf = async (image: Image): Promise<string[]> =>
  (await image.manifest()).layers.map(({ mediaType }) => mediaType.replace(/^.*\.tar/, "tar"));

const timed = (path: string, mtime: number) => entry({ path, mtime });

async function isValid(image: Image): Promise<void> {
  const store = memoryStore();
  await push(image, store, "1");
  assert.deepEqual((await validate(store, "1")).problems, []);
}

test("rewriteLayers() gives the room of its spools back when a later layer fails", async () => {
  const content = memoryStore();
  const image = await imageOf(["a=1"], ["b=2"], ["c=3"]);
  await push(image, content, "1");
  const [, , last] = (await image.manifest()).layers;
  assert.ok(last !== undefined);
  let held = 0;
  const spool = {
    async create() {
      held++;
      const made = await memoryUploads().create();
      return {
        append: (chunk: Bytes) => made.append(chunk),
        source: () => made.source(),
        async remove() {
          held--;
          await made.remove();
        },
      };
    },
  };
  const broken: typeof content = Object.assign(Object.create(content), {
    fetch: (target: Descriptor) =>
      target.digest === last.digest
        ? Promise.reject(new Error("the disk is broken"))
        : content.fetch(target),
  });
  const view = await loadImage(broken, await content.resolve("1"));
  const made = rewriteLayers(view, { compression: "zstd", spool });
  await assert.rejects(made.descriptor(), /the disk is broken/);
  assert.equal(held, 0);
});

test("rewriteLayers() takes files out of every layer, with what is below them", async () => {
  const image = await imageOf(
    ["var/", "var/cache/", "var/cache/x=1", "var/cached=2", "a=3"],
    ["var/cache/y=4", "var/.wh.cache"],
    ["b=5"],
  );
  const stripped = rewriteLayers(image, { strip: ["/var/cache/"] });
  assert.deepEqual(await pathsOf(stripped), ["a", "b", "var/", "var/cached"]);
  const [, , last] = (await stripped.manifest()).layers;
  assert.deepEqual(last, (await image.manifest()).layers[2]);
  await isValid(stripped);
  const same = rewriteLayers(image, { strip: ["nothing/here"] });
  assert.equal(await same.digest(), await image.digest());
});

test("rewriteLayers() refuses to take out what a hard link leads to", async () => {
  const image = await imageOf(["a=1", "b=>a"]);
  await assert.rejects(rewriteLayers(image, { strip: ["a"] }).digest(), RangeError);
  assert.deepEqual(await pathsOf(rewriteLayers(image, { strip: ["a", "b"] })), []);
  assert.throws(() => rewriteLayers(image, { strip: ["../a"] }), { code: "UNSAFE_PATH" });
});

test("rewriteLayers() sets times, or only clamps them", async () => {
  const image = await imageOf([timed("a", 5), timed("b", 50)], [timed("c", 5)]);
  assert.deepEqual(await timesOf(rewriteLayers(image, { mtime: 10 })), [10, 10, 10]);
  const clamped = rewriteLayers(image, { mtime: 10, clamp: true });
  assert.deepEqual(await timesOf(clamped), [5, 10, 5]);
  assert.deepEqual((await clamped.manifest()).layers[1], (await image.manifest()).layers[1]);
  await isValid(clamped);
  assert.throws(() => rewriteLayers(image, { mtime: "never" }), RangeError);
});

test("rewriteLayers() stores layers in another way, and keeps their diffIDs", async () => {
  const store = memoryStore();
  const tars = [await tarOf(["a=1"]), await tarOf(["b=2"])];
  const image = await loadImage(store, await putImage(store, tars, { compress: zip }));
  const plain = rewriteLayers(image, { compression: "none" });
  assert.deepEqual(await typesOf(plain), ["tar", "tar"]);
  assert.deepEqual(await plain.rawConfig(), await image.rawConfig());
  await isValid(plain);
  const back = rewriteLayers(plain, { compression: "gzip", spool: memoryUploads() });
  assert.equal(await back.digest(), await image.digest());
  assert.equal(
    await rewriteLayers(image, { compression: "gzip" }).digest(),
    await image.digest(),
  );
});

test("rewriteLayers() stores layers as zstd, and what is zstd stays so", async () => {
  const image = await imageOf(["a=1", "b=2"], ["c=3"]);
  const packed = rewriteLayers(image, { compression: "zstd", level: 9 });
  assert.deepEqual(await typesOf(packed), ["tar+zstd", "tar+zstd"]);
  assert.deepEqual(await packed.rawConfig(), await image.rawConfig());
  await isValid(packed);
  const edited = rewriteLayers(packed, { strip: ["b"] });
  assert.deepEqual(await typesOf(edited), ["tar+zstd", "tar+zstd"]);
  assert.deepEqual(await pathsOf(edited), ["a", "c"]);
  await isValid(edited);
  const again = rewriteLayers(packed, { compression: "zstd" });
  assert.equal(await again.digest(), await packed.digest());
});

test("zstd is refused in an image of Docker's format", async () => {
  const docker = mutate(await imageOf(["a=1"], ["b=2"]), { mediaTypes: "docker" });
  const layer = await layerFrom([{ path: "c" }], { compression: "zstd" });
  const compression = "zstd";
  const refused: readonly Image[] = [
    rewriteLayers(docker, { compression }),
    flatten(docker, { compression }),
    squash(docker, { compression }),
    append(docker, layer),
  ];
  for (const [number, image] of refused.entries()) {
    await assert.rejects(image.digest(), {
      code: "UNSUPPORTED_MEDIA_TYPE",
      mediaType: "application/vnd.oci.image.layer.v1.tar+zstd",
      message: "Cannot store the layer as zstd: the image has Docker's format, which has no such " +
        "layers; give the image the format oci first, or store the layer as gzip",
    }, `image ${number}`);
  }
  const converted = mutate(docker, { mediaTypes: "oci" });
  await isValid(append(rewriteLayers(converted, { compression }), layer));
});

test("rewriteLayers() leaves lower layers as they are", async () => {
  const base = await imageOf([timed("a", 5)]);
  const image = append(base, await layerFrom([{ path: "b" }], { mtime: 7 }));
  for (const from of [1, base]) {
    assert.deepEqual(await timesOf(rewriteLayers(image, { from, mtime: 1 })), [5, 1]);
  }
  const other = await imageOf(["other=1"]);
  await assert.rejects(rewriteLayers(image, { from: other, mtime: 1 }).digest(), {
    code: "NOT_BASED_ON",
  });
});

test("mutate() clamps times of documents and files", async () => {
  const image = mutate(
    append(
      emptyImage(LINUX),
      {
        layer: await layerFrom([timed("a", 5), timed("b", 50)], { mtime: "keep" }),
        history: { created: "1970-01-01T00:00:05Z", created_by: "old" },
      },
      { history: { created: "1970-01-01T00:00:50+00:00", created_by: "new" } },
      {
        history: { created_by: "none" },
      },
    ),
    { created: 50 },
  );
  const clamped = mutate(image, { timestamps: { time: 10, clamp: true, layers: true } });
  const { created, history } = await clamped.config();
  assert.equal(created, "1970-01-01T00:00:10Z");
  assert.deepEqual(history?.map((item) => item.created), [
    "1970-01-01T00:00:05Z",
    "1970-01-01T00:00:10Z",
    undefined,
  ]);
  assert.deepEqual(await timesOf(clamped), [5, 10]);
  const again = mutate(clamped, { timestamps: { time: 10, clamp: true, layers: true } });
  assert.equal(await again.digest(), await clamped.digest());
});

test("removeLayers() takes layers out, with what the history says of them", async () => {
  const layer = async (path: string) => ({
    layer: await layerFrom([{ path }]),
    history: { created_by: `RUN make ${path}` },
  });
  const env = { history: { created_by: "ENV" } };
  const image = append(
    emptyImage(LINUX),
    await layer("a"),
    env,
    await layer("secret"),
    await layer("c"),
  );
  const less = removeLayers(image, ({ history }) => history?.created_by?.includes("secret"));
  assert.deepEqual(await pathsOf(less), ["a", "c"]);
  assert.deepEqual((await less.config()).history?.map((item) => item.created_by), [
    "RUN make a",
    "ENV",
    "RUN make c",
  ]);
  await isValid(less);
  assert.deepEqual(await pathsOf(removeLayers(image, ({ index }) => index === 0)), ["c", "secret"]);
  assert.equal(await removeLayers(image, () => false).digest(), await image.digest());
});

test("isBasedOn() compares the lowest layers", async () => {
  const base = await imageOf(["a=1"], ["b=2"]);
  const image = append(base, await layerFrom([{ path: "c" }]));
  assert.equal(await isBasedOn(image, base), true);
  assert.equal(await isBasedOn(base, image), false);
  assert.equal(await isBasedOn(image, await imageOf(["b=2"])), false);
  assert.equal(await isBasedOn(image, emptyImage(LINUX)), true);
});
