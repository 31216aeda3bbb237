import { test } from "node:test";
import assert from "node:assert/strict";
import {
  DIGEST,
  failure,
  inspected,
  json,
  messages,
  pulled,
  recorded,
  scripted,
  utf8,
  working,
} from "./scripted.ts";

test("import() sends an archive as one, and gives the image", async () => {
  const { engine, sent } = working(() => messages({ status: DIGEST }));
  const image = await engine.images.import(utf8("tar"), {
    name: "r.test/site:dev",
    changes: ["CMD a", 'ENV x="ü"'],
    message: "hello",
    platform: "linux/arm64",
  });
  assert.equal(image.size, 10);
  assert.deepEqual(sent[0]?.query, [
    ["fromSrc", "-"],
    ["repo", "r.test/site:dev"],
    ["changes", "CMD a"],
    ["changes", 'ENV x="ü"'],
    ["message", "hello"],
    ["platform", "linux/arm64"],
  ]);
  // Engines swallow the body of a form.
  assert.equal(sent[0]?.headers.get("content-type"), "application/x-tar");
  assert.equal(sent[0]?.body, "tar");
  assert.equal(sent[1]?.path, `/images/${DIGEST}/json`);
});

test("import() of a URL sends no body, and reads past the empty line after the download", async () => {
  const { engine, sent } = working(() =>
    messages(
      { status: "Downloading from http://a.test/x.tar" },
      { status: "Importing", progressDetail: { current: 1, total: 2 } },
      {},
      { status: DIGEST },
    )
  );
  await engine.images.import({ url: "http://a.test/x.tar" }, { name: "site" });
  assert.deepEqual(sent[0]?.query, [
    ["fromSrc", "http://a.test/x.tar"],
    ["repo", "site:latest"],
  ]);
  assert.equal(sent[0]?.body, "");
  for (const url of ["ftp://a/x", "-", "x.tar", "file:///etc/passwd", "http://a/\nb"]) {
    assert.throws(() => engine.images.import({ url }), { code: "INVALID_URL" }, url);
  }
});

test("import() of an image pulls it and names it", async () => {
  const { engine, sent } = scripted(({ method, path }) => {
    if (path === "/images/create") return pulled();
    return method === "POST" ? new Response(null, { status: 201 }) : json(inspected());
  });
  await engine.images.import({ image: "app:1" }, { name: "mine:2" });
  assert.deepEqual(sent.map(({ method, path }) => `${method} ${path}`), [
    "POST /images/create",
    "GET /images/app:1/json",
    `POST /images/sha256:${"5f".repeat(32)}/tag`,
    "GET /images/mine:2/json",
  ]);
  const changed = { changes: ["CMD a"] };
  assert.throws(() => engine.images.import({ image: "app" }, changed), TypeError);
});

test("import() fails unless the engine tells an ID", async () => {
  const reply = await recorded("import");
  const image = await working(() => reply).engine.images.import(utf8("tar"));
  assert.equal(image.size, 10);
  const cases: readonly (() => Response)[] = [
    () => messages({ status: "Importing" }),
    () => json({ message: "ApplyLayer exit status 1: unexpected EOF" }, { status: 500 }),
    () => messages({ error: "no space left" }),
  ];
  for (const make of cases) {
    const error = await failure(working(make).engine.images.import(utf8("tar")));
    assert.equal(error["code"], "LOAD_FAILED");
  }
  for (const change of ["", " ", "CMD a\nRUN b"]) {
    const { engine } = working(() => messages());
    assert.throws(() => engine.images.import(utf8(""), { changes: [change] }), TypeError);
  }
});
