/** The checks of whole tools over the tree: format, lint, types, docs, and the two packages. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import assert from "node:assert/strict";

const bin = (name: string): string => join("node_modules/.bin", name);

function check(program: string, ...args: string[]): string {
  const { status, stdout, stderr } = spawnSync(program, args, {
    encoding: "utf8",
    env: { ...process.env, NO_COLOR: "1" },
    maxBuffer: 64 << 20,
  });
  assert.equal(status, 0, `${program} ${args.join(" ")}\n${(stdout + stderr).slice(-6000)}`);
  return stdout + stderr;
}

const entries = Object.values(
  (JSON.parse(readFileSync("deno.json", "utf8")) as { exports: Record<string, string> }).exports,
);

test("deno fmt --check finds nothing to format", () => {
  check(bin("deno"), "fmt", "--check");
});

test("deno lint finds nothing, slow types included", () => {
  check(bin("deno"), "lint");
});

test("tsc accepts the whole tree", () => {
  check(bin("tsc"), "-p", "tsconfig.json");
});

test("deno check accepts every entry", () => {
  check(bin("deno"), "check", ...entries);
});

test("deno doc --lint finds every exported symbol documented", () => {
  check(bin("deno"), "doc", "--lint", ...entries);
});

test("deno publish --dry-run accepts the package", () => {
  const output = check(bin("deno"), "publish", "--dry-run", "--allow-dirty");
  assert.match(output, /Dry run complete|Success/);
});

test("the npm package holds what it should and passes publint and are-the-types-wrong", () => {
  check(process.execPath, "tests/tools/build.mjs");
  check(process.execPath, bin("publint"), "--strict");
  const folder = mkdtempSync(join(tmpdir(), "lading-pack-"));
  try {
    check("npm", "pack", "--pack-destination", folder, "--ignore-scripts");
    const [tarball] = readdirSync(folder);
    check(
      process.execPath,
      bin("attw"),
      join(folder, tarball ?? ""),
      "--profile",
      "esm-only",
      "--exclude-entrypoints",
      "./kernel.wasm",
    );
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
