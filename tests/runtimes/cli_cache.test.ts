import { test } from "node:test";
import assert from "node:assert/strict";
import { chmodSync, existsSync, mkdtempSync, readdirSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { memoryStore, openImage, registryHandler } from "../../mod.ts";
import { readAll, streamOf } from "../../lib/bytes/mod.ts";
import { gzip } from "../../lib/compress/mod.ts";
import { digestBytes } from "../../lib/hash/mod.ts";
import type { Bytes } from "../../lib/model/bytes.ts";
import { hostLayerIndexes, layerIndexLocation } from "../../lib/runtime/node.ts";
import { serve } from "../../lib/runtime/serve.ts";
import { type TarInput, writeTar } from "../../lib/tar/mod.ts";
import { noise, putTableImage, type TableLayer } from "../image/table_layers.ts";
import { lading } from "./lading_main.ts";

const FILE_BYTES = 1_000_000;
const FILES = 40;

const bodyOf = (index: number): Bytes => noise(FILE_BYTES, index + 1);

async function gzipLayer(entries: readonly TarInput[]): Promise<TableLayer> {
  const tar = await readAll(writeTar(entries), { maxBytes: 1 << 28 });
  const bytes = await readAll(gzip(streamOf(tar), { level: 1 }), { maxBytes: 1 << 28 });
  return { bytes, diffID: digestBytes("sha256", tar), annotations: {}, tableOffset: 0 };
}

interface Bench {
  readonly image: string;
  readonly folder: string;
  /** The bytes of the layers that were answered with since the last call. */
  fetched(): number;
  /** What becomes of the bytes of layers from now on. */
  change(how: (bytes: Bytes) => Bytes): void;
}

const LAYERS = Promise.all([
  gzipLayer(
    Array.from({ length: FILES }, (_, index) => ({ path: `data/${index}`, body: bodyOf(index) })),
  ),
  gzipLayer([{ path: "data/.wh.7" }, { path: "etc/note", body: noise(20, 99) }]),
]);

/** Serves an image of a large layer and a small one, with an empty cache of the command. */
async function withBench(use: (bench: Bench) => Promise<void>): Promise<void> {
  const layers = await LAYERS;
  const store = memoryStore();
  await store.tag(await putTableImage(store, layers), "acme/app:1");
  const handler = registryHandler(store);
  const digests = layers.map(({ bytes }) => digestBytes("sha256", bytes));
  let total = 0;
  let change = (bytes: Bytes): Bytes => bytes;
  const server = await serve(async (request) => {
    const answer = await handler(request);
    const isLayer = digests.some((digest) => request.url.endsWith(digest));
    if (request.method !== "GET" || !isLayer) return answer;
    const bytes = change(new Uint8Array(await answer.arrayBuffer()));
    total += bytes.byteLength;
    return new Response(bytes, { status: answer.status, headers: answer.headers });
  });
  const folder = mkdtempSync(join(tmpdir(), "lading-cache-"));
  const { LADING_CACHE } = process.env;
  process.env["LADING_CACHE"] = join(folder, "cache");
  try {
    await use({
      image: `127.0.0.1:${server.port}/acme/app:1`,
      folder,
      fetched() {
        const bytes = total;
        total = 0;
        return bytes;
      },
      change: (how) => void (change = how),
    });
  } finally {
    process.env["LADING_CACHE"] = LADING_CACHE;
    rmSync(folder, { recursive: true, force: true });
    await server.close();
  }
}

/** Spans are of 4 MiB and what a block is longer; a file of 1 MB lies in two of them at most. */
const TWO_SPANS = 9 * 1024 * 1024;

test("a second lading cat of a plain gzip layer fetches only what lies around its file", async () => {
  await withBench(async ({ image, fetched }) => {
    const first = await lading("cat", image, "/data/3");
    assert.equal(first.code, 0, first.errors);
    assert.deepEqual(first.bytes, bodyOf(3));
    assert.ok(fetched() < 1.1 * FILES * FILE_BYTES + TWO_SPANS, "the layer is read once");
    for (const index of [0, 20, 39]) {
      const { code, bytes, errors } = await lading("cat", image, `/data/${index}`);
      assert.equal(code, 0, errors);
      assert.deepEqual(bytes, bodyOf(index));
      const count = fetched();
      assert.ok(count >= FILE_BYTES && count < TWO_SPANS, `${count} bytes of file ${index}`);
    }
    const deleted = await lading("cat", image, "/data/7");
    assert.equal(deleted.code, 3);
    assert.equal(fetched(), 0, "what a layer above hides takes nothing");
  });
});

test("a tree that ls has read takes ls, diff and cat no download, and export half of one", async () => {
  await withBench(async ({ image, fetched }) => {
    const whole = (await lading("export", image, "--no-cache")).bytes;
    const twice = fetched();
    const listed = await lading("ls", image, "--long");
    assert.equal(fetched(), twice / 2);
    assert.deepEqual((await lading("ls", image, "--long")).out, listed.out);
    const { code, out } = await lading("diff", image, image);
    assert.deepEqual([code, out], [0, ""]);
    assert.equal(fetched(), 0);
    assert.deepEqual((await lading("cat", image, "/etc/note")).bytes, noise(20, 99));
    assert.ok(fetched() < 1000);
    assert.deepEqual((await lading("export", image)).bytes, whole);
    assert.equal(fetched(), twice / 2);
  });
});

test("--no-cache neither uses nor keeps an index", async () => {
  await withBench(async ({ image, folder, fetched }) => {
    await lading("cat", image, "/etc/note", "--no-cache");
    assert.ok(!existsSync(join(folder, "cache")));
    await lading("ls", image);
    fetched();
    await lading("ls", image, "--no-cache");
    assert.ok(fetched() > FILES * FILE_BYTES);
  });
});

test("a registry that answers with other bytes than before is found out, and none of them printed", async () => {
  await withBench(async ({ image, change }) => {
    assert.equal((await lading("ls", image)).code, 0);
    change((bytes) => {
      bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] ?? 0) ^ 1;
      return bytes;
    });
    for (const path of ["/etc/note", "/data/12"]) {
      const { code, bytes, errors } = await lading("cat", image, path);
      assert.deepEqual([code, bytes.length], [5, 0], errors);
    }
  });
});

test("a cache that cannot be written, or that others may write to, is no reason to fail", async () => {
  await withBench(async ({ image, folder, fetched }) => {
    const cache = join(folder, "cache");
    process.env["LADING_CACHE"] = "/dev/null/none";
    assert.equal((await lading("cat", image, "/etc/note")).code, 0);
    process.env["LADING_CACHE"] = cache;
    await lading("ls", image);
    const layers = join(cache, "layers");
    assert.equal(statSync(layers).mode & 0o777, 0o700);
    assert.equal(readdirSync(layers).length, 2);
    chmodSync(layers, 0o777);
    fetched();
    assert.equal((await lading("ls", image)).code, 0);
    assert.ok(fetched() > FILES * FILE_BYTES);
  });
});

test("hostLayerIndexes() shares the indexes of the command", async () => {
  await withBench(async ({ image, folder, fetched }) => {
    assert.equal(layerIndexLocation(), join(folder, "cache", "layers"));
    await lading("ls", image);
    fetched();
    const layerIndexes = hostLayerIndexes();
    const opened = await openImage(image);
    assert.deepEqual(await opened.readFile("data/11", { layerIndexes }), bodyOf(11));
    assert.ok(fetched() < TWO_SPANS);
  });
});

test("indexes go to the user's caches", () => {
  const names = ["LADING_CACHE", "XDG_CACHE_HOME", "HOME"] as const;
  const before = names.map((name) => [name, process.env[name]] as const);
  const location = (variables: Readonly<Record<string, string>>) => {
    for (const name of names) delete process.env[name];
    Object.assign(process.env, variables);
    return layerIndexLocation();
  };
  try {
    const caches = process.platform === "darwin" ? "Library/Caches" : ".cache";
    assert.equal(location({ HOME: "/home/me" }), `/home/me/${caches}/lading/layers`);
    const [HOME, XDG_CACHE_HOME] = ["/home/me", "/var/cache"];
    assert.equal(location({ HOME, XDG_CACHE_HOME }), "/var/cache/lading/layers");
    assert.equal(
      location({ HOME, XDG_CACHE_HOME: "relative" }),
      `/home/me/${caches}/lading/layers`,
    );
    assert.equal(location({ HOME, XDG_CACHE_HOME, LADING_CACHE: "/tmp/mine" }), "/tmp/mine/layers");
    assert.equal(location({}), undefined);
  } finally {
    for (const [name, value] of before) {
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    }
  }
});
