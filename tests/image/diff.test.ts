import assert from "node:assert/strict";
import { test } from "node:test";
import {
  append,
  diff,
  type DiffOptions,
  type Image,
  layerFrom,
  loadImage,
  squash,
} from "../../lib/image/mod.ts";
import type { Bytes } from "../../lib/model/bytes.ts";
import { memoryStore } from "../../lib/store/mod.ts";
import { watched } from "../ops/content.ts";
import { entry, imageOf, putImage, type Short, tarOf } from "./images.ts";
import { randomLayers } from "./random_layers.ts";

const text = (value: string): Bytes => new TextEncoder().encode(value);

/** Shows changes as lines: `+` added, `-` deleted, else what is different. */
async function changes(before: Image, after: Image, options?: DiffOptions): Promise<string[]> {
  const lines: string[] = [];
  for await (const { change, path, what } of diff(before, after, options)) {
    lines.push(`${change === "added" ? "+" : change === "deleted" ? "-" : what.join()} ${path}`);
  }
  return lines;
}

test("diff() tells what was added, changed and deleted, in the order of names", async () => {
  const before = await imageOf(["a=1", "d/", "d/x=old", "d/y=2", "gone/", "gone/z=1", "same=0"]);
  const after = append(
    before,
    await layerFrom([
      { path: "a", body: text("2") },
      { path: "d/x", body: text("longer") },
      { path: "d/new", body: text("n") },
      { path: ".wh.gone" },
    ], { parents: false }),
  );
  const lines = ["content a", "+ d/new", "content d/x", "- gone", "- gone/z"];
  assert.deepEqual(await changes(before, after), lines);
  const found = [];
  for await (const change of diff(before, after)) found.push(change);
  assert.equal(found[0]?.before?.size, 1);
  assert.equal(found[1]?.before, undefined);
  assert.equal(found[1]?.after?.size, 1);
  assert.equal(found[2]?.after?.layer, 1);
  assert.equal(found[3]?.after, undefined);
});

test("diff() tells each aspect apart", async () => {
  const xattrs = new Map([["user.a", text("12")]]);
  const others = new Map([["user.a", text("13")]]);
  const cases: readonly [before: Short, after: Short, expected: string | undefined][] = [
    ["p=1", "p=1", undefined],
    ["p=1", "p=2", "content p"],
    ["p=1", "p=12", "content p"],
    ["p=", "p=", undefined],
    ["p=1", "p->x", "type p"],
    ["p->x", "p->y", "link p"],
    [entry({ path: "p", type: "symlink", linkPath: "x", mode: 0o777 }), "p->x", undefined],
    ["p/", "p=1", "type,mode p"],
    [entry({ path: "p", type: "symlink", linkPath: "x", mode: 0o777 }), "p=1", "type,mode p"],
    ["p=1", entry({ path: "p", type: "symlink", linkPath: "x", mode: 0o777 }), "type,mode p"],
    ["p=1", entry({ path: "p", body: text("1"), mode: 0o4755 }), "mode p"],
    ["p=1", entry({ path: "p", body: text("1"), uid: 1 }), "owner p"],
    ["p=1", entry({ path: "p", body: text("2"), gid: 1, mode: 0o600 }), "content,mode,owner p"],
    ["p=1", entry({ path: "p", body: text("1"), xattrs }), "xattrs p"],
    [
      entry({ path: "p", body: text("1"), xattrs }),
      entry({ path: "p", body: text("1"), xattrs: others }),
      "xattrs p",
    ],
    [
      entry({ path: "p", body: text("1"), xattrs }),
      entry({ path: "p", body: text("1"), xattrs: new Map(xattrs), uid: 1 }),
      "owner p",
    ],
    ["p=1", entry({ path: "p", body: text("1"), userName: "me" }), undefined],
    [
      entry({ path: "p", type: "character-device", deviceMajor: 1 }),
      entry({ path: "p", type: "character-device", deviceMajor: 2 }),
      "device p",
    ],
    ["p=1", entry({ path: "p", body: text("1"), mtime: 5 }), undefined],
  ];
  for (const [i, [before, after, expected]] of cases.entries()) {
    const lines = await changes(await imageOf([before]), await imageOf([after]));
    assert.deepEqual(lines, expected === undefined ? [] : [expected], `case ${i}`);
  }
});

test("diff() counts times when told so", async () => {
  const before = await imageOf(["p=1"]);
  const after = await imageOf([entry({ path: "p", body: text("1"), mtime: 5 })]);
  assert.deepEqual(await changes(before, after, { timestamps: true }), ["mtime p"]);
});

test("diff() takes a directory that no layer mentions for one with mode 0755", async () => {
  const before = await imageOf(["d/x=1"]);
  assert.deepEqual(await changes(before, await imageOf(["d/", "d/x=1"])), []);
  const closed = entry({ path: "d", type: "directory", mode: 0o700 });
  assert.deepEqual(await changes(before, await imageOf([closed, "d/x=1"])), ["mode d"]);
});

test("diff() of a directory and a file lists what was in the directory", async () => {
  const lines = await changes(await imageOf(["p/", "p/a/", "p/a/b=1"]), await imageOf(["p=1"]));
  assert.deepEqual(lines, ["type,mode p", "- p/a", "- p/a/b"]);
});

test("diff() compares trees, not layers", async () => {
  for (let seed = 1; seed <= 10; seed++) {
    const tars: Bytes[] = [];
    for (const layer of randomLayers(seed)) tars.push(await tarOf(layer));
    const image = await imageOf(...tars);
    assert.deepEqual(await changes(image, squash(image, { from: 1 })), [], `seed ${seed}`);
    assert.deepEqual(await changes(squash(image), image, { timestamps: true }), []);
  }
});

test("diff() mirrors itself", async () => {
  const one = await imageOf(...await Promise.all(randomLayers(1).map(tarOf)));
  const two = await imageOf(...await Promise.all(randomLayers(2).map(tarOf)));
  const mirrored = (lines: string[]) =>
    lines.map((line) => line.replace(/^[+-]/, (sign) => sign === "+" ? "-" : "+"));
  const lines = await changes(one, two);
  assert.ok(lines.length > 5);
  assert.deepEqual(mirrored(await changes(two, one)), lines);
});

test("diff() reads shared layers once, and none to compare what they both have", async () => {
  const store = watched(memoryStore());
  const [base, one, two] = [
    await tarOf(["a=1", "b=2"]),
    await tarOf(["c=3", "s=x"]),
    await tarOf(["c=4", "s=longer"]),
  ];
  const before = await loadImage(store, await putImage(store, [base, one]));
  const after = await loadImage(store, await putImage(store, [base, two]));
  const count = async (image: Image, layer: number): Promise<number> => {
    const { digest } = (await image.manifest()).layers[layer] ?? { digest: "" };
    return store.fetched.filter((fetched) => fetched === digest).length;
  };
  assert.deepEqual(await changes(before, after), ["content c", "content s"]);
  assert.equal(await count(before, 0), 1);
  // For the tree, and for the content of c.
  assert.deepEqual([await count(before, 1), await count(after, 1)], [2, 2]);
  store.fetched.length = 0;
  assert.deepEqual(await changes(before, before), []);
  assert.deepEqual([await count(before, 0), await count(before, 1)], [1, 1]);
});

test("diff() compares a file of a shared layer that one image moved", async () => {
  const before = await imageOf(["a=1"], ["x=1"]);
  const after = await imageOf(["a=1"], ["x=>a"]);
  assert.deepEqual(await changes(before, after), []);
  assert.deepEqual(await changes(before, await imageOf(["a=2"], ["x=>a"])), [
    "content a",
    "content x",
  ]);
});

test("diff() stops when its signal does, and takes a limit", async () => {
  const image = await imageOf(["a=1", "b=2"]);
  const reason = new Error("enough");
  const signal = AbortSignal.abort(reason);
  await assert.rejects(changes(image, image, { signal }), (error) => error === reason);
  await assert.rejects(changes(image, image, { maxEntries: 1 }), { code: "LIMIT_EXCEEDED" });
});
