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

test("the check of the kernel notices built files that were changed, and sources of theirs", () => {
  const scratch = mkdtempSync(join(tmpdir(), "lading-kernel-"));
  try {
    for (const folder of ["wasm", "lib/kernel", "lib/hash"]) {
      cpSync(join(root, folder), join(scratch, folder), { recursive: true });
    }
    copyFileSync(join(root, "package.json"), join(scratch, "package.json"));
    symlinkSync(join(root, "node_modules"), join(scratch, "node_modules"));
    const check = () =>
      spawnSync(process.execPath, [join(scratch, "wasm/build.mjs"), "--check"], {
        encoding: "utf8",
      });
    const change = (file: string, from: string, to: string): void => {
      const path = join(scratch, file);
      writeFileSync(path, readFileSync(path, "utf8").replace(from, to));
    };
    change("lib/hash/state.ts", "/**", "// A comment is no part of a build.\n/**");
    assert.equal(check().status, 0);
    change("wasm/inline.d.ts", "WebAssembly.Module", "unknown");
    change("lib/kernel/tar_rules.ts", "= 0x30;", "= 0x31;");
    change("lib/hash/state.ts", "setUint8(4", "setUint8(5");
    const stale = check();
    assert.equal(stale.status, 1);
    const names = stale.stderr.split(":")[0]?.split(", ").sort();
    const built = ["kernel.wasm", "inline.js", "inline.d.ts"].map((name) => `wasm/${name}`);
    assert.deepEqual(names, ["lib/hash/_state_build.ts", ...built].sort());
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
});

test("the kernel has at most 16 kB as text in a gzipped bundle", () => {
  const text = readFileSync(join(root, "wasm/kernel.wasm")).toString("base64");
  const { length } = gzipSync(text, { level: 9 });
  assert.ok(length <= 16_000, `${length} bytes`);
});
