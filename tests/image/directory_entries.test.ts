import { test } from "node:test";
import assert from "node:assert/strict";
import { directoryEntries } from "../../lib/image/mod.ts";
import type { DirectoryEntry, FileInfo } from "../../lib/store/mod.ts";
import { memoryFileSystem } from "../../lib/store/mod.ts";

test("directoryEntries() lists a directory before what is in it, names in order", async () => {
  const fs = memoryFileSystem({ now: () => 5000 });
  await fs.makeDirectory("top/b/inner", { recursive: true });
  await fs.makeDirectory("top/a");
  for (const path of ["top/b/z", "top/b/inner/y", "top/c"]) await (await fs.create(path)).close();
  await fs.symlink("c", "top/d");
  const paths: string[] = [];
  for await (const { path, mtime } of directoryEntries(fs, "top")) {
    paths.push(path);
    assert.equal(mtime, 5, path);
  }
  assert.deepEqual(paths, ["a", "b", "c", "d", "b/inner", "b/z", "b/inner/y"]);
});

test("directoryEntries() walks more directories than a call takes arguments", async () => {
  const count = 200_000;
  const fs = Object.assign(memoryFileSystem(), {
    readDirectory(path: string): Promise<DirectoryEntry[]> {
      const length = path === "top" ? count : 0;
      const entry = (_: unknown, index: number) => ({
        name: `${index}`,
        type: "directory" as const,
      });
      return Promise.resolve(Array.from({ length }, entry));
    },
    stat(): Promise<FileInfo> {
      const known = { size: 0, mtimeMs: 0, mode: 0o755, uid: 0, gid: 0 };
      return Promise.resolve({ type: "directory", ...known });
    },
  });
  let found = 0;
  for await (const _ of directoryEntries(fs, "top")) found++;
  assert.equal(found, count);
});
