/** What is on the medium before a call returns: the directories that got names. */
import { test } from "node:test";
import assert from "node:assert/strict";
import {
  type FileSystem,
  memoryFileSystem,
  ociArchiveTarget,
  ociLayout,
} from "../../lib/store/mod.ts";
import { pushImage } from "./content.ts";

/** A file system that writes down the directories that were brought to the medium. */
function watched() {
  const memory = memoryFileSystem();
  const synced = new Set<string>();
  const fs: FileSystem = new Proxy(memory, {
    get(at, name) {
      const value: unknown = Reflect.get(at, name);
      if (typeof value !== "function") return value;
      if (name !== "syncDirectory") return value.bind(at);
      return (path: string) => {
        synced.add(path.replace(/\/$/, ""));
        return memory.syncDirectory(path);
      };
    },
  });
  return { fs, synced };
}

test("ociLayout() brings every directory with a new name to the medium, unless told not to", async () => {
  for (const isDurable of [undefined, true, false]) {
    const { fs, synced } = watched();
    const layout = ociLayout(fs, "x", { isDurable });
    const image = await pushImage(layout, 1);
    await layout.tag(image, "v1");
    const wanted = isDurable === false ? [] : ["x", "x/blobs", "x/blobs/sha256"];
    assert.deepEqual([...synced].sort(), wanted);
    synced.clear();
    await layout.tag(image, "v2");
    assert.deepEqual([...synced], wanted.slice(0, 1));
  }
});

test("ociArchiveTarget() brings the directory of the archive to the medium, unless told not to", async () => {
  for (const isDurable of [undefined, true, false]) {
    const { fs, synced } = watched();
    await fs.makeDirectory("there");
    const archive = ociArchiveTarget(fs, "there/x.tar", { isDurable });
    await archive.tag(await pushImage(archive, 1), "v1");
    await archive.close();
    assert.equal(synced.has("there"), isDurable !== false);
  }
});
