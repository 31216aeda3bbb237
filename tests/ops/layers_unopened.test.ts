import { test } from "node:test";
import assert from "node:assert/strict";
import { copy, pull, validate } from "../../lib/ops/mod.ts";
import { memoryStore } from "../../lib/store/mod.ts";
import { putImage } from "../image/images.ts";

test("pull() and copy() do not look into layers: what cannot be decompressed arrives as it is", async () => {
  const store = memoryStore();
  const platform = { os: "linux", architecture: "amd64" };
  // Neither gzip, nor a tar archive inside of it.
  const compress = (tar: Uint8Array) => Promise.resolve(Uint8Array.of(0x1f, 0x8b, ...tar));
  const image = await putImage(store, [Uint8Array.of(1, 2, 3)], { platform, compress });
  await store.tag(image, "app:1");
  for (const move of [pull, copy]) {
    const target = memoryStore();
    const { descriptor } = await move(store, "app:1", target, { platform });
    assert.equal(descriptor.digest, image.digest);
    assert.equal((await target.resolve("app:1")).digest, image.digest);
  }
  const { problems } = await validate(store, "app:1");
  assert.deepEqual(problems.map(({ code }) => code), ["INVALID_LAYER"]);
});

test("validate() finds the same with every kernel", async () => {
  const store = memoryStore();
  const image = await putImage(store, [new Uint8Array(1024), new Uint8Array(2048)], {
    config: {
      rootfs: {
        type: "layers",
        diff_ids: [`sha256:${"0".repeat(64)}`, `sha256:${"1".repeat(64)}`],
      },
    },
  });
  await store.tag(image, "app:1");
  const { descriptor: _, ...expected } = await validate(store, "app:1");
  assert.equal(expected.problems.length, 2);
  for (const kernel of ["host", "wasm", "js"] as const) {
    const { descriptor: _, ...report } = await validate(store, "app:1", { kernel });
    assert.deepEqual(report, expected, kernel);
  }
});
