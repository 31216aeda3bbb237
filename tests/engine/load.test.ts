import { test } from "node:test";
import assert from "node:assert/strict";
import {
  chunks,
  failure,
  inspected,
  json,
  messages,
  recorded,
  scripted,
  utf8,
  working,
} from "./scripted.ts";

test("complaint 3: load() names what was loaded, by name and by ID", async () => {
  const cases: readonly [readonly string[], readonly string[]][] = [
    [["Loaded image: app:v1\n"], ["app:v1"]],
    [["Loaded image: a:1\nLoaded image ID: sha256:12\n"], ["a:1", "sha256:12"]],
    [["Loaded ima", "ge: a:1\nLoaded image: b:1\n"], ["a:1", "b:1"]],
    // podman: one line, no line break.
    [["Loaded image: localhost/a:v1,localhost/b:v1"], ["localhost/a:v1", "localhost/b:v1"]],
    [[
      "The image a:1 already exists, renaming the old one with ID sha256:1 to empty string\n",
      "Loaded image: a:1\n",
    ], ["a:1"]],
  ];
  for (const [streams, names] of cases) {
    const { engine, sent } = working(() => messages(...streams.map((stream) => ({ stream }))));
    const result = await engine.images.load(utf8("tar"));
    assert.deepEqual(result.names, names);
    assert.equal(result.images.length, names.length);
    assert.deepEqual(sent[0]?.query, [["quiet", "0"]]);
    assert.equal(sent[0]?.headers.get("content-type"), "application/x-tar");
    assert.equal(sent[0]?.body, "tar");
  }
});

test("load() fails unless something was loaded", async () => {
  const cases: readonly [() => Response, RegExp][] = [
    [() => new Response(""), /does not say that it loaded any/],
    [() => messages({ stream: "nothing to see\n" }), /nothing to see/],
    [() => messages({ errorDetail: { message: "unexpected EOF" } }), /unexpected EOF/],
    [() => json({ message: "bad tar" }, { status: 500 }), /bad tar/],
    // containerd: the image is there, and cannot run.
    [
      () =>
        messages({ stream: "Loaded image: a:1\n" }, { stream: "Error unpacking image a:1: x\n" }),
      /Error unpacking image a:1: x/,
    ],
  ];
  for (const [make, words] of cases) {
    const error = await failure(working(make).engine.images.load(utf8("tar")));
    assert.equal(error["code"], "LOAD_FAILED", String(words));
    assert.match(String(error["message"]), words);
  }
  for (const name of ["load-garbage", "load-bad-oci"]) {
    const reply = await recorded(name);
    const error = await failure(working(() => reply).engine.images.load(utf8("tar")));
    assert.equal(error["code"], "LOAD_FAILED", name);
  }
  for (const name of ["load-ok", "load-quiet"]) {
    const reply = await recorded(name);
    const { names } = await working(() => reply).engine.images.load(utf8("tar"));
    assert.equal(names.length, 1, name);
  }
});

test("load() takes bytes, streams, functions, blobs and files; a failing source fails as itself", async () => {
  const make = () => messages({ stream: "Loaded image: a:1\n" });
  const { engine, sent } = scripted(
    ({ method }) => method === "POST" ? make() : json(inspected()),
    {
      openFile: (path) => Promise.resolve(chunks(`file ${path}`)),
    },
  );
  await engine.images.load(chunks("a", "b"));
  await engine.images.load(() => chunks("opened"));
  await engine.images.load(new Blob(["blob"]));
  await engine.images.load({ file: "x.tar" });
  const bodies = sent.filter(({ method }) => method === "POST").map(({ body }) => body);
  assert.deepEqual(bodies, ["ab", "opened", "blob", "file x.tar"]);
  const without = await failure(working(make).engine.images.load({ file: "x.tar" }));
  assert.equal(without["code"], "UNSUPPORTED_PLACE");
  const broken = new Error("the disk broke");
  const source = new ReadableStream({ pull: () => Promise.reject(broken) }, { highWaterMark: 0 });
  assert.equal(await failure(engine.images.load(source)), broken as unknown);
});

test("load() takes quiet and platforms", async () => {
  const { engine, sent } = working(() => messages({ stream: "Loaded image: a:1\n" }), "1.52");
  await engine.images.load(utf8(""), { quiet: true, platform: ["linux/arm64", "linux/amd64"] });
  assert.deepEqual(sent[0]?.query, [
    ["quiet", "1"],
    ["platform", '{"architecture":"arm64","os":"linux"}'],
    ["platform", '{"architecture":"amd64","os":"linux"}'],
  ]);
});
