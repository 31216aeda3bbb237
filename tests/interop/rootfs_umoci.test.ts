// umoci and GNU tar judge the merged tree: what `tar -x` makes of our export has to be what umoci
// unpacks.
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import assert from "node:assert/strict";
import { readAll } from "../../lib/bytes/mod.ts";
import { exportRootfs, loadImage } from "../../lib/image/mod.ts";
import { validate } from "../../lib/ops/mod.ts";
import { nodeFileSystem } from "../../lib/runtime/node_file_system.ts";
import { ociLayout } from "../../lib/store/oci_layout.ts";
import { writeTar } from "../../lib/tar/mod.ts";
import { putImage } from "../image/images.ts";
import { randomLayers } from "../image/random_layers.ts";
import { inScratch, missing, mustRun } from "../support/program.ts";
import { fileTree } from "../support/tree.ts";

const CORPUS = process.env["LADING_CORPUS"] ?? join(process.cwd(), "../shared/corpus");
const LAYOUT = join(CORPUS, "made-by-umoci-skopeo/umoci-oci-layout");

/** Owners can be set by root alone. */
const noRoot = process.getuid?.() === 0 ? false : "needs root";
const skip = missing("umoci", "corpus") || noRoot;

/** Unpacks one image both ways and compares the trees. */
async function compare(directory: string, layout: string, name: string): Promise<number> {
  const store = ociLayout(nodeFileSystem(), layout);
  const image = await loadImage(store, await store.resolve(name));
  const bundle = join(directory, "bundle");
  const ours = join(directory, "ours");
  await mustRun("umoci", ["unpack", "--image", `${layout}:${name}`, bundle]);
  const archive = await readAll(exportRootfs(image), { maxBytes: 1 << 28 });
  writeFileSync(join(directory, "flat.tar"), archive);
  mkdirSync(ours);
  await mustRun("tar", [
    "-xpf",
    join(directory, "flat.tar"),
    "--numeric-owner",
    "--xattrs",
    "-C",
    ours,
  ]);
  // Directories that no layer mentions get the time of unpacking from umoci.
  const rootfs = await image.rootfs();
  const hasTime = (path: string) => path !== "" && rootfs.stat(path, { follow: false }).layer >= 0;
  const expected = fileTree(join(bundle, "rootfs"), hasTime);
  assert.deepEqual(fileTree(ours, hasTime), expected);
  rmSync(bundle, { recursive: true, force: true });
  rmSync(ours, { recursive: true, force: true });
  return expected.length;
}

test(
  "tar -x of an export equals umoci unpack for an image of umoci",
  { skip },
  async () => {
    await inScratch(async (directory) => {
      const store = ociLayout(nodeFileSystem(), LAYOUT);
      let count = 0;
      for await (const { reference } of store.roots()) {
        if (reference === undefined) continue;
        assert.deepEqual((await validate(store, reference)).problems, []);
        await compare(directory, LAYOUT, reference);
        count++;
      }
      assert.ok(count > 0);
    });
  },
);

test(
  "tar -x of an export equals umoci unpack for 60 random images",
  { skip },
  async () => {
    await inScratch(async (directory) => {
      let paths = 0;
      for (let seed = 1; seed <= 60; seed++) {
        const layout = join(directory, `layout-${seed}`);
        const store = ociLayout(nodeFileSystem(), layout);
        const tars = [];
        for (const entries of randomLayers(seed)) {
          tars.push(await readAll(writeTar(entries), { maxBytes: 1 << 24 }));
        }
        await store.tag(await putImage(store, tars), "image");
        try {
          paths += await compare(directory, layout, "image");
        } catch (error) {
          throw new Error(`seed ${seed}`, { cause: error });
        }
      }
      assert.ok(paths > 400, `only ${paths} paths`);
    });
  },
);
