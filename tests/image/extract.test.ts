import assert from "node:assert/strict";
import { test } from "node:test";
import { extract, type Image } from "../../lib/image/mod.ts";
import type { Bytes } from "../../lib/model/bytes.ts";
import { memoryFileSystem } from "../../lib/store/mod.ts";
import { readTar } from "../../lib/tar/mod.ts";
import { exportRootfs } from "../../lib/image/mod.ts";
import { streamOf } from "../../lib/bytes/mod.ts";
import { corpusBytes } from "../support/corpus.ts";
import { asDisk } from "./as_disk.ts";
import { entry, imageOf, tarOf } from "./images.ts";
import { randomLayers } from "./random_layers.ts";
import { readBack } from "./read_back.ts";

const text = (value: string): Bytes => new TextEncoder().encode(value);

async function extracted(image: Image, owners = false): Promise<string[]> {
  const fs = memoryFileSystem();
  await extract(image, fs, "/out", { owners });
  return await readBack(fs, "/out");
}

test("extract() writes the merged tree: files, directories, links and what is known of them", async () => {
  const image = await imageOf(
    [
      entry({ path: "d", type: "directory", mode: 0o750, uid: 3, gid: 4, mtime: 100 }),
      entry({ path: "d/a", body: text("first"), mode: 0o640, uid: 1, gid: 2, mtime: 99 }),
      "gone=1",
    ],
    ["d/h=>d/a", "s->d/a", ".wh.gone", "empty=", "implied/none=", "implied/x=1"],
  );
  const fs = memoryFileSystem();
  const result = await extract(image, fs, "/some/where/out", { owners: true });
  assert.deepEqual(await readBack(fs, "/some/where/out"), [
    "d/ 750 3:4 100",
    "d/a 640 1:2 99 first #1",
    "d/h 640 1:2 99 first #1",
    "empty 644 0:0 0  #2",
    "implied/ 755 0:0 0",
    "implied/none 644 0:0 0  #3",
    "implied/x 644 0:0 0 1 #4",
    "s -> d/a 0:0 0",
  ]);
  assert.deepEqual(result, {
    directories: 2,
    files: 4,
    links: 2,
    bytes: 6,
    leftOut: [],
    withXattrs: 0,
  });
});

test("extract() gives the directory what the layers say of their root", async () => {
  const image = await imageOf([
    entry({ path: "./", type: "directory", mode: 0o2710, uid: 3, gid: 4, mtime: 77 }),
    "a=1",
  ]);
  const fs = memoryFileSystem();
  await extract(image, fs, "/out", { owners: true });
  const { mode, uid, gid, mtimeMs } = await fs.stat("/out") ?? assert.fail();
  assert.deepEqual([mode.toString(8), uid, gid, mtimeMs], ["2710", 3, 4, 77_000]);
});

test("extract() without owners takes set-ID bits away, and keeps the sticky bit", async () => {
  const image = await imageOf([
    entry({ path: "su", body: text("1"), mode: 0o6755, uid: 9 }),
    entry({ path: "tmp", type: "directory", mode: 0o3777 }),
  ]);
  assert.deepEqual(await extracted(image), ["su 755 0:0 0 1 #1", "tmp/ 1777 0:0 0"]);
  assert.deepEqual(await extracted(image, true), ["su 6755 9:0 0 1 #1", "tmp/ 3777 0:0 0"]);
});

test("extract() makes no devices and pipes, and tells of them and of attributes", async () => {
  const image = await imageOf([
    entry({ path: "null", type: "character-device", deviceMajor: 1, deviceMinor: 3 }),
    entry({ path: "pipe", type: "fifo" }),
    "other=>pipe",
    entry({ path: "cap", body: text("1"), xattrs: new Map([["security.capability", text("x")]]) }),
  ]);
  const fs = memoryFileSystem();
  const { leftOut, withXattrs } = await extract(image, fs, "/out");
  assert.deepEqual(await readBack(fs, "/out"), ["cap 644 0:0 0 1 #1"]);
  assert.deepEqual(leftOut.map(({ path, type }) => `${path} ${type}`).sort(), [
    "null character-device",
    "other fifo",
    "pipe fifo",
  ]);
  assert.equal(withXattrs, 1);
});

test("extract() writes zeros for the holes of sparse files where there can be none", async () => {
  const tar = new Uint8Array(await corpusBytes("go-archive-tar/sparse-formats.tar"));
  const image = await imageOf(tar);
  const fs = memoryFileSystem();
  await extract(image, fs, "/unnamed");
  await extract(image, asDisk(fs), "/named");
  let holes = 0;
  for await (const entry of readTar(streamOf(tar))) {
    const content = await entry.bytes();
    for (const root of ["unnamed", "named"]) {
      const file = await fs.open(`/${root}/${entry.path}`);
      assert.deepEqual(await file.read(0, file.size), content, `${root}/${entry.path}`);
      await file.close();
    }
    holes += content.filter((byte) => byte === 0).length;
  }
  assert.ok(holes > 0);
});

test("extract() takes a layer alone, and a tree that was merged already", async () => {
  const image = await imageOf(["a=1", "b=2"], [".wh.a", "c=3"]);
  const [, upper] = await image.layers();
  assert.ok(upper !== undefined);
  const fs = memoryFileSystem();
  await extract(upper, fs, "/layer");
  assert.deepEqual(await readBack(fs, "/layer"), ["c 644 0:0 0 3 #1"]);
  await extract(await image.rootfs(), fs, "/tree");
  assert.deepEqual((await readBack(fs, "/tree")).map((line) => line[0]), ["b", "c"]);
  const other = { ...await image.rootfs(), stat: () => assert.fail("never") };
  await assert.rejects(extract(other as never, fs, "/other"), TypeError);
});

test("extract() writes what an export has, for random images", async () => {
  for (let seed = 1; seed <= 20; seed++) {
    const tars: Bytes[] = [];
    for (const layer of randomLayers(seed)) tars.push(await tarOf(layer));
    const image = await imageOf(...tars);
    const expected: string[] = [];
    const ids = new Map<string, string>();
    for await (const found of readTar(exportRootfs(image))) {
      const { path, type, mode, uid, gid, mtime, linkPath = "" } = found;
      const tail = `${uid}:${gid} ${mtime}`;
      const kind = mode.toString(8);
      if (type === "directory") expected.push(`${path} ${kind} ${tail}`);
      else if (type === "symlink") expected.push(`${path} -> ${linkPath} ${tail}`);
      else if (type === "file") {
        ids.set(path, `${kind} ${tail} ${await found.text()}`);
        expected.push(`${path} ${ids.get(path)}`);
      } else expected.push(`${path} ${ids.get(linkPath) ?? `-> ${image}`}`);
    }
    const actual = (await extracted(image, true)).map((line) => line.replace(/ #\d+$/, ""));
    const lines = expected.filter((line) => !line.endsWith("[object Object]"));
    for (const line of lines) assert.ok(actual.includes(line), `seed ${seed}: ${line}`);
    assert.equal(actual.length, expected.length, `seed ${seed}`);
  }
});

test("extract() refuses a directory that is not empty, and touches nothing in it", async () => {
  const fs = memoryFileSystem();
  await fs.makeDirectory("/out");
  await (await fs.create("/out/mine")).close();
  const image = await imageOf(["a=1"]);
  await assert.rejects(extract(image, fs, "/out"), { reason: "not-empty" });
  assert.deepEqual((await fs.readDirectory("/out")).map(({ name }) => name), ["mine"]);
});

test("extract() over what is there replaces files and links, and keeps what else there is", async () => {
  const fs = memoryFileSystem();
  const first = await imageOf(["d/", "d/a=old", "d/mine=1", "l->/outside", "f=x"]);
  await extract(first, fs, "/out");
  const second = await imageOf(["d/", "d/a=new", "l=file", "f->d/a", "n/=", "n/b=2"]);
  await extract(second, fs, "/out", { existing: "replace" });
  assert.deepEqual((await readBack(fs, "/out")).map((line) => line.replace(/ #\d+$/, "")), [
    "d/ 755 0:0 0",
    "d/a 644 0:0 0 new",
    "d/mine 644 0:0 0 1",
    "f -> d/a 0:0 0",
    "l 644 0:0 0 file",
    "n/ 755 0:0 0",
    "n/b 644 0:0 0 2",
  ]);
});

test("extract() never writes through a link that is there, and removes no directory", async () => {
  const fs = memoryFileSystem();
  await fs.makeDirectory("/outside");
  await (await fs.create("/outside/a")).close();
  const before = await readBack(fs, "/outside");
  await fs.makeDirectory("/out");
  await fs.symlink("/outside", "/out/d");
  await fs.makeDirectory("/out/is/here", { recursive: true });
  await fs.symlink("/outside/a", "/out/file");
  for (const layer of [["d/", "d/a=evil"], ["d/a=evil"], ["is=1"]]) {
    const image = await imageOf(layer);
    await assert.rejects(extract(image, fs, "/out", { existing: "replace" }), {
      code: "UNSAFE_PATH",
    });
  }
  await extract(await imageOf(["file=mine"]), fs, "/out", { existing: "replace" });
  assert.deepEqual(await readBack(fs, "/outside"), before);
});
