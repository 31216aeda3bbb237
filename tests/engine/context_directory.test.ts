import assert from "node:assert/strict";
import { test } from "node:test";
import type { PackOptions } from "../../lib/engine/build_context.ts";
import type { BuildFile, BuildFileInfo, BuildFiles } from "../../lib/engine/build_files.ts";
import { readAll } from "../../lib/bytes/read_all.ts";
import type { Bytes } from "../../lib/model/bytes.ts";
import { LadingError } from "../../lib/model/errors.ts";
import type { FileSystem } from "../../lib/store/file_system.ts";
import { readTar } from "../../lib/tar/reader.ts";
import { names, open, sent, streamed, tree, writeFile } from "./contexts.ts";

test("a context that is to be gzip is, and has the same entries", async () => {
  const fs = await tree({ Dockerfile: "FROM scratch\n", a: "a" });
  const opened = await open("ctx", fs, { gzip: true });
  const bytes = await readAll(streamed(opened), { maxBytes: 1e6 });
  assert.deepEqual([...bytes.subarray(0, 2)], [0x1f, 0x8b]);
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

test("a file that is another one when it is opened, or ends early, fails the build", async () => {
  const base = await tree({ Dockerfile: "", a: "before" });
  const changes: Readonly<Record<string, (file: BuildFile) => Partial<BuildFile>>> = {
    another: (file) => ({ size: file.size + 1 }),
    cut: (file) => ({
      read: async (at, length) => at > 0 ? none : await file.read(at, length - 2),
    }),
  };
  const none = new Uint8Array();
  for (const [name, change] of Object.entries(changes)) {
    let isClosed = false;
    const files: BuildFiles = {
      stat: (path, options) => base.stat(path, options),
      readDirectory: (path) => base.readDirectory(path),
      readLink: (path) => base.readLink(path),
      async open(path, options) {
        const file = await base.open(path, options);
        if (path !== "ctx/a") return file;
        assert.deepEqual(options, { followLinks: false });
        const { size } = file;
        const read = file.read.bind(file);
        const close = async () => {
          await file.close();
          isClosed = true;
        };
        return { size, read, close, ...change(file) };
      },
    };
    await assert.rejects(names(await open("ctx", files)), { code: "FILE_CHANGED" }, name);
    assert.ok(isClosed, name);
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

test("a directory may hold more files than a call takes arguments", async () => {
  const count = 200_000;
  const none = { size: 0, mode: 0o644, mtimeMs: 0, uid: 0, gid: 0 };
  const files: BuildFiles = {
    open: () =>
      Promise.resolve({
        size: 0,
        read: () => Promise.resolve(new Uint8Array()),
        close: () => Promise.resolve(),
      }),
    stat: (path) => {
      const isDirectory = path === "ctx" || path === "ctx/many";
      if (path.includes(".dockerignore")) return Promise.resolve(undefined);
      return Promise.resolve({ ...none, type: isDirectory ? "directory" : "file" });
    },
    readDirectory: (path) => {
      const names = path === "ctx"
        ? ["Dockerfile", "many"]
        : Array.from({ length: count }, (_, index) => `${index}`);
      return Promise.resolve(names.map((name) => ({ name })));
    },
    readLink: () => Promise.reject(new Error("no link")),
  };
  const opened = await open("ctx", files);
  let first: string | undefined;
  for await (const { path } of readTar(streamed(opened))) {
    if (!path.startsWith("many/") || path === "many/") continue;
    first = path;
    break;
  }
  assert.equal(first, "many/0");
});
