import { test } from "node:test";
import assert from "node:assert/strict";
import { readAll } from "../../lib/bytes/mod.ts";
import { loadImage, loadRootfs } from "../../lib/image/mod.ts";
import {
  DigestMismatchError,
  InvalidTarError,
  isLadingError,
  LimitExceededError,
  NotFoundError,
  UnsafePathError,
} from "../../lib/model/errors.ts";
import { memoryStore } from "../../lib/store/mod.ts";
import { watched } from "../ops/content.ts";
import { imageOf, pathsOf, putImage, type Short, tarOf, textOf } from "./images.ts";

test("the merged tree lists directories before what is in them, in the order of names", async () => {
  const image = await imageOf(["b/", "b/2=", "b/1=", "b-x=", "a/", "a/z/", "a/z/y=", "B="]);
  const paths = ["B", "a/", "a/z/", "a/z/y", "b/", "b/1", "b/2", "b-x"];
  assert.deepEqual(await pathsOf(image), paths);
});

test("an upper layer replaces files, their metadata and their type", async () => {
  const image = await imageOf(
    ["f=old", "d/", "d/x=1", "s->f", "g=1"],
    [
      { path: "f", mode: 0o4755, uid: 1000, gid: 1001, mtime: 5, body: new Uint8Array(3) },
      "d=file",
      "s/",
      "g->f",
    ],
  );
  const rootfs = await image.rootfs();
  const { mode, uid, gid, mtime, size, layer } = rootfs.stat("f");
  assert.deepEqual({ mode, uid, gid, mtime, size, layer }, {
    mode: 0o4755,
    uid: 1000,
    gid: 1001,
    mtime: 5,
    size: 3,
    layer: 1,
  });
  assert.deepEqual(await pathsOf(image), ["d", "f", "g", "s/"]);
  assert.equal(rootfs.stat("g", { follow: false }).linkPath, "f");
});

test("a directory of an upper layer keeps what is in it and takes over the metadata", async () => {
  const image = await imageOf(["d/", "d/x=1"], [{ path: "d/", type: "directory", mode: 0o700 }]);
  assert.deepEqual(await pathsOf(image), ["d/", "d/x"]);
  assert.equal((await image.rootfs()).stat("d").mode, 0o700);
});

test("parents that no layer mentions are made", async () => {
  const rootfs = await (await imageOf(["a/b/c=1"])).rootfs();
  const { type, mode, uid, layer } = rootfs.stat("a/b");
  assert.deepEqual({ type, mode, uid, layer }, {
    type: "directory",
    mode: 0o755,
    uid: 0,
    layer: -1,
  });
});

test("of a path that comes twice in a layer the last one counts", async () => {
  assert.equal(await textOf(await imageOf(["a=1", "a=22", "a=333"]), "a"), "333");
});

test("a hard link reaches a file of a lower layer", async () => {
  const image = await imageOf(["a=1"], ["b=>a"], [".wh.a"]);
  assert.equal(await textOf(image, "b"), "1");
});

test("replacing one name of a file keeps the others", async () => {
  const image = await imageOf(["a=1", "b=>a", "c=>b"], ["b=2"]);
  assert.equal(await textOf(image, "a"), "1");
  assert.equal(await textOf(image, "b"), "2");
  assert.equal(await textOf(image, "c"), "1");
  assert.equal((await image.rootfs()).stat("a").links, 2);
});

test("an entry comes to lie where its directory is at the moment", async () => {
  const moved = await imageOf(["one/", "two/", "l->one", "l/a=1", "l->two", "l/b=2"]);
  assert.deepEqual(await pathsOf(moved), ["l", "one/", "one/a", "two/", "two/b"]);
  const replaced = await imageOf(["d/a=1", "d=file", "d/", "d/b=2"]);
  assert.deepEqual(await pathsOf(replaced), ["d/", "d/b"]);
  const deleted = await imageOf(["one/", "l->one"], ["l/a=1", ".wh.l", "l/b=2"]);
  assert.deepEqual(await pathsOf(deleted), ["l/", "l/b", "one/", "one/a"]);
});

test("names are kept as Linux has them: backslashes, colons and bytes that are no UTF-8", async () => {
  const unit = "lib/systemd/system/system-systemd\\x2dcryptsetup.slice";
  const latin = (byte: number) => Uint8Array.of(0x6e, byte, 0x65);
  const image = await imageOf([
    `${unit}=1`,
    "C:=2",
    { path: "n?e", pathBytes: latin(0xe4), body: Uint8Array.of(1) },
    { path: "n?e", pathBytes: latin(0xf6), body: Uint8Array.of(2) },
    "ünï/😀=3",
  ]);
  assert.equal(await textOf(image, unit), "1");
  assert.equal(await textOf(image, "C:"), "2");
  assert.equal(await textOf(image, "ünï/😀"), "3");
  assert.equal((await pathsOf(image)).filter((path) => path === "n\ufffde").length, 2);
});

test("readFile() follows symbolic links inside of the root, however they are written", async () => {
  const image = await imageOf([
    "usr/lib/os-release=name",
    "etc/os-release->../usr/lib/os-release",
    "abs->/etc/os-release",
    "up->../../../../etc/os-release",
    "dir->usr",
    "chain->abs",
  ]);
  for (
    const path of [
      "/etc/os-release",
      "abs",
      "up",
      "dir/lib/os-release",
      "chain",
      "/./etc//os-release",
    ]
  ) {
    assert.equal(await textOf(image, path), "name", path);
  }
});

test("stat() shows a link itself when it is not followed", async () => {
  const rootfs = await (await imageOf(["a=1", "l->a", "dead->nowhere"])).rootfs();
  assert.equal(rootfs.stat("l").type, "file");
  assert.equal(rootfs.stat("l", { follow: false }).type, "symlink");
  assert.throws(() => rootfs.stat("dead"), NotFoundError);
  assert.equal(rootfs.stat("dead", { follow: false }).linkPath, "nowhere");
  assert.equal(rootfs.stat("/").type, "directory");
});

test("stat() gives a path as entries() does, however it was asked for", async () => {
  const rootfs = await (await imageOf(["d/", "d/f=1"])).rootfs();
  for (const path of ["d/f", "/d/f", "./d//f", "d/./f"]) {
    assert.equal(rootfs.stat(path).path, "d/f", path);
  }
  assert.equal(rootfs.stat("/d/").path, "d");
  assert.deepEqual(["", "/", "."].map((path) => rootfs.stat(path).path), ["", "", ""]);
});

test("links that lead in a circle are not there, and do not take forever", async () => {
  const loop: Short[] = ["a->b", "b->a", "self->self/x"];
  const image = await imageOf(loop);
  for (const path of ["a", "b", "self", "a/b/c"]) {
    await assert.rejects(image.readFile(path), NotFoundError, path);
  }
  const chain = Array.from({ length: 41 }, (_, i): Short => `l${i}->l${i + 1}`);
  const long = await imageOf([...chain, "l41=end"]);
  assert.equal(await textOf(long, "l1"), "end");
  await assert.rejects(long.readFile("l0"), NotFoundError);
});

test("readFile() of a directory, a device and of nothing is refused", async () => {
  const image = await imageOf(["d/", {
    path: "null",
    type: "character-device",
    deviceMajor: 1,
    deviceMinor: 3,
  }]);
  for (const path of ["d", "/", "null"]) {
    await assert.rejects(image.readFile(path), { code: "NOT_A_FILE" }, path);
  }
  for (const path of ["nothing", "d/nothing"]) {
    await assert.rejects(image.readFile(path), NotFoundError, path);
  }
});

test("readFile() refuses a file that is larger than the limit", async () => {
  const image = await imageOf([{ path: "big", body: new Uint8Array(1001) }]);
  assert.equal((await image.readFile("big", { maxBytes: 1001 })).length, 1001);
  await assert.rejects(image.readFile("big", { maxBytes: 1000 }), LimitExceededError);
});

test("entries that cannot be applied are refused", async () => {
  const refused: [string, readonly Short[], readonly Short[]][] = [
    ["below a file of its layer", [], ["a=1", "a/b=2"]],
    ["below a file of a lower layer", ["a=1"], ["a/b=2"]],
    ["below a link to a file", ["a=1", "l->a"], ["l/b=2"]],
    ["below links in a circle", ["l->m", "m->l"], ["l/b=2"]],
    ["a hard link to nothing", [], ["l=>nothing"]],
    ["a hard link to a directory", ["d/"], ["l=>d"]],
    ["a hard link to a file that comes later", [], ["l=>a", "a=1"]],
    ["a name that leads upwards", [], ["../a=1"]],
    ["a name that leads upwards inside", [], ["a/../../x=1"]],
  ];
  for (const [what, lower, upper] of refused) {
    await assert.rejects((await imageOf(lower, upper)).rootfs(), UnsafePathError, what);
  }
});

test("a tree with more paths than the limit is refused", async () => {
  const image = await imageOf(["a=", "b=", "c="], ["d="]);
  const layers = await image.layers();
  await loadRootfs(layers, { maxEntries: 4 });
  await assert.rejects(loadRootfs(layers, { maxEntries: 3 }), LimitExceededError);
  const same = await (await imageOf(["a=", "b="], ["a=", "b="], [".wh.a", "c="])).layers();
  await loadRootfs(same, { maxEntries: 2 });
});

test("links cannot build a tree that is deeper than any path is long", async () => {
  const deep = "d/".repeat(1000);
  const entries: Short[] = [`${deep}`, `l->/${deep}`, `l/${deep}`];
  await assert.rejects((await imageOf(entries)).rootfs(), LimitExceededError);
});

test("a layer that is no archive is refused", async () => {
  await assert.rejects(
    (await imageOf(new Uint8Array(1024).fill(65))).rootfs(),
    InvalidTarError,
  );
});

test("the tree is read once, and a failure is not remembered", async () => {
  const store = memoryStore();
  let broken = true;
  const source = watched(store, {
    fetch(stream, { mediaType }) {
      if (!broken || !mediaType.includes("layer")) return stream;
      return new ReadableStream({ pull: (controller) => controller.error(new Error("cut")) });
    },
  });
  const image = await loadImage(source, await putImage(store, [await tarOf(["a=1"])]));
  await assert.rejects(image.rootfs(), /cut/);
  broken = false;
  const [first, second] = await Promise.all([image.rootfs(), image.rootfs()]);
  assert.equal(first, second);
  assert.equal(source.fetched.length, 4, "manifest, config, the layer that broke, the layer");
});

test("openFile() proves the layer before its stream ends", async () => {
  const store = memoryStore();
  const tar = await tarOf(["a=1", { path: "b", body: new Uint8Array(100_000) }]);
  const descriptor = await putImage(store, [tar]);
  let damage = false;
  const source = watched(store, {
    fetch(stream, { mediaType }) {
      if (!damage || !mediaType.includes("layer")) return stream;
      const changed = tar.slice();
      changed[90_000] = 1;
      return new Response(changed).body as ReadableStream<Uint8Array<ArrayBuffer>>;
    },
  });
  const image = await loadImage(source, descriptor);
  assert.equal(await textOf(image, "a"), "1");
  damage = true;
  await assert.rejects(image.readFile("a"), DigestMismatchError);
});

test("cancelling an opened file cancels the layer once", async () => {
  const store = memoryStore();
  const big = { path: "big", body: new Uint8Array(1_000_000) };
  const source = watched(store);
  const image = await loadImage(source, await putImage(store, [await tarOf([big])]));
  await image.rootfs();
  const read = source.bytesRead;
  const reader = (await image.openFile("big")).getReader();
  await reader.read();
  await reader.cancel("enough");
  assert.equal(source.open, 0);
  assert.equal(source.cancels.length, 1);
  assert.ok(source.bytesRead - read < 200_000, `${source.bytesRead - read} bytes`);
});

test("reading the tree can be aborted", async () => {
  const store = memoryStore();
  const descriptor = await putImage(store, [await tarOf(["a=1"])]);
  const source = watched(store, {
    fetch: (stream, { mediaType }) =>
      mediaType.includes("layer")
        ? new ReadableStream({ pull: () => new Promise(() => {}) })
        : stream,
  });
  const image = await loadImage(source, descriptor);
  const controller = new AbortController();
  const reading = image.rootfs({ signal: controller.signal });
  setTimeout(() => controller.abort("enough"), 5);
  await assert.rejects(reading, (error: unknown) => error === "enough");
  assert.equal(source.open, 0);
});

test("a tree refuses layers whose diffID is another one", async () => {
  const store = memoryStore();
  const config = { rootfs: { type: "layers", diff_ids: [`sha256:${"0".repeat(64)}`] } };
  const image = await loadImage(store, await putImage(store, [await tarOf(["a=1"])], { config }));
  await assert.rejects(
    image.rootfs(),
    (error: unknown) => isLadingError(error) && error.code === "DIGEST_MISMATCH",
  );
  const [layer] = await image.layers();
  if (layer !== undefined) await readAll(await layer.compressed(), { maxBytes: 1 << 20 });
});

test("entries go where their path leads now, after a directory far above was replaced in the same layer", async () => {
  const between = Array.from({ length: 20 }, (_, number) => `other/${number}/x=1`);
  const image = await imageOf([
    "new/in/",
    ...["old/in/x=1", "old/y=1", ...between, "old->new", "old/in/z=1", "old/c=1"],
  ]);
  const paths = (await pathsOf(image)).filter((path) => !path.startsWith("other/"));
  assert.deepEqual(paths, ["new/", "new/c", "new/in/", "new/in/z", "old"]);
});
