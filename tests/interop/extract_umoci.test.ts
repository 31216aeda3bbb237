// umoci judges what extract() writes: the same paths, modes, owners, times, links and contents.
import { rmSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import assert from "node:assert/strict";
import { readAll } from "../../lib/bytes/mod.ts";
import { flatten, type Image, loadImage, squash } from "../../lib/image/mod.ts";
import { push } from "../../lib/ops/mod.ts";
import { extractToDisk } from "../../lib/runtime/node_extract.ts";
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

/** Unpacks an image with umoci, gives the tree, and removes it. */
async function unpacked(
  directory: string,
  place: string,
  hasTime: (path: string) => boolean,
): Promise<string[]> {
  const bundle = join(directory, "bundle");
  await mustRun("umoci", ["unpack", "--image", place, bundle]);
  const tree = fileTree(join(bundle, "rootfs"), hasTime);
  rmSync(bundle, { recursive: true, force: true });
  return tree;
}

/** Directories that no layer mentions get the time of unpacking from umoci. */
async function timed(image: Image): Promise<(path: string) => boolean> {
  const rootfs = await image.rootfs();
  return (path) => path !== "" && rootfs.stat(path, { follow: false }).layer >= 0;
}

async function compare(directory: string, layout: string, name: string): Promise<number> {
  const store = ociLayout(nodeFileSystem(), layout);
  const image = await loadImage(store, await store.resolve(name));
  const hasTime = await timed(image);
  const expected = await unpacked(directory, `${layout}:${name}`, hasTime);
  const ours = join(directory, "ours");
  await extractToDisk(image, ours, { owners: true });
  assert.deepEqual(fileTree(ours, hasTime), expected);
  rmSync(ours, { recursive: true, force: true });
  return expected.length;
}

test("extractToDisk() equals umoci unpack for the images of umoci", { skip }, async () => {
  await inScratch(async (directory) => {
    let count = 0;
    for await (const { reference } of ociLayout(nodeFileSystem(), LAYOUT).roots()) {
      if (reference === undefined) continue;
      await compare(directory, LAYOUT, reference);
      count++;
    }
    assert.ok(count > 0);
  });
});

test("extractToDisk() equals umoci unpack for 30 random images", { skip }, async () => {
  await inScratch(async (directory) => {
    let paths = 0;
    for (let seed = 1; seed <= 30; seed++) {
      const layout = join(directory, `layout-${seed}`);
      const store = ociLayout(nodeFileSystem(), layout);
      await store.tag(await putImage(store, await tarsOf(seed)), "image");
      try {
        paths += await compare(directory, layout, "image");
      } catch (error) {
        throw new Error(`seed ${seed}`, { cause: error });
      }
    }
    assert.ok(paths > 200, `only ${paths} paths`);
  });
});

test("umoci unpacks what was flattened and squashed to the same tree", { skip }, async () => {
  await inScratch(async (directory) => {
    const layout = join(directory, "layout");
    const store = ociLayout(nodeFileSystem(), layout);
    for (let seed = 1; seed <= 12; seed++) {
      const descriptor = await putImage(store, await tarsOf(seed));
      await store.tag(descriptor, `image-${seed}`);
      const image = await loadImage(store, descriptor);
      await push(flatten(image), store, `flat-${seed}`);
      await push(squash(image, { from: 1 }), store, `squashed-${seed}`);
      // The times of directories that no layer mentions are no one's.
      const hasTime = await timed(image);
      const expected = await unpacked(directory, `${layout}:image-${seed}`, hasTime);
      for (const kind of ["flat", "squashed"]) {
        const actual = await unpacked(directory, `${layout}:${kind}-${seed}`, hasTime);
        assert.deepEqual(actual, expected, `${kind} of seed ${seed}`);
      }
    }
  });
});

async function tarsOf(seed: number): Promise<Uint8Array<ArrayBuffer>[]> {
  const tars: Uint8Array<ArrayBuffer>[] = [];
  for (const entries of randomLayers(seed)) {
    tars.push(await readAll(writeTar(entries), { maxBytes: 1 << 24 }));
  }
  return tars;
}
