import assert from "node:assert/strict";
import { test } from "node:test";
import type { BuildFiles } from "../../lib/engine/build_files.ts";
import { readAll } from "../../lib/bytes/read_all.ts";
import { gzip } from "../../lib/compress/gzip.ts";
import type { Bytes } from "../../lib/model/bytes.ts";
import { NotFoundError } from "../../lib/model/errors.ts";
import { memoryFileSystem } from "../../lib/store/memory_file_system.ts";
import { writeTar } from "../../lib/tar/writer.ts";
import { encode, names, open, sent, tree, writeFile } from "./contexts.ts";

test("a Dockerfile is added to an archive, compressed or not, and hidden", async () => {
  const archive = async (ignore: string | undefined): Promise<Bytes> => {
    const entries = [{ path: "./a", body: encode("a") }];
    const more = ignore === undefined ? [] : [{ path: "./.dockerignore", body: encode(ignore) }];
    return await readAll(gzip(writeTar([...more, ...entries])), { maxBytes: 1e6 });
  };
  for (const ignore of [undefined, "*.log"]) {
    const opened = await open(await archive(ignore), undefined, {
      dockerfile: { content: "FROM scratch\n" },
    });
    const name = opened.dockerfile ?? "";
    assert.match(name, /^\.dockerfile\.[0-9a-f]{20}$/);
    const entries = await sent(opened);
    assert.deepEqual(entries.map((entry) => entry.name), ["./a", name, ".dockerignore"]);
    assert.equal(entries[1]?.text, "FROM scratch\n");
    assert.equal(entries[2]?.text, `${ignore ?? ".dockerignore"}\n${name}\n`);
  }
});

test("what an archive has under the names that are added is taken over or left out", async () => {
  const content = "FROM scratch\n";
  const { dockerfile: name = "" } = await open({ entries: [] }, undefined, {
    dockerfile: { content },
  });
  const archive = await readAll(
    writeTar([
      { path: name, body: encode("old") },
      { path: `./${name}`, body: encode("older") },
      { path: ".//.dockerignore", body: encode("*.log") },
      { path: ".docker/ignore", body: encode("another") },
    ]),
    { maxBytes: 1e5 },
  );
  const entries = await sent(await open(archive, undefined, { dockerfile: { content } }));
  assert.deepEqual(entries.map((entry) => [entry.name, entry.text]), [
    [".docker/ignore", "another"],
    [name, content],
    [".dockerignore", `*.log\n${name}\n`],
  ]);
});

test("a Dockerfile from outside is the only one that BuildKit gets, and .dockerignore stays", async () => {
  const fs = await tree({ Dockerfile: "x", a: "", [".dockerignore"]: ".dockerignore\n" });
  await writeFile(fs, "other/D", "FROM scratch\n");
  await writeFile(fs, "other/D.dockerignore", "a\n");
  const opened = await open("ctx", fs, { dockerfile: "../other/D", isBuildKit: true });
  assert.deepEqual(await names(opened), [".dockerignore", "Dockerfile", opened.dockerfile]);
});

test("the Dockerfile is found as docker-py's process_dockerfile finds it", async () => {
  const fs = memoryFileSystem();
  await writeFile(fs, "src/foo/Dockerfile.foo", "FROM foo");
  await writeFile(fs, "src/baz/Dockerfile.baz", "FROM baz");
  await writeFile(fs, "src/baz/hello/world/custom.dockerfile", "FROM hello");
  await writeFile(fs, "src/baz/dockerfile", "FROM lower");
  const at = async (dockerfile: string | undefined, root = "/src/baz") => {
    const { dockerfile: name, content } = await open(root, fs, { dockerfile });
    return [name?.replace(/[0-9a-f]{20}$/, "X"), new TextDecoder().decode(content)];
  };
  assert.deepEqual(await at(undefined), ["dockerfile", "FROM lower"]);
  assert.deepEqual(await at("Dockerfile.baz"), ["Dockerfile.baz", "FROM baz"]);
  assert.deepEqual(await at("./Dockerfile.baz"), ["Dockerfile.baz", "FROM baz"]);
  assert.deepEqual(await at("../baz/Dockerfile.baz"), ["Dockerfile.baz", "FROM baz"]);
  assert.deepEqual(await at("../baz/Dockerfile.baz", "src/baz/"), ["Dockerfile.baz", "FROM baz"]);
  assert.deepEqual(await at("/src/baz/Dockerfile.baz"), ["Dockerfile.baz", "FROM baz"]);
  assert.deepEqual(await at("hello/world/custom.dockerfile"), [
    "hello/world/custom.dockerfile",
    "FROM hello",
  ]);
  assert.deepEqual(await at("../foo/Dockerfile.foo"), [".dockerfile.X", "FROM foo"]);
  assert.deepEqual(await at("/src/foo/Dockerfile.foo"), [".dockerfile.X", "FROM foo"]);
  assert.deepEqual(await at("/src/baz/../foo/Dockerfile.foo"), [".dockerfile.X", "FROM foo"]);
  const missing: readonly [string, RegExp][] = [
    ["none", /there is no Dockerfile at "\/src\/baz\/none"$/],
    ["../none", /there is no Dockerfile at "\/src\/none"$/],
    ["hello", /the Dockerfile "\/src\/baz\/hello" is no file$/],
  ];
  for (const [dockerfile, message] of missing) {
    await assert.rejects(open("/src/baz", fs, { dockerfile }), (error: unknown) => {
      assert.ok(error instanceof NotFoundError);
      assert.match(error.message, message);
      return true;
    });
  }
  await assert.rejects(open("/src/foo", fs), /there is no Dockerfile at "\/src\/foo\/Dockerfile"$/);
});

test("a Dockerfile is found inside and outside of the directory where one is, and of the root", async () => {
  const fs = memoryFileSystem();
  await writeFile(fs, "dir/D", "FROM inside");
  const at = async (root: string, dockerfile: string) => {
    const { dockerfile: name } = await open(root, fs, { dockerfile });
    return name?.replace(/[0-9a-f]{20}$/, "X");
  };
  for (const dockerfile of ["dir/D", "./dir/../dir/D"]) {
    assert.equal(await at(".", dockerfile), "dir/D");
    assert.equal(await at("/", dockerfile), "dir/D");
  }
  assert.equal(await at("/", "/dir/D"), "dir/D");
  assert.equal(await at(".", "/dir/D"), ".dockerfile.X");
});

/** The same files by the paths of Windows, whose drive `C:` is a folder. */
function onWindows(fs: BuildFiles): BuildFiles {
  const at = (path: string): string =>
    path.replace(/^\\\\\?\\/, "").replaceAll("\\", "/").replace(/^C:\//i, "");
  return {
    stat: (path, options) => fs.stat(at(path), options),
    readDirectory: (path) => fs.readDirectory(at(path)),
    readLink: (path) => fs.readLink(at(path)),
    open: (path, options) => fs.open(at(path), options),
  };
}

test("paths of Windows are found inside and outside, with the prefix of long ones too", async () => {
  const fs = memoryFileSystem();
  await writeFile(fs, "src/foo/Dockerfile.foo", "FROM foo");
  await writeFile(fs, "src/baz/dir/Dockerfile.baz", "FROM baz");
  await writeFile(fs, "src/baz/Dockerfile", "FROM scratch");
  for (const root of ["C:\\src\\baz", "C:/src/baz", "\\\\?\\C:\\src\\baz"]) {
    const at = async (dockerfile: string) => {
      const { dockerfile: name, content } = await open(root, onWindows(fs), { dockerfile });
      return [name?.replace(/[0-9a-f]{20}$/, "X"), new TextDecoder().decode(content)];
    };
    const inside = ["dir/Dockerfile.baz", "FROM baz"];
    assert.deepEqual(await at("C:\\src\\baz\\dir\\Dockerfile.baz"), inside, root);
    assert.deepEqual(await at("\\\\?\\C:\\src\\baz\\dir\\Dockerfile.baz"), inside, root);
    assert.deepEqual(await at("dir/Dockerfile.baz"), inside, root);
    assert.deepEqual(await at("C:\\src\\foo\\Dockerfile.foo"), [".dockerfile.X", "FROM foo"], root);
  }
});

test("a Dockerfile that is a link is sent by what it leads to, from outside when it has to be", async () => {
  const fs = await tree({ "real/D": "FROM real" });
  await fs.symlink("real", "ctx/dir");
  await fs.symlink("dir/D", "ctx/Dockerfile");
  await fs.symlink("/ctx/real/D", "ctx/absolute");
  await fs.symlink("../out/D", "ctx/out");
  await fs.symlink("loop", "ctx/loop");
  await writeFile(fs, "out/D", "FROM out");
  assert.equal((await open("/ctx", fs)).dockerfile, "real/D");
  assert.equal((await open("/ctx", fs, { dockerfile: "absolute" })).dockerfile, "real/D");
  const out = await open("/ctx", fs, { dockerfile: "out" });
  assert.equal(new TextDecoder().decode(out.content), "FROM out");
  assert.match(out.dockerfile ?? "", /^\.dockerfile\./);
  await assert.rejects(open("/ctx", fs, { dockerfile: "loop" }), NotFoundError);
});

test("links to a Dockerfile are followed part by part, forty of them at most", async () => {
  const fs = await tree({ "real/sub/D": "FROM real" });
  const links = {
    "ctx/up": "./real//sub/../sub/./D",
    "ctx/real/here": "sub/D",
    "ctx/real/sub/back": "../../real/here",
    "ctx/real/away": "/ctx/real/sub",
    "ctx/out": "../../D",
  };
  for (const [path, target] of Object.entries(links)) await fs.symlink(target, path);
  for (const dockerfile of ["up", "real/here", "real/sub/back", "real/away/D"]) {
    assert.equal((await open("/ctx", fs, { dockerfile })).dockerfile, "real/sub/D", dockerfile);
  }
  await assert.rejects(open("/ctx", fs, { dockerfile: "out" }), NotFoundError);
  for (let at = 1; at <= 41; at++) {
    await fs.symlink(at === 1 ? "real/sub/D" : `link${at - 1}`, `ctx/link${at}`);
  }
  assert.equal((await open("/ctx", fs, { dockerfile: "link40" })).dockerfile, "real/sub/D");
  await assert.rejects(open("/ctx", fs, { dockerfile: "link41" }), /lead in a circle$/);
});

test("a Dockerfile alone is a context, as docker-py's fileobj is", async () => {
  const opened = await open({ dockerfile: "FROM scratch\n" });
  const [entry, ...rest] = await sent(opened);
  assert.deepEqual([entry?.name, entry?.text, rest.length], ["Dockerfile", "FROM scratch\n", 0]);
  assert.equal(new TextDecoder().decode(opened.content), "FROM scratch\n");
  await assert.rejects(open({ dockerfile: "" }, undefined, { dockerfile: "D" }), TypeError);
});
