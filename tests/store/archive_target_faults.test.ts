import { test } from "node:test";
import assert from "node:assert/strict";
import {
  dockerArchiveTarget,
  type FileSystem,
  type FileSystemReason,
  memoryFileSystem,
  ociArchive,
} from "../../lib/store/mod.ts";
import { FileSystemError } from "../../lib/store/file_system.ts";
import { randomImage } from "../../lib/testing/mod.ts";
import { fetched, filesBelow, noise, readFile, writeFile } from "./content.ts";
import { faultyFileSystem } from "./faulty_file_system.ts";

const OLD = noise(100, 1);

async function withOld(): Promise<FileSystem> {
  const fs = memoryFileSystem();
  await writeFile(fs, "app.tar", OLD);
  return fs;
}

for (const reason of ["no-space", "io"] satisfies FileSystemReason[]) {
  test(`dockerArchiveTarget() leaves the old archive or the new one when any one operation fails with ${reason}`, async () => {
    const image = await randomImage("one");
    const work = async (fs: FileSystem): Promise<void> => {
      const target = dockerArchiveTarget(fs, "app.tar");
      try {
        await image.pushTo(target, "app:1");
        await target.close();
      } catch (error) {
        await target.abort();
        throw error;
      }
    };
    const counting = faultyFileSystem(await withOld(), 0, reason);
    await work(counting.fs);
    const operations = counting.operations();
    assert.ok(operations > 80, `${operations} operations`);
    let failures = 0;
    for (let n = 1; n <= operations; n++) {
      const memory = await withOld();
      const faulty = faultyFileSystem(memory, n, reason);
      let error: unknown;
      try {
        await work(faulty.fs);
      } catch (caught) {
        error = caught;
      }
      const message = `operation ${n}: ${faulty.failed()}`;
      if (error !== undefined) {
        failures++;
        assert.ok(error instanceof FileSystemError, `${message}: ${error}`);
        assert.equal(error.reason, reason, message);
      }
      const there = await readFile(memory, "app.tar");
      const isNew = there.byteLength !== OLD.byteLength;
      if (error === undefined) assert.ok(isNew, message);
      if (isNew) {
        const archive = ociArchive(memory, "app.tar");
        for (const { descriptor } of image.contents) await fetched(archive, descriptor);
      } else {
        assert.deepEqual(there, OLD, message);
      }
      assert.deepEqual(await filesBelow(memory, ""), ["app.tar"], message);
    }
    assert.ok(failures > operations * 0.8, `${failures} of ${operations}`);
  });
}

test("dockerArchiveTarget() takes away what a killed process left of the same archive long ago", async () => {
  let now = 0;
  const fs = memoryFileSystem({ now: () => now });
  for (const name of [".app.tar.lading-1-2", ".other.tar.lading-1-2", ".app.tar.lading-3-4"]) {
    if (name.endsWith("3-4")) now = Date.now();
    await writeFile(fs, `${name}/layout/index.json`, OLD);
  }
  const target = dockerArchiveTarget(fs, "app.tar");
  await (await randomImage("one")).pushTo(target, "app:1");
  await target.close();
  assert.deepEqual(await filesBelow(fs, ""), [
    ".app.tar.lading-3-4/layout/index.json",
    ".other.tar.lading-1-2/layout/index.json",
    "app.tar",
  ]);
});
