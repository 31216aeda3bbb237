import assert from "node:assert/strict";
import { test } from "node:test";
import type { BuildContext, PackOptions } from "../../lib/engine/build_context.ts";
import type { BuildFileInfo, BuildFiles } from "../../lib/engine/build_files.ts";
import { parseDockerignore } from "../../lib/engine/dockerignore.ts";
import { openContext } from "../../lib/engine/_context_open.ts";
import type { OpenContext } from "../../lib/engine/_context_pack.ts";
import { readAll } from "../../lib/bytes/read_all.ts";
import { streamFrom, streamOf } from "../../lib/bytes/stream_from.ts";
import { decompress } from "../../lib/compress/decompress.ts";
import { gzip } from "../../lib/compress/gzip.ts";
import type { Bytes, ByteStream } from "../../lib/model/bytes.ts";
import {
  InvalidInputError,
  isLadingError,
  LadingError,
  NotFoundError,
  UnsafePathError,
} from "../../lib/model/errors.ts";
import type { FileSystem } from "../../lib/store/file_system.ts";
import { memoryFileSystem } from "../../lib/store/memory_file_system.ts";
import { readTar } from "../../lib/tar/reader.ts";
import { writeTar } from "../../lib/tar/writer.ts";
import { corpusBytes, corpusJSON } from "../support/corpus.ts";

const encode = (text: string): Bytes => new TextEncoder().encode(text);

async function writeFile(fs: FileSystem, path: string, text: string, mode = 0o644): Promise<void> {
  const slash = path.lastIndexOf("/");
  if (slash > 0) await fs.makeDirectory(path.slice(0, slash), { recursive: true });
  const file = await fs.create(path, { mode });
  await file.write(encode(text));
  await file.close();
  await fs.setAttributes(path, { mode });
}

async function tree(files: Readonly<Record<string, string>>): Promise<FileSystem> {
  const fs = memoryFileSystem({ now: () => 1_700_000_000_500 });
  for (const [path, text] of Object.entries(files)) await writeFile(fs, `ctx/${path}`, text);
  return fs;
}

interface OpenOptions extends PackOptions {
  readonly isBuildKit?: boolean;
}

function open(
  context: BuildContext,
  files?: BuildFiles,
  { isBuildKit = false, ...options }: OpenOptions = {},
): Promise<OpenContext> {
  return openContext(context, {
    isBuildKit,
    files,
    openFile: undefined,
    signal: undefined,
    ...options,
  });
}

interface Sent {
  readonly name: string;
  readonly type: string;
  readonly linkname: string;
  readonly text: string;
  readonly mode: number;
  readonly uid: number;
  readonly mtime: number;
}

function streamed({ body }: OpenContext): ByteStream {
  if (body === undefined) throw new Error("there is no body");
  return body instanceof Uint8Array ? streamOf(body) : body;
}

async function sent(context: OpenContext): Promise<Sent[]> {
  const entries: Sent[] = [];
  for await (const entry of readTar(decompress(streamed(context)))) {
    const { path, type, linkPath = "", mode, uid, mtime } = entry;
    const text = type === "file" ? await entry.text() : "";
    const name = path.replace(/\/$/, "");
    entries.push({ name, type, linkname: linkPath, text, mode, uid, mtime });
  }
  return entries;
}

async function names(context: OpenContext): Promise<string[]> {
  return (await sent(context)).map(({ name }) => name);
}

test("what .dockerignore leaves of a tree is what the docker command sends", async () => {
  const table = await corpusJSON<{
    dirs: readonly string[];
    files: readonly string[];
    cases: readonly {
      patterns: readonly string[];
      dockerfile: string | null;
      kept: readonly string[];
    }[];
  }>("tables/dockerignore-tree.json");
  assert.equal(table.cases.length, 32);
  for (const { patterns, dockerfile, kept } of table.cases) {
    const fs = memoryFileSystem();
    for (const name of table.dirs) await fs.makeDirectory(`ctx/${name}`, { recursive: true });
    for (const name of table.files) {
      await writeFile(fs, `ctx/${name}`, name === ".dockerignore" ? patterns.join("\n") : name);
    }
    const opened = await open("ctx", fs, { dockerfile: dockerfile ?? undefined });
    assert.deepEqual((await names(opened)).sort(), [...kept].sort(), patterns.join(" "));
  }
});

test("the exclusions that docker-py tests leave the same", async () => {
  const fs = await tree({ "Dockerfile": "", "a.py": "", "b.py": "", "a/b.py": "", "c.py": "" });
  const rows: readonly (readonly [readonly string[], readonly string[]])[] = [
    [["!a.py"], ["Dockerfile", "a", "a/b.py", "a.py", "b.py", "c.py"]],
    [parseDockerignore("/*\n!/*.py\n"), [
      "Dockerfile",
      "a.py",
      "b.py",
      "c.py",
    ]],
    [["*", "!*/b.py"], ["Dockerfile"]],
    [["../a.py", "b.py"], ["Dockerfile", "a", "a/b.py", "a.py", "c.py"]],
  ];
  for (const [ignore, wanted] of rows) {
    const found = (await names(await open("ctx", fs, { ignore }))).sort();
    assert.deepEqual(found, [...wanted].sort(), ignore.join(" "));
  }
  const readme = await tree({
    "Dockerfile": "",
    "README.md": "",
    "README-bis.md": "",
    "README-secret.md": "",
  });
  const ignore = ["*.md", "!README*.md", "README-secret.md"];
  assert.deepEqual(await names(await open("ctx", readme, { ignore })), [
    "Dockerfile",
    "README-bis.md",
    "README.md",
  ]);
});

interface CLICase {
  readonly case: string;
  readonly dockerignore: string | null;
  readonly sent: readonly { name: string; type: string; linkname: string }[] | null;
  readonly modes?: readonly string[];
  readonly query?: string;
}

const TYPES: Readonly<Record<string, string>> = {
  file: "0",
  hardlink: "1",
  symlink: "2",
  directory: "5",
  fifo: "6",
};

/** The directory of a case, and what the file system cannot tell of it. */
async function caseTree(row: CLICase): Promise<BuildFiles> {
  const fs = memoryFileSystem();
  await writeFile(fs, "ctx/a.txt", "a");
  await writeFile(fs, "ctx/sub/b.txt", "b");
  const isOutside = row.case.includes("outside the context by -f");
  if (row.case.includes("Dockerfile is a symlink")) {
    await writeFile(fs, "tmp/D", "FROM scratch\n");
    await fs.symlink("/tmp/D", "ctx/Dockerfile");
  } else {
    await writeFile(fs, "ctx/Dockerfile", "FROM scratch\n");
  }
  if (isOutside) await writeFile(fs, "outside/D", "FROM scratch\nLABEL a=b\n");
  if (row.dockerignore !== null) await writeFile(fs, "ctx/.dockerignore", row.dockerignore);
  for (const { name, type, linkname } of row.sent ?? []) {
    const exists = await fs.stat(`ctx/${name}`, { followLinks: false }) !== undefined;
    if (exists || name.startsWith(".docker") && type === "0") continue;
    if (type === "2") await fs.symlink(linkname, `ctx/${name}`);
    else if (type === "1") await fs.link(`ctx/${linkname}`, `ctx/${name}`);
    // It is ignored by the command's old builder, whatever it says.
    else await writeFile(fs, `ctx/${name}`, name.endsWith("x.dockerignore") ? "sub\n" : name);
  }
  if (row.case.includes(".dockerignore is a symlink")) {
    const [target = ""] = row.sent?.flatMap(({ linkname }) => linkname === "" ? [] : linkname) ??
      [];
    await writeFile(fs, target.slice(1), "a.txt\n");
  }
  if (row.case.includes(".dockerignore is a directory")) {
    await fs.makeDirectory("ctx/.dockerignore");
  }
  if (row.case.includes("setuid")) await fs.setAttributes("ctx/a.txt", { mode: 0o4751 });
  if (row.case.includes("no read permission")) await fs.setAttributes("ctx/a.txt", { mode: 0 });
  if (row.case.includes("fifo")) await writeFile(fs, "ctx/socket", "");
  return {
    open: (path, options) => fs.open(path, options),
    readDirectory: (path) => fs.readDirectory(path),
    readLink: (path) => fs.readLink(path),
    async stat(path, options): Promise<BuildFileInfo | undefined> {
      const info = await fs.stat(path, options);
      if (info === undefined) return undefined;
      if (/ctx\/(?:fifo|socket)$/.test(path)) {
        return { ...info, type: "other", isPipe: path.endsWith("fifo") };
      }
      const isLinked = /ctx\/(?:a|hard)\.txt$/.test(path) && row.case === "hard link";
      return isLinked ? { ...info, identity: "7" } : info;
    },
  };
}

test("contexts are what the docker command packs: links, pipes, modes, odd .dockerignore files", async () => {
  const { cases } = await corpusJSON<{ cases: readonly CLICase[] }>(
    "tables/build-context-docker-cli.json",
  );
  assert.equal(cases.length, 19);
  for (const row of cases) {
    const files = await caseTree(row);
    const dockerfile = row.case.includes("outside the context by -f")
      ? "../outside/D"
      : row.case.includes("-f Dockerfile.x")
      ? "Dockerfile.x"
      : undefined;
    const packing = open("ctx", files, { dockerfile, gzip: row.case === "--compress" });
    if (row.sent === null) {
      await assert.rejects(packing, InvalidInputError, row.case);
      continue;
    }
    const opened = await packing;
    const found = await sent(opened);
    const hidden = /\.dockerfile\.[0-9a-f]{20}/g;
    const shown = found.map(({ name, type, linkname }) => ({
      name: name.replace(hidden, ".dockerfile.X"),
      type: TYPES[type],
      linkname,
    }));
    const wanted = row.sent.map((entry) => ({
      ...entry,
      name: entry.name.replace(hidden, ".dockerfile.X"),
    }));
    assert.deepEqual(shown, wanted, row.case);
    assert.deepEqual([...new Set(found.map(({ uid }) => uid))], [0], row.case);
    const modes = new Set(
      found.filter(({ type }) => type !== "symlink").map(({ mode }) => mode.toString(8)),
    );
    for (const mode of row.modes ?? []) {
      assert.ok(mode === "777" || modes.has(mode), `${row.case}: ${mode}`);
    }
    const name = new URLSearchParams(row.query?.split("?")[1]).get("dockerfile") ?? "";
    assert.equal(
      opened.dockerfile?.replace(hidden, "X"),
      name.replace(hidden, "X"),
      row.case,
    );
  }
});

test("a context that is to be gzip is, and has the same entries", async () => {
  const fs = await tree({ Dockerfile: "FROM scratch\n", a: "a" });
  const opened = await open("ctx", fs, { gzip: true });
  const bytes = await readAll(streamed(opened), { maxBytes: 1e6 });
  assert.deepEqual([...bytes.subarray(0, 2)], [0x1f, 0x8b]);
});

test("archives of the docker command itself pass as they are", async () => {
  const raw = await corpusBytes("made-by-docker-cli/context-compress.tar.gz");
  const opened = await open(raw);
  assert.equal(opened.body, raw);
  assert.equal(opened.dockerfile, undefined);
  const streamed_ = await open(streamOf(raw));
  assert.deepEqual(await readAll(streamed(streamed_), { maxBytes: 1e6 }), raw);
});

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

test("a Dockerfile from outside is the only one that BuildKit gets, and .dockerignore stays", async () => {
  const fs = await tree({ Dockerfile: "x", a: "", [".dockerignore"]: ".dockerignore\n" });
  await writeFile(fs, "other/D", "FROM scratch\n");
  await writeFile(fs, "other/D.dockerignore", "a\n");
  const opened = await open("ctx", fs, { dockerfile: "../other/D", isBuildKit: true });
  assert.deepEqual(await names(opened), [".dockerignore", "Dockerfile", opened.dockerfile]);
});

test("BuildKit's own .dockerignore of a Dockerfile wins, the classic builder knows none", async () => {
  const fs = await tree({ "D": "", "D.dockerignore": "a", ".dockerignore": "b", a: "", b: "" });
  const buildKit = await open("ctx", fs, { dockerfile: "D", isBuildKit: true });
  assert.deepEqual(await names(buildKit), [".dockerignore", "D", "D.dockerignore", "b"]);
  const classic = await open("ctx", fs, { dockerfile: "D" });
  assert.deepEqual(await names(classic), [".dockerignore", "D", "D.dockerignore", "a"]);
  const given = await open("ctx", fs, { dockerfile: "D", ignore: ["*"] });
  assert.deepEqual(await names(given), [".dockerignore", "D"]);
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
  for (const dockerfile of ["none", "../none", "hello"]) {
    await assert.rejects(open("/src/baz", fs, { dockerfile }), NotFoundError, dockerfile);
  }
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

test("empty directories are sent, and links whatever they lead to", async () => {
  const fs = await tree({ Dockerfile: "" });
  await fs.makeDirectory("ctx/empty");
  await fs.symlink("Dockerfile", "ctx/file");
  await fs.symlink("empty", "ctx/dir");
  await fs.symlink("nowhere", "ctx/broken");
  const entries = (await sent(await open("ctx", fs))).map(({ name, type, linkname }) =>
    `${name} ${type} ${linkname}`.trim()
  );
  assert.deepEqual(entries, [
    "Dockerfile file",
    "broken symlink nowhere",
    "dir symlink empty",
    "empty directory",
    "file symlink Dockerfile",
  ]);
});

test("times before 1970 and after 2242 are sent as they are", async () => {
  for (const mtimeMs of [-3600_000, 8 ** 11 * 1000]) {
    const fs = await tree({ Dockerfile: "" });
    await fs.setAttributes("ctx/Dockerfile", { mtimeMs });
    const [entry] = await sent(await open("ctx", fs));
    assert.equal(entry?.mtime, mtimeMs / 1000);
  }
});

test("a context is the same each time on request, and keeps owners on request", async () => {
  const pack = async (fs: FileSystem, options: PackOptions): Promise<Bytes> =>
    await readAll(streamed(await open("ctx", fs, options)), { maxBytes: 1e6 });
  const [one, two] = [await tree({ Dockerfile: "D", a: "a" }), await tree({ a: "a" })];
  await writeFile(two, "ctx/Dockerfile", "D");
  await two.setAttributes("ctx/a", { uid: 7, gid: 7, mtimeMs: 5000 });
  assert.deepEqual(await pack(one, { mtime: 0 }), await pack(two, { mtime: new Date(0) }));
  assert.notEqual((await pack(one, {})).join(), (await pack(two, {})).join());
  const kept = await sent(await open("ctx", two, { owner: "keep" }));
  assert.deepEqual(kept.map(({ uid }) => uid), [0, 7]);
  assert.equal(kept[1]?.mtime, 5);
});

test("a file that changes while it is read fails the build", async () => {
  const base = await tree({ Dockerfile: "", a: "before" });
  const changes: Readonly<Record<string, (info: BuildFileInfo) => BuildFileInfo>> = {
    shorter: (info) => ({ ...info, size: info.size - 1 }),
    longer: (info) => ({ ...info, size: info.size + 1 }),
    later: (info) => ({ ...info, mtimeMs: info.mtimeMs + 1 }),
  };
  for (const [name, change] of Object.entries(changes)) {
    let asked = 0;
    const files: BuildFiles = {
      open: (path, options) => base.open(path, options),
      readDirectory: (path) => base.readDirectory(path),
      readLink: (path) => base.readLink(path),
      async stat(path, options) {
        const info = await base.stat(path, options);
        return info !== undefined && path === "ctx/a" && asked++ > 0 ? change(info) : info;
      },
    };
    const opened = await open("ctx", files);
    await assert.rejects(names(opened), { code: "FILE_CHANGED" }, name);
    assert.ok(opened.failure() instanceof LadingError, name);
  }
});

test("a directory of many large files streams: one file is open at a time, one chunk is held", async () => {
  let [isOpen, most, read] = [0, 0, 0];
  const size = 8 * 1024 * 1024;
  const file: BuildFileInfo = { type: "file", size, mode: 0o644, mtimeMs: 0, uid: 0, gid: 0 };
  const files: BuildFiles = {
    open() {
      most = Math.max(most, ++isOpen);
      return Promise.resolve({
        size,
        read: (_position: number, length: number) => {
          read += length;
          return Promise.resolve(new Uint8Array(length));
        },
        close: () => Promise.resolve(void isOpen--),
      });
    },
    stat: (path) =>
      Promise.resolve(
        path === "ctx"
          ? { ...file, type: "directory" }
          : path.includes(".dockerignore")
          ? undefined
          : path.endsWith("Dockerfile")
          ? { ...file, size: 0 }
          : file,
      ),
    readDirectory: () =>
      Promise.resolve(Array.from({ length: 8 }, (_, index) => ({ name: `f${index}` }))),
    readLink: () => Promise.reject(new Error("no link")),
  };
  const opened = await open("ctx", {
    ...files,
    open: async (path, options) =>
      path.endsWith("Dockerfile")
        ? { size: 0, read: () => Promise.resolve(new Uint8Array()), close: () => Promise.resolve() }
        : await files.open(path, options),
  });
  const reader = streamed(opened).getReader();
  for (let total = 0; total < 20 * 1024 * 1024;) {
    const { value } = await reader.read();
    total += value?.length ?? 0;
    assert.ok(read - total < 1024 * 1024, "it reads ahead");
  }
  await reader.cancel();
  assert.deepEqual([isOpen, most], [0, 1]);
  // The engine may want no more of it in the middle of a file.
  await opened.close();
  assert.equal(isOpen, 0);
});

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

test("patterns for what is no directory are refused: what should be left out would be sent", async () => {
  const ignore = ["secret"];
  for (
    const context of [
      { entries: [{ path: "secret", body: "" }] },
      { dockerfile: "FROM scratch" },
      new Uint8Array(),
      { remote: "https://example.com/x" },
      "https://example.com/x",
    ]
  ) {
    await assert.rejects(open(context, undefined, { ignore }), TypeError);
  }
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

test("a Dockerfile alone is a context, as docker-py's fileobj is", async () => {
  const opened = await open({ dockerfile: "FROM scratch\n" });
  const [entry, ...rest] = await sent(opened);
  assert.deepEqual([entry?.name, entry?.text, rest.length], ["Dockerfile", "FROM scratch\n", 0]);
  assert.equal(new TextDecoder().decode(opened.content), "FROM scratch\n");
  await assert.rejects(open({ dockerfile: "" }, undefined, { dockerfile: "D" }), TypeError);
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
