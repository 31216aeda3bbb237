import { test } from "node:test";
import assert from "node:assert/strict";
import { readAll, streamOf } from "../../lib/bytes/mod.ts";
import { exportRootfs, type Image, loadImage } from "../../lib/image/mod.ts";
import { memoryStore } from "../../lib/store/mod.ts";
import { readTar, type TarEntry } from "../../lib/tar/mod.ts";
import { watched } from "../ops/content.ts";
import { imageOf, pathsOf, putImage, type Short, tarOf } from "./images.ts";

type Exported = TarEntry & { readonly content: string };

async function exported(image: Image): Promise<Exported[]> {
  const archive = await readAll(exportRootfs(image), { maxBytes: 1 << 26 });
  const entries: Exported[] = [];
  for await (const entry of readTar(streamOf(archive))) {
    const content = entry.type === "file" ? await entry.text() : "";
    entries.push(Object.assign(Object.create(entry), { content }) as Exported);
  }
  return entries;
}

function find(entries: readonly Exported[], path: string): Exported {
  const found = entries.find((entry) => entry.path.replace(/\/$/, "") === path);
  assert.ok(found !== undefined, `${path} is not in the archive`);
  return found;
}

const LAYERS: readonly (readonly Short[])[] = [
  [
    { path: "./", type: "directory", mode: 0o711, uid: 7 },
    "etc/",
    "etc/old=1",
    "etc/passwd=root",
    "usr/bin/tool=v1",
    "usr/bin/same=>usr/bin/tool",
    "tmp/",
    "tmp/x=1",
    "sym->usr/bin/tool",
  ],
  [
    "etc/.wh.old",
    "usr/bin/tool=v2",
    "tmp/",
    "tmp/.wh..wh..opq",
    "tmp/y=2",
    { path: "null", type: "character-device", deviceMajor: 1, deviceMinor: 3, mode: 0o666 },
    { path: "pipe", type: "fifo" },
    "empty=",
    "again=>etc/passwd",
  ],
];

function deferred(): { readonly promise: Promise<void>; readonly resolve: () => void } {
  let resolve = () => {};
  const promise = new Promise<void>((done) => resolve = done);
  return { promise, resolve };
}

test("exportRootfs() writes what the layers come to", async () => {
  const image = await imageOf(...LAYERS);
  const entries = await exported(image);
  const names = entries.map(({ path }) => path.replace(/\/$/, "")).filter((path) => path !== ".");
  assert.deepEqual(
    names.sort(),
    (await pathsOf(image)).map((path) => path.replace(/\/$/, "")).sort(),
  );
  assert.equal(find(entries, "usr/bin/tool").content, "v2");
  assert.equal(find(entries, "usr/bin/same").content, "v1");
  assert.equal(find(entries, "tmp/y").content, "2");
  assert.equal(find(entries, "sym").linkPath, "usr/bin/tool");
  assert.equal(find(entries, ".").mode, 0o711);
  assert.equal(find(entries, ".").uid, 7);
  const device = find(entries, "null");
  assert.deepEqual([device.type, device.deviceMajor, device.deviceMinor], [
    "character-device",
    1,
    3,
  ]);
  assert.equal(find(entries, "pipe").type, "fifo");
  assert.equal(find(entries, "empty").size, 0);
});

test("exportRootfs() writes directories after what is in them, and hard links after their file", async () => {
  const entries = await exported(
    await imageOf(...LAYERS, ["zz=>usr/bin/same", "aa=>usr/bin/tool"]),
  );
  const closed = new Set<string>();
  const seen = new Set<string>();
  for (const { path: raw, type, linkPath = "" } of entries) {
    const path = raw.replace(/\/$/, "");
    const parent = path.includes("/") ? path.slice(0, path.lastIndexOf("/")) : ".";
    assert.ok(!closed.has(parent), `${path} comes after its directory`);
    if (type === "directory") closed.add(path);
    if (type === "hardlink") assert.ok(seen.has(linkPath), `${path} links to ${linkPath}`);
    seen.add(path);
  }
  assert.deepEqual([...closed].sort(), [".", "etc", "tmp", "usr", "usr/bin"]);
  const links = entries.filter(({ type }) => type === "hardlink");
  assert.deepEqual(links.map(({ path, linkPath }) => [linkPath, path]).sort(), [
    ["aa", "usr/bin/tool"],
    ["again", "etc/passwd"],
    ["usr/bin/same", "zz"],
  ]);
});

test("exportRootfs() keeps times that differ by less than a number tells", async () => {
  const times = [17n, 17n, 16n].map((seconds) => seconds * 100_000_000_000_000_000n);
  times.push(...times.map((time) => time + 1n), ...times);
  const image = await imageOf(times.map((mtimeNs, i) => ({ path: `${i}`, mtimeNs })));
  const entries = await exported(image);
  assert.deepEqual(times.map((_, i) => find(entries, `${i}`).mtimeNs), times);
});

test("exportRootfs() keeps modes, owners, times, attributes and names in any bytes", async () => {
  const value = Uint8Array.of(0, 61, 255);
  const name = Uint8Array.of(0x62, 0xe4);
  const image = await imageOf([
    {
      path: "f",
      mode: 0o6755,
      uid: 3_000_000,
      gid: 12,
      mtimeNs: 1_234_567_890_123_456_789n,
      userName: "somebody",
      xattrs: new Map([["security.capability", value]]),
      body: Uint8Array.of(1),
    },
    { path: "b?", pathBytes: name, body: Uint8Array.of(2) },
    { path: "l", type: "symlink", linkPath: "b?", linkPathBytes: name },
  ]);
  const entries = await exported(image);
  const file = find(entries, "f");
  assert.deepEqual([file.mode, file.uid, file.gid], [0o6755, 3_000_000, 12]);
  assert.equal(file.mtimeNs, 1_234_567_890_123_456_789n);
  assert.deepEqual(file.xattrs.get("security.capability"), value);
  assert.equal(file.userName, "", "names are the image's, not the host's");
  assert.deepEqual(find(entries, "b\ufffd").pathBytes, name);
  assert.deepEqual(find(entries, "l").linkPathBytes, name);
});

test("exportRootfs() gives the same bytes each time, and of its own export again", async () => {
  const image = await imageOf(...LAYERS);
  const first = await readAll(exportRootfs(image), { maxBytes: 1 << 26 });
  assert.deepEqual(await readAll(exportRootfs(image), { maxBytes: 1 << 26 }), first);
  const flat = await imageOf(first);
  assert.deepEqual(await pathsOf(flat), await pathsOf(image));
});

test("flattening some layers first changes nothing", async () => {
  const last: Short[] = [
    ".wh.sym",
    "etc/passwd=new",
    "tmp/.wh.y",
    "usr/bin/.wh..wh..opq",
    "usr/bin/z=1",
  ];
  const whole = await imageOf(...LAYERS, last);
  const lower = await readAll(exportRootfs(await imageOf(...LAYERS)), { maxBytes: 1 << 26 });
  const folded = await imageOf(lower, last);
  assert.deepEqual(await pathsOf(folded), await pathsOf(whole));
  for await (const { path, type } of whole.files()) {
    if (type !== "file") continue;
    assert.deepEqual(await folded.readFile(path), await whole.readFile(path), path);
  }
});

test("exportRootfs() reads layers again only for files that survive, and holds no file", async () => {
  const store = memoryStore();
  const source = watched(store);
  const big = new Uint8Array(3_000_000).fill(7);
  const tars = [await tarOf(["gone=1"]), await tarOf([".wh.gone", { path: "big", body: big }])];
  const image = await loadImage(source, await putImage(store, tars));
  const reader = exportRootfs(image).getReader();
  let written = 0;
  let largest = 0;
  for (let next = await reader.read(); !next.done; next = await reader.read()) {
    written += next.value.length;
    largest = Math.max(largest, next.value.length);
  }
  assert.ok(written > big.length);
  assert.ok(largest <= 1 << 20, `a chunk of ${largest} bytes`);
  assert.equal(source.fetched.length, 2 + 2 + 1, "manifest, config, both layers, and one again");
});

test("cancelling an export cancels the layer that is read", async () => {
  const store = memoryStore();
  const source = watched(store);
  const tar = await tarOf([{ path: "big", body: new Uint8Array(3_000_000) }]);
  const image = await loadImage(source, await putImage(store, [tar]));
  const reader = exportRootfs(image).getReader();
  for (let i = 0; i < 3; i++) await reader.read();
  await reader.cancel("enough");
  assert.equal(source.open, 0);
  assert.equal(source.cancels.length, 1);
});

test("cancelling an export cancels a layer that is waited for", async () => {
  const store = memoryStore();
  const { promise: waiting, resolve: isWaitedFor } = deferred();
  let cancels = 0;
  const source = watched(store, {
    fetch: (stream, { mediaType }) =>
      mediaType.includes("layer")
        ? new ReadableStream({
          pull() {
            isWaitedFor();
            return new Promise(() => {});
          },
          cancel: () => void cancels++,
        }, { highWaterMark: 0 })
        : stream,
  });
  const image = await loadImage(source, await putImage(store, [await tarOf(["a=1"])]));
  const reader = exportRootfs(image).getReader();
  const reading = reader.read();
  await waiting;
  await reader.cancel();
  assert.equal((await reading).done, true);
  assert.equal(cancels, 1);
});

test("an export whose signal aborts errors with the reason at once", async () => {
  const store = memoryStore();
  const source = watched(store, {
    fetch: (stream, { mediaType }) =>
      mediaType.includes("layer")
        ? new ReadableStream({ pull: () => new Promise(() => {}) })
        : stream,
  });
  const image = await loadImage(source, await putImage(store, [await tarOf(["a=1"])]));
  const controller = new AbortController();
  const reading = readAll(exportRootfs(image, { signal: controller.signal }), {
    maxBytes: 1 << 20,
  });
  setTimeout(() => controller.abort("enough"), 5);
  await assert.rejects(reading, (error: unknown) => error === "enough");
  await new Promise((resolve) => setTimeout(resolve, 5));
  assert.equal(source.open, 0);
});

test("an export of a damaged layer errors and never ends well", async () => {
  const store = memoryStore();
  const tar = await tarOf(["a=1", "b=2"]);
  let fetches = 0;
  const source = watched(store, {
    fetch(stream, { mediaType }) {
      if (!mediaType.includes("layer") || ++fetches === 1) return stream;
      const damaged = tar.slice();
      damaged[512] = 0x39;
      return streamOf(damaged);
    },
  });
  const image = await loadImage(source, await putImage(store, [tar]));
  await assert.rejects(
    readAll(exportRootfs(image), { maxBytes: 1 << 20 }),
    { code: "DIGEST_MISMATCH" },
  );
});
