/** The checks of whole tools over the tree: format, lint, types, docs, and the two packages. */
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
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

/** Builds and packs the npm package. */
function withTarball(work: (tarball: string, folder: string) => void): void {
  check(process.execPath, "tests/tools/build.mjs");
  const folder = mkdtempSync(join(tmpdir(), "lading-pack-"));
  try {
    check("npm", "pack", "--pack-destination", folder, "--ignore-scripts");
    const [tarball = ""] = readdirSync(folder);
    work(join(folder, tarball), folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** How projects ask for their modules, and which globals they know: none has those of Node. */
const PROJECTS = [
  { module: "node16", moduleResolution: "node16", lib: ["es2022", "dom", "dom.iterable"] },
  { module: "nodenext", moduleResolution: "nodenext", lib: ["es2022", "webworker"] },
  { module: "esnext", moduleResolution: "bundler", lib: ["es2023", "dom", "dom.iterable"] },
];

test("the npm package passes publint and are-the-types-wrong, and its types need no others", () => {
  withTarball((tarball, folder) => {
    check(process.execPath, bin("publint"), "--strict");
    const none = ["--exclude-entrypoints", "./kernel.wasm"];
    check(process.execPath, bin("attw"), tarball, "--profile", "esm-only", ...none);
    const installed = join(folder, "node_modules/lading");
    mkdirSync(installed, { recursive: true });
    check("tar", "-xzf", tarball, "--strip-components=1", "-C", installed);
    const names = Object.keys(
      (JSON.parse(readFileSync("deno.json", "utf8")) as { exports: object }).exports,
    );
    const imports = names.map((name, i) => `import * as m${i} from "lading${name.slice(1)}";`);
    const all = names.map((_, i) => `m${i}`).join(", ");
    writeFileSync(join(folder, "use.mts"), `${imports.join("\n")}\nexport const all = [${all}];\n`);
    for (const project of PROJECTS) {
      const compilerOptions = {
        ...project,
        target: "es2022",
        types: [],
        strict: true,
        exactOptionalPropertyTypes: true,
        noUncheckedIndexedAccess: true,
        skipLibCheck: false,
        noEmit: true,
      };
      const config = join(folder, "tsconfig.json");
      writeFileSync(config, JSON.stringify({ compilerOptions, files: ["use.mts"] }));
      check(bin("tsc"), "-p", config);
    }
  });
});
