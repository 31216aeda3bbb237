import assert from "node:assert/strict";
import { test } from "node:test";
import {
  append,
  emptyImage,
  type Image,
  layerFrom,
  loadImage,
  mutate,
  rebase,
} from "../../lib/image/mod.ts";
import type { Bytes } from "../../lib/model/bytes.ts";
import { validate } from "../../lib/ops/mod.ts";
import { push } from "../../lib/ops/push.ts";
import { memoryStore } from "../../lib/store/mod.ts";
import { gzip } from "../../lib/compress/mod.ts";
import { readAll, streamOf } from "../../lib/bytes/mod.ts";
import { imageOf, pathsOf, putImage, tarOf, textOf } from "./images.ts";

const text = (value: string): Bytes => new TextEncoder().encode(value);

async function built(base: Image, name: string): Promise<Image> {
  const layer = await layerFrom([{ path: name, body: text(name) }]);
  return append(base, { layer, history: { created_by: `add ${name}` } });
}

const commands = async (image: Image): Promise<(string | undefined)[]> =>
  ((await image.config()).history ?? []).map((entry) => entry.created_by);

async function bases(): Promise<{ oldBase: Image; newBase: Image }> {
  const oldBase = append(
    await built(emptyImage({ os: "linux", architecture: "amd64" }), "old"),
    { history: { created_by: "CMD old" } },
  );
  const arm = emptyImage({ os: "linux", architecture: "arm", variant: "v7" }, "docker");
  const newBase = await built(await built(arm, "new1"), "new2");
  return { oldBase, newBase };
}

test("rebase() puts the upper layers on the new base", async () => {
  const { oldBase, newBase } = await bases();
  const app = mutate(
    append(await built(oldBase, "app"), { history: { created_by: "CMD app" } }),
    { cmd: ["/app"], annotations: { mine: "yes" }, author: "me" },
  );
  const image = rebase(app, { oldBase, newBase, newBaseName: "docker.io/library/new:2" });
  assert.deepEqual(await pathsOf(image), ["app", "new1", "new2"]);
  const config = await image.config();
  assert.deepEqual(await image.platform(), { os: "linux", architecture: "arm", variant: "v7" });
  assert.deepEqual(config.config?.Cmd, ["/app"]);
  assert.equal(config.author, "me");
  assert.deepEqual(await commands(image), ["add new1", "add new2", "add app", "CMD app"]);
  const manifest = await image.manifest();
  assert.equal(image.mediaType, newBase.mediaType);
  assert.equal(manifest.mediaType, newBase.mediaType);
  assert.equal(manifest.config.mediaType, "application/vnd.docker.container.image.v1+json");
  assert.ok(
    manifest.layers.every(({ mediaType }) => mediaType.startsWith("application/vnd.docker")),
  );
  assert.deepEqual({ ...manifest.annotations }, {
    mine: "yes",
    "org.opencontainers.image.base.digest": await newBase.digest(),
    "org.opencontainers.image.base.name": "docker.io/library/new:2",
  });
});

test("rebase() makes an image that is whole and valid", async () => {
  const { oldBase, newBase } = await bases();
  const image = rebase(await built(oldBase, "app"), { oldBase, newBase });
  const store = memoryStore();
  await push(image, store, "1");
  assert.deepEqual((await validate(store, "1")).problems, []);
});

test("rebase() compares layers by what they are, not by how they are compressed", async () => {
  const tar = await tarOf(["base=1"]);
  const store = memoryStore();
  const plain = await loadImage(store, await putImage(store, [tar]));
  const compress = async (bytes: Bytes) =>
    await readAll(gzip(streamOf(bytes)), { maxBytes: 1 << 20 });
  const zipped = await loadImage(store, await putImage(store, [tar], { compress }));
  const newBase = await imageOf(["other=2"]);
  const image = rebase(await built(plain, "app"), { oldBase: zipped, newBase });
  assert.deepEqual(await pathsOf(image), ["app", "other"]);
  assert.equal(await textOf(image, "/app"), "app");
});

test("rebase() to the same base keeps the layers", async () => {
  const { oldBase } = await bases();
  const app = await built(oldBase, "app");
  const image = rebase(app, { oldBase, newBase: oldBase });
  assert.deepEqual((await image.manifest()).layers, (await app.manifest()).layers);
  assert.deepEqual(await image.rawConfig(), await app.rawConfig());
});

test("rebase() drops a history that would speak of the wrong layers", async () => {
  const { oldBase } = await bases();
  const image = rebase(await built(oldBase, "app"), { oldBase, newBase: await imageOf(["x=1"]) });
  assert.equal((await image.config()).history, undefined);
});

test("rebase() takes an image without layers for a base of everything", async () => {
  const { newBase } = await bases();
  const oldBase = emptyImage({ os: "linux", architecture: "amd64" });
  const image = rebase(await built(oldBase, "app"), { oldBase, newBase });
  assert.deepEqual(await commands(image), ["add new1", "add new2", "add app"]);
});

test("rebase() refuses an image that is not built on the old base", async () => {
  const { oldBase, newBase } = await bases();
  const app = await built(oldBase, "app");
  const other = rebase(app, { oldBase: newBase, newBase });
  await assert.rejects(other.digest(), { code: "NOT_BASED_ON" });
  const larger = rebase(oldBase, { oldBase: app, newBase });
  await assert.rejects(larger.digest(), {
    code: "NOT_BASED_ON",
    message: /has 1 layers, the base 2/,
  });
});
