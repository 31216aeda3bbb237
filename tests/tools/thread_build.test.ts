import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { gzipSync } from "node:zlib";
import { test } from "node:test";
import assert from "node:assert/strict";
import { build } from "esbuild";

const root = resolve(import.meta.dirname, "../..");
const SOURCE = "lib/runtime/_thread_source.ts";

test("the committed program of threads is what its sources give", () => {
  const check = [join(root, "tests/tools/build_thread.mjs"), "--check"];
  execFileSync(process.execPath, check, { stdio: "pipe" });
});

test("the program of threads has at most 26 kB gzipped", () => {
  const { length } = gzipSync(readFileSync(join(root, SOURCE)), { level: 9 });
  assert.ok(length <= 26_000, `${length} bytes`);
});

test("who makes no threads carries no program for them", async () => {
  const contents = (names: string) => `import { ${names} } from "./mod.ts"; console.log(${names});`;
  const carries = async (names: string): Promise<boolean> => {
    const { metafile } = await build({
      stdin: { contents: contents(names), resolveDir: root, loader: "ts" },
      bundle: true,
      format: "esm",
      external: ["node:*"],
      write: false,
      metafile: true,
    });
    const [output] = Object.values(metafile.outputs);
    return (output?.inputs[SOURCE]?.bytesInOutput ?? 0) > 0;
  };
  assert.equal(await carries("layerThreads"), true);
  assert.equal(await carries("validate, exportRootfs, openImage, pull, copy"), false);
});
