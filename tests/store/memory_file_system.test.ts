import { test } from "node:test";
import assert from "node:assert/strict";
import { type FileSystem, FileSystemError, memoryFileSystem } from "../../lib/store/mod.ts";
import { checkFileSystem } from "./file_system_rules.ts";
import { filesBelow, readFile, text, utf8, writeFile } from "./content.ts";

for (const [rule, check] of checkFileSystem) {
  test(`memoryFileSystem() ${rule}`, () => check(memoryFileSystem(), "some/where"));
}

async function reasonOf(action: Promise<unknown>): Promise<string> {
  try {
    await action;
    return "none";
  } catch (error) {
    assert.ok(error instanceof FileSystemError, `${error}`);
    return error.reason;
  }
}

test("memoryFileSystem() starts relative paths at the root, and stays inside", async () => {
  const fs: FileSystem = memoryFileSystem();
  await writeFile(fs, "a/b", utf8("x"));
  for (const path of ["a/b", "/a/b", "./a//b", "../a/b", "a/../../a/./b", "/../a/b"]) {
    assert.equal(text(await readFile(fs, path)), "x", path);
  }
  await fs.symlink("../../../../a", "out");
  assert.equal(text(await readFile(fs, "out/b")), "x");
  assert.deepEqual(await filesBelow(fs, ""), ["a/b", "out"]);
  assert.equal(await reasonOf(fs.remove("")), "permission");
  assert.equal(await reasonOf(fs.create("a\0b")), "io");
});

test("memoryFileSystem() takes its time from the clock it is given", async () => {
  let now = 1000;
  const fs = memoryFileSystem({ now: () => now });
  await writeFile(fs, "a", utf8("x"));
  now = 2000;
  await writeFile(fs, "b", utf8("x"));
  assert.equal((await fs.stat("a"))?.mtimeMs, 1000);
  assert.equal((await fs.stat("b"))?.mtimeMs, 2000);
});
