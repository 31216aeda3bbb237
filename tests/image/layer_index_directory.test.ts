import { test } from "node:test";
import assert from "node:assert/strict";
import { readAll, streamOf } from "../../lib/bytes/mod.ts";
import { gzip } from "../../lib/compress/mod.ts";
import { digestBytes } from "../../lib/hash/mod.ts";
import { layerIndexDirectory } from "../../lib/image/mod.ts";
import type { Bytes } from "../../lib/model/bytes.ts";
import { InvalidDigestError } from "../../lib/model/errors.ts";
import { type FileSystem, memoryFileSystem } from "../../lib/store/mod.ts";
import { faultyFileSystem } from "../store/faulty_file_system.ts";
import { tarOf } from "./images.ts";
import { observedImage } from "./table_layers.ts";

const CACHE = "/home/cache/layers";

const digestOf = (text: string) => digestBytes("sha256", new TextEncoder().encode(text));

async function namesIn(fs: FileSystem): Promise<string[]> {
  if (await fs.stat(CACHE) === undefined) return [];
  return (await fs.readDirectory(CACHE)).map(({ name }) => name).sort();
}

async function smallLayer() {
  const tar = await tarOf(["a=1", "b=2"]);
  const bytes = await readAll(gzip(streamOf(tar)), { maxBytes: 1 << 20 });
  return { bytes, diffID: digestBytes("sha256", tar), annotations: {}, tableOffset: 0 };
}

async function write(fs: FileSystem, path: string, content: Bytes): Promise<void> {
  const writer = await fs.create(path);
  await writer.write(content);
  await writer.close();
}

/** A file system that counts the files that are opened, and those that are closed. */
function counted(fs: FileSystem, counts: { opened: number; closed: number }): FileSystem {
  const closing = <File extends { close(): Promise<void> }>(file: File): File => {
    counts.opened++;
    const close = file.close.bind(file);
    let isClosed = false;
    file.close = async () => {
      if (!isClosed) counts.closed++;
      isClosed = true;
      await close();
    };
    return file;
  };
  return new Proxy(fs, {
    get(target, name) {
      if (name === "open") {
        return async (...args: Parameters<FileSystem["open"]>) => closing(await fs.open(...args));
      }
      if (name === "create") {
        return async (...args: Parameters<FileSystem["create"]>) =>
          closing(await fs.create(...args));
      }
      const value = Reflect.get(target, name);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}

test("an index in a directory serves the next process, and nobody else may look at it", async () => {
  const fs = memoryFileSystem();
  const layer = await smallLayer();
  for (const wholes of [1, 0]) {
    const layerIndexes = layerIndexDirectory(fs, CACHE);
    const { image, fetched } = await observedImage(layer);
    assert.deepEqual(await image.readFile("b", { layerIndexes }), new TextEncoder().encode("2"));
    assert.equal(fetched.filter((range) => range === "whole").length, wholes);
  }
  const name = digestBytes("sha256", layer.bytes).replace(":", "-");
  assert.deepEqual(await namesIn(fs), [name]);
  assert.equal((await fs.stat(CACHE))?.mode, 0o700);
  assert.equal((await fs.stat(`${CACHE}/${name}`))?.mode, 0o600);
});

test("a file that is damaged is replaced", async () => {
  const fs = memoryFileSystem();
  const layer = await smallLayer();
  const layerIndexes = layerIndexDirectory(fs, CACHE);
  const digest = digestBytes("sha256", layer.bytes);
  await (await observedImage(layer)).image.rootfs({ layerIndexes });
  const good = await layerIndexes.get(digest);
  for (const bad of [new Uint8Array(), new Uint8Array(500), good?.slice(0, -1) as Bytes]) {
    const path = `${CACHE}/${digest.replace(":", "-")}`;
    await fs.remove(path);
    await write(fs, path, bad);
    const { image } = await observedImage(layer);
    assert.deepEqual(await image.readFile("a", { layerIndexes }), new TextEncoder().encode("1"));
    assert.deepEqual(await layerIndexes.get(digest), good);
  }
});

test("what was not used for longest makes room in a directory", async () => {
  let now = 1000;
  const fs = memoryFileSystem({ now: () => now++ });
  const layerIndexes = layerIndexDirectory(fs, CACHE, { maxBytes: 5 * 4096 });
  for (const name of ["a", "b", "c", "d", "e"]) {
    await layerIndexes.set(digestOf(name), new Uint8Array(100));
  }
  assert.equal((await layerIndexes.get(digestOf("a")))?.length, 100);
  await layerIndexes.set(digestOf("f"), new Uint8Array(5000));
  const left: string[] = [];
  for (const name of ["a", "b", "c", "d", "e", "f"]) {
    if (await layerIndexes.get(digestOf(name)) !== undefined) left.push(name);
  }
  assert.deepEqual(left, ["a", "d", "e", "f"]);
  await layerIndexes.set(digestOf("large"), new Uint8Array(5 * 4096 + 1));
  assert.equal((await namesIn(fs)).length, 4);
});

test("what a killed process has left behind is removed, what another one writes is not", async () => {
  let now = Date.now() - 2 * 60 * 60 * 1000;
  const fs = memoryFileSystem({ now: () => now });
  await fs.makeDirectory(CACHE, { recursive: true });
  await write(fs, `${CACHE}/.tmp-0123456789abcdef`, new Uint8Array(10));
  now = Date.now();
  await write(fs, `${CACHE}/.tmp-fedcba9876543210`, new Uint8Array(10));
  await layerIndexDirectory(fs, CACHE).set(digestOf("a"), new Uint8Array(1));
  assert.deepEqual(await namesIn(fs), [
    ".tmp-fedcba9876543210",
    digestOf("a").replace(":", "-"),
  ]);
});

test("what is no index is no reason to remove anything, and stays whatever room is wanted", async () => {
  let now = 1000;
  const fs = memoryFileSystem({ now: () => now++ });
  await fs.makeDirectory(CACHE, { recursive: true });
  const others = [".tmp-notes", "holiday.jpg", "sha256-notes.txt"];
  for (const name of others) await write(fs, `${CACHE}/${name}`, new Uint8Array(20_000));
  const layerIndexes = layerIndexDirectory(fs, CACHE, { maxBytes: 2 * 4096 });
  for (const name of ["a", "b", "c"]) {
    await layerIndexes.set(digestOf(name), new Uint8Array(100));
  }
  const left = ["b", "c"].map((name) => digestOf(name).replace(":", "-"));
  assert.deepEqual(await namesIn(fs), [...others, ...left].sort());
});

test("a directory that fails anywhere is no reason to fail, and keeps an index or none", async () => {
  const layer = await smallLayer();
  const digest = digestBytes("sha256", layer.bytes);
  const kept = memoryFileSystem();
  await (await observedImage(layer)).image.rootfs({
    layerIndexes: layerIndexDirectory(kept, CACHE),
  });
  const good = await layerIndexDirectory(kept, CACHE).get(digest);
  assert.ok(good !== undefined);
  let steps = 0;
  for (let failAt = 1;; failAt++) {
    const fs = memoryFileSystem();
    const faulty = faultyFileSystem(fs, failAt, "no-space");
    const layerIndexes = layerIndexDirectory(faulty.fs, CACHE);
    const { image } = await observedImage(layer);
    assert.deepEqual(await image.readFile("a", { layerIndexes }), new TextEncoder().encode("1"));
    const found = await layerIndexDirectory(fs, CACHE).get(digest);
    assert.deepEqual(found ?? good, good, faulty.failed());
    assert.deepEqual((await namesIn(fs)).filter((name) => name.startsWith(".tmp-")), []);
    if (faulty.failed() === undefined) break;
    steps++;
  }
  assert.ok(steps > 8, `${steps} steps`);
});

test("a directory of somebody else, or open for others to write, keeps nothing", async () => {
  const fs = memoryFileSystem();
  const digest = digestOf("a");
  await layerIndexDirectory(fs, CACHE, { uid: 0 }).set(digest, new Uint8Array(1));
  assert.ok(await layerIndexDirectory(fs, CACHE, { uid: 0 }).get(digest) !== undefined);
  const others = layerIndexDirectory(fs, CACHE, { uid: 1000 });
  assert.equal(await others.get(digest), undefined);
  await others.set(digestOf("b"), new Uint8Array(1));
  for (const mode of [0o720, 0o702]) {
    await fs.setAttributes(CACHE, { mode });
    const own = layerIndexDirectory(fs, CACHE, { uid: 0 });
    assert.equal(await own.get(digest), undefined);
    await own.set(digestOf("c"), new Uint8Array(1));
  }
  assert.equal((await namesIn(fs)).length, 1);
});

test("an index that is larger than all that is kept is neither written nor read", async () => {
  let now = Date.now();
  const fs = memoryFileSystem({ now: () => now++ });
  const layerIndexes = layerIndexDirectory(fs, CACHE, { maxBytes: 8192 });
  await layerIndexes.set(digestOf("a"), new Uint8Array(1));
  await layerIndexes.set(digestOf("large"), new Uint8Array(8193));
  assert.deepEqual(await namesIn(fs), [digestOf("a").replace(":", "-")]);
  const others = layerIndexDirectory(fs, CACHE);
  await others.set(digestOf("most"), new Uint8Array(8192));
  await others.set(digestOf("large"), new Uint8Array(8193));
  assert.equal((await layerIndexes.get(digestOf("most")))?.length, 8192);
  assert.equal(await layerIndexes.get(digestOf("large")), undefined);
});

test("every file of a directory of indexes is closed, also after a failure", async () => {
  const good = new Uint8Array(100);
  for (let failAt = 0;; failAt++) {
    const counts = { opened: 0, closed: 0 };
    const faulty = faultyFileSystem(memoryFileSystem(), failAt, "io");
    const layerIndexes = layerIndexDirectory(counted(faulty.fs, counts), CACHE);
    await layerIndexes.set(digestOf("a"), good);
    await layerIndexes.get(digestOf("a"));
    assert.ok(counts.opened > 0 || failAt > 0);
    assert.equal(counts.closed, counts.opened, faulty.failed());
    if (failAt > 0 && faulty.failed() === undefined) break;
  }
});

test("a digest that is none names no file", async () => {
  const fs = memoryFileSystem();
  await write(fs, "/secret", new Uint8Array(1));
  const layerIndexes = layerIndexDirectory(fs, CACHE);
  for (const digest of ["../../../secret", "sha256:../../secret", "sha256:abc", ""]) {
    await assert.rejects(Promise.resolve(layerIndexes.get(digest)), InvalidDigestError);
    await assert.rejects(async () => {
      await layerIndexes.set(digest, new Uint8Array(1));
    }, InvalidDigestError);
  }
  assert.deepEqual(await namesIn(fs), []);
});

test("a link in place of an index is not followed", async () => {
  const fs = memoryFileSystem();
  await fs.makeDirectory(CACHE, { recursive: true });
  await write(fs, "/elsewhere", new Uint8Array(10));
  await fs.symlink("/elsewhere", `${CACHE}/${digestOf("a").replace(":", "-")}`);
  const layerIndexes = layerIndexDirectory(fs, CACHE);
  assert.equal(await layerIndexes.get(digestOf("a")), undefined);
  await layerIndexes.set(digestOf("a"), new Uint8Array(5));
  assert.equal((await layerIndexes.get(digestOf("a")))?.length, 5);
  assert.equal((await fs.stat("/elsewhere"))?.size, 10);
});
