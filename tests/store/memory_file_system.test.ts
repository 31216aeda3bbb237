import { test } from "node:test";
import assert from "node:assert/strict";
import { type FileSystem, FileSystemError, memoryFileSystem } from "../../lib/store/mod.ts";
import { checkFileSystem } from "./file_system_rules.ts";
import type { Bytes } from "../../lib/model/bytes.ts";
import { filesBelow, noise, readFile, text, utf8, writeFile } from "./content.ts";

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

test("memoryFileSystem() keeps files of every size, written whole or by turns, whatever goes", async () => {
  const fs: FileSystem = memoryFileSystem();
  const sizes = [0, 1, 7, 4095, 4096, 4097, 16_384, 65_535, 65_536, 65_537, 262_144, 300_000];
  const contents = new Map<string, Bytes>();
  for (let round = 0; round < 6; round++) {
    const writers = [];
    for (const [number, size] of sizes.entries()) {
      const path = `${round}-${size}`;
      const content = noise(size, round * sizes.length + number);
      contents.set(path, content);
      if (number % 2 === round % 2) await writeFile(fs, path, content);
      else writers.push({ writer: await fs.create(path), content });
    }
    // Pieces of several files lie among one another.
    for (let at = 0; at < 300_000; at += 50_000) {
      for (const { writer, content } of writers) {
        await writer.write(content.slice(at, at + 50_000));
      }
    }
    for (const { writer } of writers) await writer.close();
    // What others have left in the memory that they shared is not seen by those that come.
    for (const size of sizes) {
      if ((round + size) % 3 !== 0) continue;
      await fs.remove(`${round}-${size}`);
      contents.delete(`${round}-${size}`);
    }
  }
  assert.ok(contents.size > 40);
  for (const [path, content] of contents) {
    assert.deepEqual(await readFile(fs, path), content, path);
    const file = await fs.open(path);
    (await file.read(0, content.length)).fill(0);
    assert.deepEqual(await file.read(0, content.length + 1), content, "a read is a copy");
    await file.close();
  }
});
