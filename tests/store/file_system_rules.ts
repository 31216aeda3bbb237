import assert from "node:assert/strict";
import { type FileSystem, FileSystemError } from "../../lib/store/mod.ts";
import { readFile, text, utf8, writeFile } from "./content.ts";

type Check = (fs: FileSystem, root: string) => Promise<void>;

async function reasonOf(action: Promise<unknown>): Promise<string> {
  try {
    await action;
    return "none";
  } catch (error) {
    assert.ok(error instanceof FileSystemError, `${error}`);
    return error.reason;
  }
}

/** What every file system must do; each rule gets a fresh one and a directory to be made in it. */
export const checkFileSystem: readonly (readonly [string, Check])[] = [
  ["reads at any position, and less at the end", async (fs, root) => {
    await writeFile(fs, `${root}/a`, utf8("0123456789"));
    const file = await fs.open(`${root}/a`);
    assert.equal(file.size, 10);
    const reads = [[0, 3, "012"], [7, 100, "789"], [10, 1, ""], [20, 5, ""], [3, 0, ""]] as const;
    for (const [position, length, expected] of reads) {
      assert.equal(text(await file.read(position, length)), expected, `${position}+${length}`);
    }
    await file.close();
    await file.close();
  }],
  ["creates files that nothing else may have the name of", async (fs, root) => {
    await fs.makeDirectory(root, { recursive: true });
    const writer = await fs.create(`${root}/a`, { mode: 0o600 });
    for (const part of ["x", "", "yz"]) await writer.write(utf8(part));
    await writer.sync();
    await writer.close();
    await writer.close();
    assert.equal(text(await readFile(fs, `${root}/a`)), "xyz");
    assert.equal((await fs.stat(`${root}/a`))?.mode, 0o600);
    await fs.symlink("nowhere", `${root}/link`);
    await fs.makeDirectory(`${root}/dir`);
    for (const name of ["a", "link", "dir"]) {
      assert.equal(await reasonOf(fs.create(`${root}/${name}`)), "exists", name);
      assert.equal(await reasonOf(fs.makeDirectory(`${root}/${name}`)), "exists", name);
      assert.equal(await reasonOf(fs.symlink("x", `${root}/${name}`)), "exists", name);
      assert.equal(await reasonOf(fs.link(`${root}/a`, `${root}/${name}`)), "exists", name);
    }
    assert.equal(await reasonOf(fs.create(`${root}/absent/a`)), "not-found");
    assert.equal(await reasonOf(fs.create(`${root}/a/b`)), "not-directory");
  }],
  ["leaves holes where it can, between what is written and at the end", async (fs, root) => {
    await fs.makeDirectory(root, { recursive: true });
    for (const parts of [["a", 5, "bc"], [3, "x", 70_000], [9], ["x", 2, 3, "y", "z"]]) {
      const writer = await fs.create(`${root}/a`);
      if (writer.skip === undefined) return await writer.close();
      let expected = "";
      for (const part of parts) {
        if (typeof part === "number") await writer.skip(part);
        else await writer.write(utf8(part));
        expected += typeof part === "number" ? "\0".repeat(part) : part;
      }
      await writer.close();
      assert.equal(text(await readFile(fs, `${root}/a`)), expected);
      await fs.remove(`${root}/a`);
    }
  }],
  ["empties files that are there, and creates none then", async (fs, root) => {
    await writeFile(fs, `${root}/a`, utf8("0123456789"));
    const writer = await fs.create(`${root}/a`, { truncate: true });
    await writer.write(utf8("x"));
    await writer.close();
    assert.equal(text(await readFile(fs, `${root}/a`)), "x");
    assert.equal(await reasonOf(fs.create(`${root}/b`, { truncate: true })), "not-found");
    await fs.symlink("a", `${root}/link`);
    assert.equal(await reasonOf(fs.create(`${root}/link`, { truncate: true })), "symlink");
    assert.equal(await fs.stat(`${root}/b`), undefined);
  }],
  ["opens regular files only", async (fs, root) => {
    await writeFile(fs, `${root}/a`, utf8("x"));
    await fs.symlink("a", `${root}/link`);
    await fs.symlink("loop", `${root}/loop`);
    assert.equal(text(await readFile(fs, `${root}/link`)), "x");
    assert.equal(await reasonOf(fs.open(`${root}/link`, { followLinks: false })), "symlink");
    assert.equal(await reasonOf(fs.open(`${root}/loop`)), "symlink");
    assert.equal(await reasonOf(fs.open(root)), "is-directory");
    assert.equal(await reasonOf(fs.open(`${root}/absent`)), "not-found");
    assert.equal(await reasonOf(fs.open(`${root}/a/b`)), "not-directory");
  }],
  ["moves files over files, and directories over empty ones only", async (fs, root) => {
    await writeFile(fs, `${root}/a`, utf8("a"));
    await writeFile(fs, `${root}/b`, utf8("b"));
    await writeFile(fs, `${root}/full/x`, utf8("x"));
    await writeFile(fs, `${root}/mine/y`, utf8("y"));
    await fs.makeDirectory(`${root}/empty`);
    await fs.rename(`${root}/a`, `${root}/b`);
    assert.equal(text(await readFile(fs, `${root}/b`)), "a");
    assert.equal(await fs.stat(`${root}/a`), undefined);
    const refused = await reasonOf(fs.rename(`${root}/mine`, `${root}/full`));
    assert.ok(["not-empty", "exists"].includes(refused), refused);
    await fs.rename(`${root}/mine`, `${root}/empty`);
    assert.equal(text(await readFile(fs, `${root}/empty/y`)), "y");
    assert.equal(await fs.stat(`${root}/mine`), undefined);
    assert.equal(await reasonOf(fs.rename(`${root}/b`, `${root}/full`)), "is-directory");
    assert.equal(await reasonOf(fs.rename(`${root}/full`, `${root}/b`)), "not-directory");
    assert.equal(await reasonOf(fs.rename(`${root}/absent`, `${root}/b`)), "not-found");
    assert.notEqual(await reasonOf(fs.rename(`${root}/full`, `${root}/full/in`)), "none");
  }],
  ["keeps what is open readable and writable when its name goes", async (fs, root) => {
    await writeFile(fs, `${root}/a`, utf8("old"));
    const file = await fs.open(`${root}/a`);
    await writeFile(fs, `${root}/b`, utf8("new"));
    await fs.rename(`${root}/b`, `${root}/a`);
    assert.equal(text(await file.read(0, 10)), "old");
    await file.close();
    const writer = await fs.create(`${root}/c`);
    await fs.remove(`${root}/c`);
    await writer.write(utf8("x"));
    await writer.close();
    assert.equal(await fs.stat(`${root}/c`), undefined);
  }],
  ["removes links, not what they point at, and directories when asked", async (fs, root) => {
    await writeFile(fs, `${root}/dir/a`, utf8("x"));
    await fs.symlink("dir", `${root}/link`);
    await fs.remove(`${root}/link`);
    assert.equal(text(await readFile(fs, `${root}/dir/a`)), "x");
    assert.equal(await reasonOf(fs.remove(`${root}/dir`)), "not-empty");
    await fs.symlink("../dir", `${root}/dir/back`);
    await fs.remove(`${root}/dir`, { recursive: true });
    assert.equal(await fs.stat(`${root}/dir`), undefined);
    await fs.makeDirectory(`${root}/dir`);
    await fs.remove(`${root}/dir`);
    assert.equal(await reasonOf(fs.remove(`${root}/dir`)), "not-found");
  }],
  ["tells what a name is, with and without links", async (fs, root) => {
    await writeFile(fs, `${root}/a`, utf8("0123"));
    await fs.symlink("a", `${root}/link`);
    await fs.symlink("nowhere", `${root}/dangling`);
    const file = await fs.stat(`${root}/link`);
    assert.deepEqual([file?.type, file?.size], ["file", 4]);
    assert.equal((await fs.stat(`${root}/link`, { followLinks: false }))?.type, "symlink");
    assert.equal((await fs.stat(root))?.type, "directory");
    assert.equal(await fs.stat(`${root}/dangling`), undefined);
    assert.equal(await fs.stat(`${root}/absent/deep`), undefined);
    assert.equal(await fs.readLink(`${root}/dangling`), "nowhere");
    assert.notEqual(await reasonOf(fs.readLink(`${root}/a`)), "none");
  }],
  ["lists directories", async (fs, root) => {
    await writeFile(fs, `${root}/a`, utf8(""));
    await writeFile(fs, `${root}/dir/b`, utf8(""));
    await fs.symlink("dir", `${root}/link`);
    const entries = await fs.readDirectory(root);
    const found = entries.map(({ name, type }) => `${name} ${type}`).sort();
    assert.deepEqual(found, ["a file", "dir directory", "link symlink"]);
    assert.equal((await fs.readDirectory(`${root}/link`))[0]?.name, "b");
    assert.equal(await reasonOf(fs.readDirectory(`${root}/a`)), "not-directory");
    assert.equal(await reasonOf(fs.readDirectory(`${root}/absent`)), "not-found");
    await fs.syncDirectory(root);
  }],
  ["makes directories above, and takes those that are there", async (fs, root) => {
    await fs.makeDirectory(`${root}/a/b/c`, { recursive: true });
    await fs.makeDirectory(`${root}/a/b/c`, { recursive: true });
    assert.equal((await fs.stat(`${root}/a/b/c`))?.type, "directory");
    await fs.symlink("a", `${root}/link`);
    await fs.makeDirectory(`${root}/link/b/d`, { recursive: true });
    assert.equal((await fs.stat(`${root}/a/b/d`))?.type, "directory");
    await writeFile(fs, `${root}/file`, utf8(""));
    assert.notEqual(await reasonOf(fs.makeDirectory(`${root}/file`, { recursive: true })), "none");
    assert.equal(await reasonOf(fs.makeDirectory(`${root}/x/y`)), "not-found");
  }],
  ["keeps every piece that is written, of any length", async (fs, root) => {
    await fs.makeDirectory(root, { recursive: true });
    const sizes = [3, 70_000, 0, 1, 4096, 4097, 1_000_000, 9];
    for (const order of [sizes, [...sizes].reverse()]) {
      const parts = order.map((size, i) => new Uint8Array(size).fill(i + 1));
      const whole = new Uint8Array(await new Blob(parts).arrayBuffer());
      const writers = await Promise.all(["a", "b"].map((name) => fs.create(`${root}/${name}`)));
      for (const part of parts) for (const writer of writers) await writer.write(part.slice());
      for (const name of ["a", "b"]) {
        assert.deepEqual(await readFile(fs, `${root}/${name}`), whole);
        await fs.remove(`${root}/${name}`);
      }
      for (const writer of writers) await writer.close();
    }
  }],
  ["creates whole files in one call, where it has that", async (fs, root) => {
    if (fs.createWhole === undefined) return;
    await fs.makeDirectory(root, { recursive: true });
    const content = utf8("abc");
    await fs.createWhole(`${root}/a`, content, { mode: 0o4640, mtimeMs: 5000 });
    content.fill(0);
    await fs.createWhole(`${root}/empty`, new Uint8Array(0), {});
    assert.equal(text(await readFile(fs, `${root}/a`)), "abc");
    assert.equal(text(await readFile(fs, `${root}/empty`)), "");
    const { mode, mtimeMs } = await fs.stat(`${root}/a`) ?? assert.fail();
    assert.deepEqual([mode, mtimeMs], [0o4640, 5000]);
    assert.equal((await fs.stat(`${root}/empty`))?.mode, 0o600);
    await fs.symlink("nowhere", `${root}/link`);
    for (const name of ["a", "link"]) {
      const again = fs.createWhole(`${root}/${name}`, content, {});
      assert.equal(await reasonOf(again), "exists", name);
    }
    assert.equal(await reasonOf(fs.createWhole(`${root}/absent/a`, content, {})), "not-found");
  }],
  ["gives names to files that have none, where it has such", async (fs, root) => {
    if (fs.createUnnamed === undefined) return;
    await fs.makeDirectory(root, { recursive: true });
    const content = utf8("abc");
    const file = fs.createUnnamed({ mode: 0o4640, mtimeMs: 5000 });
    file.write(content);
    content.fill(0);
    assert.deepEqual(await fs.readDirectory(root), []);
    file.place(root, "a");
    fs.createUnnamed({}).place(root, "empty");
    assert.equal(text(await readFile(fs, `${root}/a`)), "abc");
    const { mode, mtimeMs } = await fs.stat(`${root}/a`) ?? assert.fail();
    assert.deepEqual([mode, mtimeMs], [0o4640, 5000]);
    assert.equal((await fs.stat(`${root}/empty`))?.mode, 0o600);
    await fs.symlink("nowhere", `${root}/link`);
    const other = fs.createUnnamed({});
    for (const name of ["a", "link"]) {
      assert.throws(() => other.place(root, name), { reason: "exists" }, name);
    }
    for (const name of ["", ".", "..", "absent/a", "../a", "a\0"]) {
      assert.throws(() => other.place(root, name), { reason: "io" }, name);
    }
    assert.throws(() => other.place(`${root}/absent`, "a"), { reason: "not-found" });
    assert.throws(() => other.place(`${root}/a`, "a"), { reason: "not-directory" });
    assert.equal(text(await readFile(fs, `${root}/a`)), "abc");
  }],
  ["follows links and directories as they are at the moment", async (fs, root) => {
    for (const name of ["one", "other"]) await writeFile(fs, `${root}/${name}/a`, utf8(name));
    const read = async () => text(await readFile(fs, `${root}/here/a`));
    await fs.symlink("one", `${root}/here`);
    assert.equal(await read(), "one");
    const looks = async () => await fs.stat(`${root}/here/a`, { followLinks: false });
    assert.equal((await looks())?.size, 3);
    await fs.remove(`${root}/here`);
    assert.equal(await looks(), undefined);
    await fs.symlink("other", `${root}/here`);
    assert.equal((await looks())?.size, 5);
    await writeFile(fs, `${root}/file`, utf8("x"));
    await fs.rename(`${root}/file`, `${root}/here`);
    assert.equal(await reasonOf(fs.create(`${root}/here/b`)), "not-directory");
    await fs.remove(`${root}/here`);
    await fs.rename(`${root}/one`, `${root}/here`);
    assert.equal((await looks())?.size, 3);
    assert.equal(await fs.stat(`${root}/one/a`, { followLinks: false }), undefined);
    await fs.remove(`${root}/here`, { recursive: true });
    assert.equal(await reasonOf(fs.create(`${root}/here/b`)), "not-found");
    await fs.rename(`${root}/other`, `${root}/here`);
    assert.equal(await read(), "other");
  }],
  ["gives files second names", async (fs, root) => {
    await writeFile(fs, `${root}/a`, utf8("x"));
    await fs.link(`${root}/a`, `${root}/b`);
    await fs.remove(`${root}/a`);
    assert.equal(text(await readFile(fs, `${root}/b`)), "x");
    await fs.symlink("b", `${root}/link`);
    await fs.link(`${root}/link`, `${root}/copy`);
    assert.equal((await fs.stat(`${root}/copy`, { followLinks: false }))?.type, "symlink");
    assert.equal(await reasonOf(fs.link(`${root}/absent`, `${root}/c`)), "not-found");
    assert.equal(await reasonOf(fs.link(root, `${root}/c`)), "permission");
  }],
  ["sets metadata without following links", async (fs, root) => {
    await writeFile(fs, `${root}/a`, utf8("x"));
    await fs.symlink("a", `${root}/link`);
    await fs.setAttributes(`${root}/a`, { mode: 0o640, mtimeMs: 1_500_000 });
    await fs.setAttributes(`${root}/link`, { mode: 0o777, mtimeMs: 2_500_000 });
    const file = await fs.stat(`${root}/a`);
    const link = await fs.stat(`${root}/link`, { followLinks: false });
    assert.deepEqual([file?.mode, file?.mtimeMs], [0o640, 1_500_000]);
    assert.equal(link?.mtimeMs, 2_500_000);
    assert.equal(await reasonOf(fs.setAttributes(`${root}/absent`, { mtimeMs: 1 })), "not-found");
  }],
];
