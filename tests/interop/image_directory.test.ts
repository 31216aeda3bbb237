// Directories of images: what we write, skopeo reads; what skopeo writes, we read.
import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import assert from "node:assert/strict";
import { copyPlaces } from "../../lib/runtime/copy_places.ts";
import { nodeFileSystem } from "../../lib/runtime/node_file_system.ts";
import { ociLayout } from "../../lib/store/mod.ts";
import { randomImage, randomIndex } from "../../lib/testing/mod.ts";
import { inScratch, missing, mustRun } from "../support/program.ts";

const SKOPEO = { skip: missing("skopeo") };

function digestOf(path: string): string {
  return `sha256:${createHash("sha256").update(readFileSync(path)).digest("hex")}`;
}

test("skopeo copies a directory that was written here, every digest the same", SKOPEO, async () => {
  await inScratch(async (folder) => {
    const layout = ociLayout(nodeFileSystem(), join(folder, "layout"));
    const image = await randomImage("one");
    const docker = await randomImage("two", { format: "docker" });
    const index = await randomIndex("many");
    for (const [name, content] of [["oci", image], ["docker", docker], ["index", index]] as const) {
      await content.pushTo(layout, name);
      const directory = join(folder, name);
      await copyPlaces(`oci:${folder}/layout:${name}`, `dir:${directory}`);
      const { digest } = content.descriptor;
      assert.equal(digestOf(join(directory, "manifest.json")), digest, name);
      const out = join(folder, `${name}-again`);
      const args = ["copy", "-q", "--all", "--preserve-digests"];
      await mustRun("skopeo", [...args, `dir:${directory}`, `dir:${out}`]);
      assert.deepEqual(readdirSync(out).sort(), readdirSync(directory).sort(), name);
      if (name === "docker") continue;
      await mustRun("skopeo", [...args, `dir:${directory}`, `oci:${out}-oci:x`]);
      const copied = await ociLayout(nodeFileSystem(), `${out}-oci`).resolve("x");
      assert.equal(copied.digest, digest, name);
    }
  });
});

test("a directory that skopeo wrote is read here, down to the layers", SKOPEO, async () => {
  await inScratch(async (folder) => {
    const layout = ociLayout(nodeFileSystem(), join(folder, "layout"));
    const index = await randomIndex("many");
    await index.pushTo(layout, "many");
    const args = ["copy", "-q", "--all", "--preserve-digests"];
    await mustRun("skopeo", [...args, `oci:${folder}/layout:many`, `dir:${folder}/out`]);
    const { descriptor } = await copyPlaces(`dir:${folder}/out`, `oci:${folder}/back:many`);
    assert.equal(descriptor.digest, index.descriptor.digest);
    const blobs = (name: string) => readdirSync(join(folder, name, "blobs/sha256")).sort();
    assert.deepEqual(blobs("back"), blobs("layout"));
  });
});
