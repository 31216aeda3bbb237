import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import assert from "node:assert/strict";
import {
  copy,
  exportRootfs,
  memoryStore,
  openImage,
  pull,
  registryHandler,
  validate,
} from "../../mod.ts";
import { readAll } from "../../lib/bytes/mod.ts";
import { readTar } from "../../lib/tar/mod.ts";
import { openBlob } from "../../lib/runtime/open_blob.ts";
import { openSource } from "../../lib/runtime/open.ts";
import { serve } from "../../lib/runtime/serve.ts";
import { randomIndex } from "../../lib/testing/mod.ts";

async function withImage(
  use: (image: string, folder: string, digest: string) => Promise<void>,
): Promise<void> {
  const store = memoryStore();
  const index = await randomIndex("open");
  await index.pushTo(store, "acme/app:1");
  const server = await serve(registryHandler(store));
  const folder = mkdtempSync(join(tmpdir(), "lading-open-"));
  try {
    await use(`127.0.0.1:${server.port}/acme/app:1`, folder, index.descriptor.digest);
  } finally {
    rmSync(folder, { recursive: true, force: true });
    await server.close();
  }
}

test("copy() pulls every platform from a registry into a layout, and nothing the second time", async () => {
  await withImage(async (image, folder, digest) => {
    const place = `oci:${folder}/layout`;
    const types = new Set<string>();
    const operation = copy(image, place, { platform: "all" });
    for await (const event of operation) types.add(event.type);
    const first = await operation;
    assert.equal(first.descriptor.digest, digest);
    assert.ok(types.has("blob") && types.has("manifest"));
    const second = await copy(image, place, { platform: "all" });
    assert.equal(second.descriptor.digest, digest);
    assert.ok(second.bytesFetched <= first.descriptor.size, `${second.bytesFetched} bytes again`);
  });
});

test("pull() takes the image of the machine, which validates and lists its files", async () => {
  await withImage(async (image, folder) => {
    const place = `oci:${folder}/layout`;
    const { descriptor } = await pull(image, place, {
      platform: { os: "linux", architecture: "amd64" },
    });
    const { content } = openSource(place);
    const report = await validate(content, "1");
    assert.deepEqual(report.problems, []);
    const opened = await openImage(`${place}:1`, { platform: "linux/amd64" });
    assert.equal(await opened.digest(), descriptor.digest);
    let entries = 0;
    for await (const entry of readTar(exportRootfs(opened))) {
      assert.ok(entry.path !== "");
      entries++;
    }
    assert.ok(entries > 0);
  });
});

test("openImage() and pull() refuse a text that is no platform", async () => {
  await withImage(async (image, folder) => {
    const platform = "linux/amd64/v1/more";
    await assert.rejects(openImage(image, { platform }), { code: "INVALID_PLATFORM" });
    const operation = pull(image, `oci:${folder}/layout`, { platform });
    await assert.rejects(Promise.resolve(operation), { code: "INVALID_PLATFORM" });
  });
});

test("pull() of an unknown tag is a NotFoundError and leaves no layout behind", async () => {
  await withImage(async (image, folder) => {
    const place = `oci:${folder}/layout`;
    await assert.rejects(Promise.resolve(pull(`${image}-none`, place)), { code: "NOT_FOUND" });
    await assert.rejects(openImage(place), { code: "NOT_FOUND" });
  });
});

test("openBlob() gives a blob by its digest alone, from a registry and a layout", async () => {
  await withImage(async (image, folder) => {
    const place = `oci:${folder}/layout`;
    await pull(image, place, { platform: "linux/amd64" });
    const [layer] = await (await openImage(place, { platform: "linux/amd64" })).layers();
    assert.ok(layer !== undefined);
    const { digest, size } = layer.descriptor();
    for (const where of [image, image.slice(0, -2), place]) {
      const blob = await openBlob(`${where}@${digest}`);
      assert.equal(blob.descriptor.size, size, where);
      const bytes = await readAll(blob.content, { maxBytes: size });
      await blob.close();
      assert.equal(bytes.length, size, where);
      const absent = `${where}@sha256:${"0".repeat(64)}`;
      await assert.rejects(openBlob(absent), { code: "NOT_FOUND" }, where);
    }
    await assert.rejects(openBlob(image), { code: "INVALID_REFERENCE" });
    await assert.rejects(openBlob(`${image}@sha256:12`), { code: "INVALID_DIGEST" });
  });
});
