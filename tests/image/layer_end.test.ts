import { test } from "node:test";
import assert from "node:assert/strict";
import { readAll, streamOf, through, verified } from "../../lib/bytes/mod.ts";
import { gzip } from "../../lib/compress/mod.ts";
import { digestBytes } from "../../lib/hash/mod.ts";
import {
  diff,
  exportRootfs,
  extract,
  type Image,
  loadImage,
  openLayer,
} from "../../lib/image/mod.ts";
import type { Bytes, ByteStream } from "../../lib/model/bytes.ts";
import type { Descriptor } from "../../lib/model/descriptor.ts";
import type { ContentSource } from "../../lib/model/content.ts";
import { Registry } from "../../lib/registry/mod.ts";
import { memoryFileSystem } from "../../lib/store/mod.ts";
import { memoryRegistry } from "../../lib/testing/mod.ts";
import { imageOf, putImage, tarOf } from "./images.ts";

/** How much follows the end of the archive: more than anybody reads ahead. */
const PADDING = 1 << 20;

async function drain(entries: AsyncIterable<unknown>): Promise<void> {
  for await (const _ of entries);
}

/** What reads a layer to the end of its archive, and has what it came for there. */
const READERS: Readonly<Record<string, (image: Image) => Promise<unknown>>> = {
  "entries()": async (image) => {
    for (const layer of await image.layers()) await drain(layer.entries());
  },
  "exportRootfs()": (image) => readAll(exportRootfs(image), { maxBytes: 1 << 26 }),
  "extract()": (image) => extract(image, memoryFileSystem(), "/out"),
  "diff()": async (image) => await drain(await diff(await imageOf(["b=2"]), image)),
};

test("lesson 58: a layer is proved to its last byte, also behind the end of its archive", async () => {
  const tar = await tarOf(["a=1"]);
  const padded = new Uint8Array(tar.length + PADDING);
  padded.set(tar);
  for (const isZipped of [false, true]) {
    const { host, store, transport } = memoryRegistry();
    const zip = (bytes: Bytes) => readAll(gzip(streamOf(bytes)), { maxBytes: 1 << 26 });
    const target = await putImage(store, [padded], isZipped ? { compress: zip } : {});
    await store.tag(target, "acme/app:1");
    let isDamaged = false;
    const damaged = async (request: Request): Promise<Response> => {
      const response = await transport(request);
      const { body } = response;
      if (!isDamaged || body === null || !request.url.includes("/blobs/")) return response;
      const raw = new Uint8Array(await response.arrayBuffer());
      if (raw.length > 1000) raw[raw.length - 20] = 1 ^ (raw[raw.length - 20] ?? 0);
      return new Response(raw, { headers: response.headers });
    };
    const source: ContentSource = new Registry(host, { transport: damaged }).repository("acme/app");
    for (const [name, read] of Object.entries(READERS)) {
      isDamaged = false;
      await read(await loadImage(source, target));
      isDamaged = true;
      await assert.rejects(
        read(await loadImage(source, target)),
        (error: Error & { code?: string }) =>
          error.code === "DIGEST_MISMATCH" || error.code === "CORRUPT_STREAM",
        `${name}, ${isZipped ? "compressed" : "plain"}`,
      );
    }
  }
});

test("lesson 58: a layer that was proved is proved again each time it is read", async () => {
  const tar = await tarOf(["a=1", { path: "b", body: new Uint8Array(PADDING) }]);
  for (const isProving of [true, false]) {
    let isDamaged = false;
    const { store } = memoryRegistry();
    const target = await putImage(store, [tar]);
    const source: ContentSource = {
      exists: (descriptor) => store.exists(descriptor),
      async fetch(descriptor) {
        let at = 0;
        const damaged = through(await store.fetch(descriptor), {
          chunk(chunk) {
            const middle = PADDING / 2 - at;
            at += chunk.length;
            if (!isDamaged || middle < 0 || middle >= chunk.length) return chunk;
            const changed = chunk.slice();
            changed[middle] = 1;
            return changed;
          },
        });
        return isProving ? verified(damaged, descriptor) : damaged;
      },
    };
    const [layer] = await (await loadImage(source, target)).layers();
    assert.ok(layer !== undefined);
    for (let time = 0; time < 3; time++) await drain(layer.entries());
    isDamaged = true;
    await assert.rejects(drain(layer.entries()), { code: "DIGEST_MISMATCH" }, `${isProving}`);
  }
});

test("lesson 58: a proof counts for the bytes that were proved, and no others", async () => {
  const [good, other] = [await tarOf(["a=1"]), await tarOf(["a=2"])];
  const diffID = digestBytes("sha256", good);
  const descriptorOf = (bytes: Bytes) => ({
    mediaType: "application/vnd.oci.image.layer.v1.tar",
    digest: digestBytes("sha256", bytes),
    size: bytes.length,
  });
  const layerOf = (stored: Bytes, reads: ((descriptor: Descriptor) => ByteStream)[]) =>
    openLayer(
      {
        exists: () => Promise.resolve(true),
        fetch: (descriptor) =>
          Promise.resolve(reads.shift()?.(descriptor) ?? assert.fail("read too often")),
      },
      descriptorOf(stored),
      diffID,
    );
  const proved = (bytes: Bytes) => (descriptor: Descriptor) =>
    verified(streamOf(bytes), descriptor);
  const later = layerOf(good, [proved(good), proved(good), () => streamOf(other)]);
  for (let time = 0; time < 2; time++) await drain(later.entries());
  await assert.rejects(drain(later.entries()), { code: "DIGEST_MISMATCH" });
  // The stored layer is another one than the config says; first came what the config says.
  const first = layerOf(other, [() => streamOf(good), proved(other)]);
  await drain(first.entries());
  await assert.rejects(drain(first.entries()), { code: "DIGEST_MISMATCH" });
});

test("lesson 58: a source that proves nothing is proved by the diffID of the config", async () => {
  const tar = await tarOf(["a=1"]);
  const padded = new Uint8Array(tar.length + PADDING);
  padded.set(tar);
  const { store } = memoryRegistry();
  const target = await putImage(store, [padded]);
  const source: ContentSource = {
    exists: (descriptor) => store.exists(descriptor),
    async fetch(descriptor) {
      let at = 0;
      return through(await store.fetch(descriptor), {
        chunk(chunk) {
          at += chunk.length;
          if (at < descriptor.size || descriptor.size < PADDING) return chunk;
          const changed = chunk.slice();
          changed[changed.length - 1] = 1;
          return changed;
        },
      });
    },
  };
  for (const [name, read] of Object.entries(READERS)) {
    await assert.rejects(
      read(await loadImage(source, target)),
      { code: "DIGEST_MISMATCH" },
      name,
    );
  }
});
