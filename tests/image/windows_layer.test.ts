import assert from "node:assert/strict";
import { test } from "node:test";
import { streamOf } from "../../lib/bytes/mod.ts";
import {
  append,
  emptyImage,
  flatten,
  type Layer,
  layerFrom,
  rewriteLayers,
  squash,
} from "../../lib/image/mod.ts";
import { memoryUploads } from "../../lib/server/mod.ts";
import type { TarInput } from "../../lib/tar/mod.ts";
import { entry, type Short, tarOf } from "./images.ts";

const WINDOWS = { os: "windows" } as const;

/** Owner and group BUILTIN\Users, no access list: what other tools write too. */
const USERS = "AQAAgBQAAAAkAAAAAAAAAAAAAAABAgAAAAAABSAAAAAhAgAAAQIAAAAAAAUgAAAAIQIAAA==";

/** Lists a layer: the type and the name of each entry, where links lead, and its attributes. */
async function listed(layer: Layer): Promise<string[]> {
  const lines: string[] = [];
  for await (const { path, type, linkPath, pax } of layer.entries()) {
    const text = (key: string): string => new TextDecoder().decode(pax.get(key));
    assert.equal(text("MSWINDOWS.rawsd"), USERS, path);
    const to = linkPath === undefined ? "" : ` > ${linkPath}`;
    lines.push(`${type} ${path}${to} ${text("MSWINDOWS.fileattr")}`.trimEnd());
  }
  return lines;
}

const TREE: readonly Short[] = [
  "link->lib/deep",
  "app.exe=MZ",
  "lib/deep/a.dll=a",
  "lib/same=>app.exe",
  "lib/up->../lib",
  "lib/absolute->/lib/deep",
  "lib/file->../app.exe",
  "lib/.wh.old.dll=",
];

test("layerFrom() gives a layer for Windows the form that Windows wants", async () => {
  const layer = await layerFrom(TREE.map(entry), WINDOWS);
  assert.deepEqual(await listed(layer), [
    "directory Files/",
    "file Files/app.exe",
    "directory Files/lib/",
    "file Files/lib/.wh.old.dll",
    "symlink Files/lib/absolute > /lib/deep 1040",
    "directory Files/lib/deep/",
    "file Files/lib/deep/a.dll",
    "symlink Files/lib/file > ../app.exe",
    "symlink Files/lib/up > ../lib 1040",
    "symlink Files/link > lib/deep 1040",
    "directory Hives/",
    "hardlink Files/lib/same > Files/app.exe",
  ]);
});

test("layerFrom() rewrites an archive for Windows in its order, with the directories it lacks", async () => {
  const tar = await tarOf(["a/b/one=1", "a/two=>a/b/one", "./", "c/", "link->c", "a/b/three=3"]);
  assert.deepEqual(await listed(await layerFrom(tar, WINDOWS)), [
    "directory Files/",
    "directory Hives/",
    "directory Files/a/",
    "directory Files/a/b/",
    "file Files/a/b/one",
    "hardlink Files/a/two > Files/a/b/one",
    "directory Files/c/",
    "symlink Files/link > c 1040",
    "file Files/a/b/three",
  ]);
  assert.deepEqual(await listed(await layerFrom(tar, { ...WINDOWS, parents: false })), [
    "directory Files/",
    "directory Hives/",
    "file Files/a/b/one",
    "hardlink Files/a/two > Files/a/b/one",
    "directory Files/c/",
    "symlink Files/link > c 1040",
    "file Files/a/b/three",
  ]);
  assert.deepEqual(
    await listed(await layerFrom(await tarOf(["x=1"]), { ...WINDOWS, prefix: "/p/q" })),
    [
      "directory Files/",
      "directory Hives/",
      "directory Files/p/",
      "directory Files/p/q/",
      "file Files/p/q/x",
    ],
  );
});

// Written once; every runtime, and every day, has to come to the same.
test("layers for Windows have the same digest on every runtime and day", async () => {
  const layer = await layerFrom(TREE.map(entry), { ...WINDOWS, prefix: "/app" });
  const other = await layerFrom([...TREE].reverse().map(entry), { ...WINDOWS, prefix: "/app" });
  assert.equal(layer.descriptor().digest, other.descriptor().digest);
  assert.equal(
    await layer.diffID(),
    "sha256:43e7fd9b2405330089ec086b63175a3a430c1dffe97233d94a4f0507216cb1ff",
  );
  const archive = await layerFrom(await tarOf(TREE), WINDOWS);
  assert.equal(
    await archive.diffID(),
    "sha256:496885b8d8bb5dd0192ab3815edf38e98b88eca9033b179cdd73d474edd23ccf",
  );
});

test("layers for Windows keep what entries say of themselves, and so does a rewrite", async () => {
  const pax = new Map([["MSWINDOWS.rawsd", "AQA="], ["MSWINDOWS.fileattr", "34"]]);
  const hidden: TarInput = { path: "hidden", pax, mtime: 7, body: Uint8Array.of(1) };
  const records = async (layer: Layer): Promise<string[][]> => {
    const found: string[][] = [];
    for await (const { path, pax } of layer.entries()) {
      if (path !== "Files/hidden") continue;
      for (const [key, value] of pax) found.push([key, new TextDecoder().decode(value)]);
    }
    return found;
  };
  const own = [["MSWINDOWS.fileattr", "34"], ["MSWINDOWS.rawsd", "AQA="]];
  const spool = memoryUploads();
  for (const source of [[hidden], streamOf(await tarOf([hidden]))]) {
    const layer = await layerFrom(source, { ...WINDOWS, spool });
    assert.deepEqual(await records(layer), own);
    const image = append(emptyImage({ os: "windows", architecture: "amd64" }), layer);
    const [rewritten] = await rewriteLayers(image, { mtime: 9 }).layers();
    assert.ok(rewritten !== undefined);
    assert.notEqual(await rewritten.diffID(), await layer.diffID());
    assert.deepEqual(await records(rewritten), own);
  }
});

test("layerFrom() refuses for Windows what Windows cannot have, or has already", async () => {
  const names = ["a:b", "a\\b", "what?", "a*", 'a"b', "a<b", "a|b", "a\u0001b"];
  for (const path of [...names, "Files/a", "files", "Hives/x"]) {
    for (const source of [[{ path }], await tarOf([{ path }])]) {
      const name = "RangeError";
      await assert.rejects(layerFrom(source, WINDOWS), { name }, path);
      assert.ok(await layerFrom(source, { os: "linux" }), path);
    }
  }
  const raw = { path: "", pathBytes: Uint8Array.of(0x61, 0xff) };
  await assert.rejects(layerFrom([raw], WINDOWS), { name: "RangeError" });
  const moved = await layerFrom([{ path: "Files" }], { ...WINDOWS, prefix: "/app" });
  assert.deepEqual((await listed(moved)).at(2), "file Files/app/Files");
});

test("layers for Linux have no records of Windows, whatever the name of the system", async () => {
  const tar = await tarOf(["a=1"]);
  const plain = await (await layerFrom(tar)).diffID();
  for (const os of ["linux", "Windows", undefined]) {
    assert.equal(await (await layerFrom(tar, { os })).diffID(), plain, os);
  }
});

test("flatten() and squash() keep what layers say of files of Windows", async () => {
  const layer = await layerFrom(TREE.slice(0, 4).map(entry), WINDOWS);
  const image = append(
    emptyImage({ os: "windows", architecture: "amd64" }),
    layer,
    await layerFrom(["b.dll=b"].map(entry), WINDOWS),
  );
  for (const made of [flatten(image), squash(image)]) {
    const layers = await made.layers();
    assert.equal(layers.length, 1);
    const lines = (await Promise.all(layers.map(listed))).flat().sort();
    assert.deepEqual(lines, [
      "directory Files/",
      "directory Files/lib/",
      "directory Files/lib/deep/",
      "directory Hives/",
      "file Files/app.exe",
      "file Files/b.dll",
      "file Files/lib/deep/a.dll",
      "hardlink Files/lib/same > Files/app.exe",
      "symlink Files/link > lib/deep 1040",
    ]);
  }
});
