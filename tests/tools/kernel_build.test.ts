import { execFileSync, spawnSync } from "node:child_process";
import {
  copyFileSync,
  cpSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { gzipSync } from "node:zlib";
import { test } from "node:test";
import assert from "node:assert/strict";

const root = resolve(import.meta.dirname, "../..");

test("the committed kernel is what its sources give", () => {
  execFileSync(process.execPath, [join(root, "wasm/build.mjs"), "--check"], { stdio: "pipe" });
});

test("the check of the kernel notices a built file that was changed", () => {
  const scratch = mkdtempSync(join(tmpdir(), "lading-kernel-"));
  try {
    cpSync(join(root, "wasm"), join(scratch, "wasm"), { recursive: true });
    copyFileSync(join(root, "package.json"), join(scratch, "package.json"));
    symlinkSync(join(root, "node_modules"), join(scratch, "node_modules"));
    const check = () =>
      spawnSync(process.execPath, [join(scratch, "wasm/build.mjs"), "--check"], {
        encoding: "utf8",
      });
    assert.equal(check().status, 0);
    writeFileSync(join(scratch, "wasm/inline.d.ts"), "export default undefined;\n");
    const stale = check();
    assert.equal(stale.status, 1);
    assert.match(stale.stderr, /wasm\/inline\.d\.ts: not what the sources give/);
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
});

test("the kernel has at most 16 kB as text in a gzipped bundle", () => {
  const text = readFileSync(join(root, "wasm/kernel.wasm")).toString("base64");
  const { length } = gzipSync(text, { level: 9 });
  assert.ok(length <= 16_000, `${length} bytes`);
});
