import assert from "node:assert/strict";
import { test } from "node:test";
import { streamFrom, streamOf } from "../../lib/bytes/stream_from.ts";
import {
  InvalidInputError,
  isLadingError,
  NotFoundError,
  UnsafePathError,
} from "../../lib/model/errors.ts";
import { memoryFileSystem } from "../../lib/store/memory_file_system.ts";
import { encode, names, open, sent, tree, writeFile } from "./contexts.ts";

test("what is no context is refused before anything is sent", async () => {
  const fs = await tree({ Dockerfile: "" });
  await assert.rejects(open("nowhere", fs), NotFoundError);
  await assert.rejects(open("ctx/Dockerfile", fs), InvalidInputError);
  await assert.rejects(open("ctx"), { code: "UNSUPPORTED_PLACE" });
  await assert.rejects(open({ file: "x.tar" }), { code: "UNSUPPORTED_PLACE" });
  await assert.rejects(open({ remote: "client-session" }), { code: "INVALID_URL" });
  await assert.rejects(open({ remote: "https://example.com/\nx" }), { code: "INVALID_URL" });
  const empty = await tree({ a: "" });
  await assert.rejects(open("ctx", empty), NotFoundError);
});

test("texts are directories, URLs and repositories, and a directory goes before a repository", async () => {
  for (
    const remote of [
      "https://example.com/x.tar.gz",
      "http://example.com/x.git#main:dir",
      "git://example.com/x",
      "git@example.com:x/y.git",
      "github.com/acme/site",
    ]
  ) {
    const opened = await open(remote, await tree({ Dockerfile: "" }), { dockerfile: "D" });
    assert.deepEqual([opened.remote, opened.body, opened.dockerfile], [remote, undefined, "D"]);
  }
  const fs = memoryFileSystem();
  await writeFile(fs, "github.com/acme/Dockerfile", "");
  const local = await open("github.com/acme", fs);
  assert.deepEqual(await names(local), ["Dockerfile"]);
});

test("an entry of bytes needs no size", async () => {
  const body = new TextEncoder().encode("hello");
  assert.deepEqual(await names(await open({ entries: [{ path: "a", body }] })), ["a"]);
});

test("entries are sent as they are, and none that leads upwards", async () => {
  const entries = [
    { path: "Dockerfile", body: "FROM scratch\n" },
    { path: "dir", type: "directory" as const, mode: 0o700 },
    { path: "dir/a", body: () => streamOf(encode("é")), size: 2, uid: 3 },
  ];
  const found = await sent(await open({ entries }));
  assert.deepEqual(found.map(({ name, text, uid }) => [name, text, uid]), [
    ["Dockerfile", "FROM scratch\n", 0],
    ["dir", "", 0],
    ["dir/a", "é", 3],
  ]);
  await assert.rejects(
    names(await open({ entries: [{ path: "../x", body: "" }] })),
    UnsafePathError,
  );
});

test("an error of the file system is that of the context", async () => {
  const broken = new Error("disk on fire");
  const entries = [{
    path: "a",
    size: 5,
    body: () =>
      streamFrom({
        [Symbol.iterator]: () => ({
          next: () => {
            throw broken;
          },
        }),
      }),
  }];
  const opened = await open({ entries });
  await assert.rejects(names(opened), broken);
  assert.equal(opened.failure(), broken);
  assert.equal(isLadingError(opened.failure()), false);
});
