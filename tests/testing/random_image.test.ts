import { test } from "node:test";
import assert from "node:assert/strict";
import { readAll } from "../../lib/bytes/read_all.ts";
import { streamOf } from "../../lib/bytes/stream_from.ts";
import { decompress } from "../../lib/compress/decompress.ts";
import { digestBytes } from "../../lib/hash/digest_bytes.ts";
import { parseImageConfig } from "../../lib/model/parse_image_config.ts";
import { childDescriptors } from "../../lib/model/manifest.ts";
import { parseManifest } from "../../lib/model/parse_manifest.ts";
import { memoryStore } from "../../lib/store/memory_store.ts";
import { readTar } from "../../lib/tar/mod.ts";
import { randomImage, randomIndex } from "../../lib/testing/mod.ts";

test("randomImage() gives the same files on every runtime, and the same digest every time", async () => {
  const image = await randomImage("seed");
  const again = await randomImage("seed");
  assert.equal(image.descriptor.digest, again.descriptor.digest);
  const files = image.layers.flatMap((layer) => [...layer.files]);
  const listing = files.map(([path, bytes]) => `${path} ${digestBytes("sha256", bytes)}\n`).join(
    "",
  );
  assert.equal(digestBytes("sha256", new TextEncoder().encode(listing)), FILES_OF_SEED);
});

test("randomImage() gives another image for another seed", async () => {
  const one = await randomImage("1");
  const two = await randomImage("2");
  const digests = new Set(
    [...one.contents, ...two.contents].map(({ descriptor }) => descriptor.digest),
  );
  assert.equal(digests.size, one.contents.length + two.contents.length);
});

test("randomImage() makes what its manifest and config say", async () => {
  for (const compression of ["gzip", "none"] as const) {
    const image = await randomImage("x", { layers: 3, compression, files: 5 });
    const raw = image.contents.at(-1);
    assert.ok(raw !== undefined);
    const parsed = parseManifest(raw.bytes, image.descriptor.mediaType);
    const children = childDescriptors(parsed).map(({ digest }) => digest).sort();
    const made = image.contents.slice(0, -1).map(({ descriptor }) => descriptor.digest).sort();
    assert.deepEqual(children, made);
    const config = image.contents.find(({ descriptor }) =>
      descriptor.digest === image.manifest.config.digest
    );
    assert.ok(config !== undefined);
    const { value } = parseImageConfig(config.bytes);
    assert.deepEqual(value.rootfs.diff_ids, image.layers.map(({ diffID }) => diffID));
    for (const layer of image.layers) {
      assert.equal(digestBytes("sha256", layer.bytes), layer.descriptor.digest);
      const tar = await readAll(decompress(streamOf(layer.bytes)), { maxBytes: 10_000_000 });
      assert.equal(digestBytes("sha256", tar), layer.diffID);
      const files = new Map<string, string>();
      for await (const entry of readTar(streamOf(tar))) {
        if (entry.type !== "file" || entry.path.includes(".wh.")) continue;
        files.set(entry.path, digestBytes("sha256", await entry.bytes(1_000_000)));
      }
      const expected = [...layer.files].map((
        [path, bytes],
      ) => [path, digestBytes("sha256", bytes)]);
      assert.deepEqual([...files], expected);
    }
  }
});

test("randomImage() can be an artifact about another manifest", async () => {
  const subject = (await randomImage("subject")).descriptor;
  const { manifest } = await randomImage("x", {
    subject,
    artifactType: "application/vnd.example",
    annotations: { a: "1" },
    layers: 1,
  });
  assert.deepEqual(manifest.subject, subject);
  assert.equal(manifest.artifactType, "application/vnd.example");
  assert.deepEqual(manifest.annotations, { a: "1" });
});

test("randomIndex() has an image per platform, and pushes everything before itself", async () => {
  const platforms = [
    { os: "linux", architecture: "amd64" },
    { os: "linux", architecture: "riscv64" },
    { os: "windows", architecture: "amd64", "os.version": "10.0.1" },
  ];
  const { index, images, descriptor, pushTo, contents } = await randomIndex("x", { platforms });
  assert.deepEqual(index.manifests.map(({ platform }) => platform), platforms);
  assert.deepEqual(images.map(({ config }) => config.architecture), ["amd64", "riscv64", "amd64"]);
  const store = memoryStore();
  await pushTo(store, "demo/app:1");
  assert.deepEqual(await store.resolve("demo/app:1"), descriptor);
  for (const content of contents) assert.equal(await store.exists(content.descriptor), true);
});

const FILES_OF_SEED = "sha256:b9ee43adee6bb0de9119f993dd4f9f5ab5893c5be4c9453d7a842b9f9bf324ab";
