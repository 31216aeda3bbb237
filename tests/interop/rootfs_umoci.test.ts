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
import { type TarInput, writeTar } from "../../lib/tar/mod.ts";
import { putImage } from "../image/images.ts";
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

/** A small generator, so that a failure can be repeated by its seed (mulberry32). */
function random(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = state + 0x6d2b79f5 | 0;
    let t = Math.imul(state ^ state >>> 15, 1 | state);
    t = t + Math.imul(t ^ t >>> 7, 61 | t) ^ t;
    return ((t ^ t >>> 14) >>> 0) % below;
  };
}

/**
 * Makes layers over few names, so that they meet often: files, links and directories replace each
 * other, are deleted and come back. A model keeps the entries such that umoci can apply them.
 */
function randomLayers(seed: number): TarInput[][] {
  const next = random(seed);
  const names = ["a", "b", "c", "d"];
  const isDirectory = new Map<string, boolean>([["", true]]);
  const forget = (path: string) => {
    for (const known of [...isDirectory.keys()]) {
      if (known === path || known.startsWith(`${path}/`)) isDirectory.delete(known);
    }
  };
  const pick = (wanted: boolean): string => {
    const all = [...isDirectory].filter(([, isDir]) => isDir === wanted).map(([path]) => path);
    return all[next(all.length)] ?? "";
  };
  const layers: TarInput[][] = [];
  for (let i = 0; i < 4; i++) {
    const entries: TarInput[] = [];
    const added = new Set<string>();
    for (let j = 0; j < 14; j++) {
      const directory = pick(true);
      const name = names[next(names.length)] ?? "a";
      const path = directory === "" ? name : `${directory}/${name}`;
      const meta = { path, uid: next(3), gid: next(3), mtime: 1_000_000 + next(1_000_000) };
      const file = pick(false);
      switch (next(8)) {
        case 0:
        case 1:
          if (isDirectory.get(path) !== true) forget(path);
          isDirectory.set(path, true);
          entries.push({ ...meta, type: "directory", mode: 0o700 + next(0o100) });
          break;
        case 2:
          if (file === "" || file === path || file.startsWith(`${path}/`)) continue;
          forget(path);
          isDirectory.set(path, false);
          entries.push({ ...meta, type: "hardlink", linkPath: file });
          break;
        case 3:
          forget(path);
          isDirectory.set(path, false);
          entries.push({ ...meta, type: "symlink", linkPath: `../${names[next(4)]}/x` });
          break;
        case 4:
          // A whiteout counts for lower layers; what this layer has put there would stay.
          if ([...added].some((known) => known === path || known.startsWith(`${path}/`))) continue;
          forget(path);
          entries.push({ path: `${path.slice(0, -name.length)}.wh.${name}` });
          continue;
        case 5:
          if ([...added].some((known) => known.startsWith(`${directory}/`))) continue;
          if (directory === "") continue;
          for (const known of [...isDirectory.keys()]) {
            if (known.startsWith(`${directory}/`)) isDirectory.delete(known);
          }
          entries.push({ path: `${directory}/.wh..wh..opq` });
          continue;
        default:
          forget(path);
          isDirectory.set(path, false);
          entries.push({
            ...meta,
            mode: 0o600 + next(0o100),
            body: new Uint8Array(next(3000)).fill(next(256)),
          });
      }
      added.add(path);
    }
    layers.push(entries);
  }
  return layers;
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
