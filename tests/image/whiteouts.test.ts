import { test } from "node:test";
import assert from "node:assert/strict";
import { UnsafePathError } from "../../lib/model/errors.ts";
import type { Bytes } from "../../lib/model/bytes.ts";
import { corpusBytes, corpusJSON } from "../support/corpus.ts";
import { imageOf, pathsOf, textOf } from "./images.ts";

interface Table {
  readonly cases: readonly { readonly after: readonly string[]; readonly archive: string }[];
}

test("the merged tree equals umoci's after each layer of the whiteout table", async () => {
  const { cases } = await corpusJSON<Table>("tables/layer-whiteouts.json");
  const layers: Bytes[] = [];
  for (const { archive, after } of cases) {
    layers.push(new Uint8Array(await corpusBytes(archive)));
    const paths = await pathsOf(await imageOf(...layers));
    assert.deepEqual(paths.sort(), [...after].sort(), archive);
  }
  assert.equal(layers.length, 4);
});

test("a whiteout deletes files, links and whole directories of lower layers", async () => {
  const image = await imageOf(
    ["a/", "a/b/", "a/b/c=1", "file=1", "link->file", "keep=1"],
    [".wh.a", ".wh.file", ".wh.link"],
  );
  assert.deepEqual(await pathsOf(image), ["keep"]);
});

test("a whiteout keeps what its own layer adds, wherever it stands in the layer", async () => {
  for (const upper of [[".wh.a", "a/", "a/new=2"], ["a/", "a/new=2", ".wh.a"]]) {
    const image = await imageOf(["a/", "a/old=1"], upper);
    assert.deepEqual(await pathsOf(image), ["a/", "a/new"], upper.join(" "));
  }
  for (const upper of [["f=2", ".wh.f"], [".wh.f", "f=2"]]) {
    assert.equal(await textOf(await imageOf(["f=1"], upper), "f"), "2");
  }
});

test("an opaque marker hides lower layers only, wherever it stands", async () => {
  for (const upper of [["d/", "d/.wh..wh..opq", "d/new=2"], ["d/", "d/new=2", "d/.wh..wh..opq"]]) {
    const image = await imageOf(["d/", "d/old=1", "d/sub/", "d/sub/x=1"], upper);
    assert.deepEqual(await pathsOf(image), ["d/", "d/new"], upper.join(" "));
  }
});

test("an opaque marker keeps a directory whose content its own layer adds", async () => {
  const image = await imageOf(["d/sub/old=1"], ["d/sub/new=2", "d/.wh..wh..opq"]);
  assert.deepEqual(await pathsOf(image), ["d/", "d/sub/", "d/sub/new"]);
});

test("a whiteout of what is not there changes nothing, and makes no directory", async () => {
  const image = await imageOf(["a=1"], [".wh.b", "x/y/.wh.z", "no/.wh..wh..opq", "a/.wh.b"]);
  assert.deepEqual(await pathsOf(image), ["a"]);
});

test("a whiteout never follows a link at its end", async () => {
  const image = await imageOf(["etc/", "etc/passwd=x", "link->/etc"], [".wh.link"]);
  assert.deepEqual(await pathsOf(image), ["etc/", "etc/passwd"]);
});

test("a whiteout of one name of a file keeps its other names", async () => {
  const image = await imageOf(["a=1", "b=>a"], [".wh.a"]);
  assert.equal(await textOf(image, "b"), "1");
  assert.equal((await image.rootfs()).stat("b").links, 1);
});

test("a file that was deleted can come back", async () => {
  const image = await imageOf(["a=1"], [".wh.a"], ["a=3"]);
  assert.equal(await textOf(image, "a"), "3");
});

test("only the last part of a path is a whiteout", async () => {
  const image = await imageOf(["etc/", "etc/passwd=x"], [".wh.etc/file=1"]);
  assert.deepEqual(await pathsOf(image), [".wh.etc/", ".wh.etc/file", "etc/", "etc/passwd"]);
});

test("metadata of AUFS is left out", async () => {
  const image = await imageOf([".wh..wh.plnk/", ".wh..wh.plnk/1.2=x", ".wh..wh.aufs=", "a=1"]);
  assert.deepEqual(await pathsOf(image), ["a"]);
});

test("whiteouts of the directory itself and of the one above are refused", async () => {
  for (const name of [".wh..", ".wh...", "etc/.wh..", "etc/.wh...", ".wh.", "etc/.wh."]) {
    const image = await imageOf(["etc/", "etc/passwd=x"], [name]);
    await assert.rejects(image.rootfs(), UnsafePathError, name);
  }
});

test("markers of overlayfs are files like any other", async () => {
  const image = await imageOf(["a=1"], [
    { path: "a", type: "character-device", deviceMajor: 0, deviceMinor: 0 },
  ]);
  assert.equal((await image.rootfs()).stat("a").type, "character-device");
});
