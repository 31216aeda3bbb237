// GNU tar and bsdtar judge layers for Windows: both see one tree, below Files and Hives.
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import assert from "node:assert/strict";
import { readAll } from "../../lib/bytes/mod.ts";
import { layerFrom } from "../../lib/image/mod.ts";
import { inScratch, missing, mustRun } from "../support/program.ts";
import { entry, tarOf } from "../image/images.ts";

const skip = missing("bsdtar");

const TREE = [
  "app.exe=MZ",
  "lib/a.dll=a",
  "lib/same=>app.exe",
  `lib/${"n".repeat(120)}=long`,
  "größe=ü",
];

test("GNU tar and bsdtar extract the tree of a layer for Windows", { skip }, async () => {
  await inScratch(async (folder) => {
    for (const [number, source] of [TREE.map(entry), await tarOf(TREE)].entries()) {
      const layer = await layerFrom(source, { os: "windows" });
      const archive = join(folder, `${number}.tar`);
      writeFileSync(archive, await readAll(await layer.uncompressed(), { maxBytes: 1 << 20 }));
      for (const program of ["tar", "bsdtar"]) {
        const into = join(folder, `${program}${number}`);
        mkdirSync(into);
        const { stderr } = await mustRun(program, ["-xf", archive, "-C", into], {
          env: { LC_ALL: "C.UTF-8" },
        });
        // GNU tar names records that it does not know.
        assert.equal(stderr.replace(/^tar: Ignoring unknown .*'MSWINDOWS\.rawsd'\n/gm, ""), "");
        assert.deepEqual(readdirSync(into).sort(), ["Files", "Hives"]);
        assert.deepEqual(readdirSync(join(into, "Hives")), []);
        const read = (name: string): string => readFileSync(join(into, "Files", name), "utf8");
        assert.equal(read("app.exe") + read("lib/a.dll") + read("lib/same"), "MZaMZ");
        assert.equal(read(`lib/${"n".repeat(120)}`) + read("größe"), "longü");
      }
      const listed = await mustRun("bsdtar", ["-cf", "-", "--format=mtree", `@${archive}`]);
      assert.equal(listed.stdout.trimEnd().split("\n").length, 1 + 8, listed.stdout);
    }
  });
});
