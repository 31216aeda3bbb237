// Streams in memory never wait, and promises alone let no timer run: a server would answer nobody
// else meanwhile, a page would stand still, and a timeout would come too late.
import { test } from "node:test";
import assert from "node:assert/strict";
import { iterate, readAll, streamOf } from "../../lib/bytes/mod.ts";
import { gunzip, gzip } from "../../lib/compress/mod.ts";
import { digestBytes } from "../../lib/hash/mod.ts";
import { extract, type Layer, loadImage, openLayer } from "../../lib/image/mod.ts";
import type { Bytes, ByteStream } from "../../lib/model/bytes.ts";
import { validate } from "../../lib/ops/mod.ts";
import { memoryFileSystem, memoryStore } from "../../lib/store/mod.ts";
import { readTar } from "../../lib/tar/mod.ts";
import { putImage, tarOf } from "./images.ts";

const MIB = 1 << 20;

/** Text that differs from line to line. */
const TEXT = Uint8Array.from({ length: MIB }, (_, at) => 97 + at * at % 23);

/** An archive of 16 MiB, as it is and as one chunk of gzip. */
async function sample(): Promise<{ readonly tar: Bytes; readonly stored: Bytes }> {
  const files = Array.from({ length: 16 }, (_, index) => ({ path: `${index}`, body: TEXT }));
  const tar = await tarOf(files);
  const stored = await readAll(gzip(streamOf(tar), { level: 1 }), { maxBytes: 2 * tar.length });
  return { tar, stored };
}

function layerOf(bytes: Bytes, suffix = ""): Layer {
  const mediaType = `application/vnd.oci.image.layer.v1.tar${suffix}`;
  const descriptor = { mediaType, digest: digestBytes("sha256", bytes), size: bytes.length };
  const exists = () => Promise.resolve(true);
  return openLayer({ exists, fetch: () => Promise.resolve(streamOf(bytes)) }, descriptor);
}

async function readStream(stream: ByteStream): Promise<void> {
  for await (const _ of iterate(stream));
}

async function readEntries(layer: Layer, signal?: AbortSignal): Promise<void> {
  for await (const entry of layer.entries({ signal })) await entry.lend(() => {});
}

/** Does some work, and tells whether a timer fired meanwhile. */
async function letsTimersFire(work: () => Promise<unknown>): Promise<boolean> {
  let hasFired = false;
  const timer = setTimeout(() => hasFired = true, 0);
  await work();
  clearTimeout(timer);
  return hasFired;
}

test("timers fire while a layer in memory is read, whatever is done with it", async () => {
  const { tar, stored } = await sample();
  const store = memoryStore();
  const compress = () => Promise.resolve(stored);
  await store.tag(await putImage(store, [tar], { compress }), "app");
  const image = await loadImage(store, await store.resolve("app"));
  const layer = layerOf(stored, "+gzip");
  const ways: Readonly<Record<string, () => Promise<unknown>>> = {
    "entries()": () => readEntries(layer),
    "entries() of a layer that is not compressed": () => readEntries(layerOf(tar)),
    "uncompressed()": async () => await readStream(await layer.uncompressed()),
    "diffID()": () => layer.diffID(),
    "extract()": () => extract(image, memoryFileSystem(), "/root"),
    "validate()": async () => assert.ok((await validate(store, "app")).ok),
    "gunzip()": () => readStream(gunzip(streamOf(stored))),
    "gzip()": () => readStream(gzip(streamOf(tar), { level: 1 })),
    async "readTar()"() {
      for await (const entry of readTar(streamOf(tar))) await entry.bytes();
    },
  };
  for (const [name, work] of Object.entries(ways)) {
    assert.ok(await letsTimersFire(work), name);
  }
});

test("timers fire while much comes out of few bytes", async () => {
  const zeros = new Uint8Array(32 * MIB);
  const stored = await readAll(gzip(streamOf(zeros)), { maxBytes: MIB });
  assert.ok(stored.length < 64 * 1024, `${stored.length} bytes`);
  assert.ok(await letsTimersFire(() => readStream(gunzip(streamOf(stored)))));
});

test("a timeout ends the reading of a layer in memory, and so does a caller's timer", async () => {
  const { stored } = await sample();
  const layer = layerOf(stored, "+gzip");
  const timeout = AbortSignal.timeout(1);
  const readOn = async (signal: AbortSignal): Promise<void> => {
    for (let count = 0; count < 100; count++) await readEntries(layer, signal);
  };
  await assert.rejects(() => readOn(timeout), { name: "TimeoutError" });
  const controller = new AbortController();
  const reason = new Error("enough");
  setTimeout(() => controller.abort(reason), 1);
  await assert.rejects(() => readOn(controller.signal), (error) => error === reason);
});
