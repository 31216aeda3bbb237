import assert from "node:assert/strict";
import { test } from "node:test";
import { readAll } from "../../lib/bytes/read_all.ts";
import { streamFrom, streamOf } from "../../lib/bytes/stream_from.ts";
import type { BuildContext } from "../../lib/engine/build_context.ts";
import {
  InvalidInputError,
  isLadingError,
  NotFoundError,
  UnsafePathError,
} from "../../lib/model/errors.ts";
import { memoryFileSystem } from "../../lib/store/memory_file_system.ts";
import { writeTar } from "../../lib/tar/writer.ts";
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

test("a scheme is known in capitals, and at the begin of a text alone", async () => {
  const opened = await open("HTTPS://example.com/x.git");
  assert.equal(opened.remote, "HTTPS://example.com/x.git");
  const fs = memoryFileSystem();
  await writeFile(fs, "my-http://x/Dockerfile", "");
  assert.deepEqual(await names(await open("my-http://x", fs)), ["Dockerfile"]);
});

test("a Dockerfile from outside is refused where the context has no outside", async () => {
  const contexts: readonly BuildContext[] = [
    { entries: [] },
    { dockerfile: "FROM scratch" },
    new Uint8Array(1024),
    { remote: "https://example.com/x" },
    "https://example.com/x",
  ];
  for (const context of contexts) {
    for (const dockerfile of ["..", "../D", "a/../../D"]) {
      await assert.rejects(open(context, undefined, { dockerfile }), { code: "INVALID_CONTEXT" });
    }
  }
  for (const dockerfile of ["..D", "a/../D", "a/..", "a../D"]) {
    assert.equal((await open({ entries: [] }, undefined, { dockerfile })).dockerfile, dockerfile);
  }
  const content = { dockerfile: { content: "FROM scratch" } };
  await assert.rejects(open({ remote: "https://example.com/x" }, undefined, content), TypeError);
});

test("an archive is bytes, a stream, a blob or a function, also where a Dockerfile is added", async () => {
  const archive = await readAll(writeTar([{ path: "a", body: encode("a") }]), { maxBytes: 1e4 });
  const contexts: readonly BuildContext[] = [
    archive,
    streamOf(archive.slice()),
    new Blob([archive]),
    () => streamOf(archive.slice()),
  ];
  for (const context of contexts) {
    const isStream = context instanceof ReadableStream;
    const opened = await open(context, undefined, { dockerfile: "a" });
    assert.deepEqual([opened.dockerfile, await names(opened)], ["a", ["a"]]);
    const again = isStream ? streamOf(archive.slice()) : context;
    const dockerfile = { content: encode("FROM scratch") };
    const added = await open(again, undefined, { dockerfile });
    assert.deepEqual(await names(added), ["a", added.dockerfile, ".dockerignore"]);
  }
});

test("a Dockerfile and a .dockerignore have at most 4 MiB", async () => {
  const most = `${"#".repeat(1023)}\n`.repeat(4096);
  const limit = { code: "LIMIT_EXCEEDED", limit: most.length };
  const entries = { entries: [] };
  await open(entries, undefined, { dockerfile: { content: most } });
  const longer = { dockerfile: { content: `${most}#` } };
  await assert.rejects(open(entries, undefined, longer), limit);
  for (const name of ["Dockerfile", ".dockerignore"]) {
    const tooLong = await tree({ Dockerfile: "", [name]: `${most}#` });
    await assert.rejects(open("ctx", tooLong), limit, name);
    await open("ctx", await tree({ Dockerfile: "", [name]: most }));
  }
});

test("times on request are whole seconds, of a number or of a date", async () => {
  const fs = await tree({ Dockerfile: "", a: "" });
  for (const mtime of [5.9, new Date(5900)]) {
    const found = await sent(await open("ctx", fs, { mtime }));
    assert.deepEqual(found.map((entry) => entry.mtime), [5, 5]);
  }
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
