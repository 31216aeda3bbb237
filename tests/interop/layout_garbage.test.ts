// What is garbage in a layout: umoci's word on it, and skopeo reads what is left.
import { cpSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import assert from "node:assert/strict";
import { nodeFileSystem } from "../../lib/runtime/node_file_system.ts";
import { collectGarbage, ociLayout } from "../../lib/store/mod.ts";
import { randomImage, randomIndex } from "../../lib/testing/mod.ts";
import { inScratch, missing, mustRun } from "../support/program.ts";

const skip = missing("skopeo", "umoci");

test(
  "what is left of a layout is what umoci leaves, and skopeo reads all of it",
  { skip },
  () =>
    inScratch(async (folder) => {
      const path = join(folder, "layout");
      const layout = ociLayout(nodeFileSystem(), path);
      for (const name of ["first", "second", "third"]) {
        await (await randomImage(name, { layers: 3 })).pushTo(layout, name);
      }
      await (await randomIndex("index")).pushTo(layout, "index");
      await (await randomIndex("old")).pushTo(layout, "old");
      // A tool of somebody else stores an image of one that is there, and takes a name away.
      await mustRun("skopeo", ["copy", "-q", `oci:${path}:first`, `oci:${path}:copied`]);
      await mustRun("umoci", ["config", "--image", `${path}:third`, "--config.user", "me"]);
      await mustRun("umoci", ["rm", "--image", `${path}:second`]);
      await layout.untag("first");
      await layout.untag("old");
      const theirs = join(folder, "theirs");
      cpSync(path, theirs, { recursive: true });
      await mustRun("umoci", ["gc", "--layout", theirs]);
      const blobs = (of: string): string[] => readdirSync(join(of, "blobs/sha256")).sort();
      const before = blobs(path);
      const { deleted, kept } = await collectGarbage(nodeFileSystem(), path, { minAgeMs: 0 });
      assert.deepEqual(blobs(path), blobs(theirs));
      assert.equal(deleted.length, before.length - kept);
      assert.ok(deleted.length > 8, `${deleted.length} of ${before.length}`);
      await mustRun("umoci", ["gc", "--layout", path]);
      assert.equal(blobs(path).length, kept);
      for (const name of ["copied", "index", "third"]) {
        const to = `dir:${folder}/${name}`;
        await mustRun("skopeo", ["copy", "-q", "--all", `oci:${path}:${name}`, to]);
      }
      const listed = await mustRun("umoci", ["ls", "--layout", path]);
      assert.deepEqual(listed.stdout.trim().split("\n").sort(), ["copied", "index", "third"]);
    }),
);
