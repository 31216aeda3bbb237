import { existsSync, readFileSync } from "node:fs";
import { test } from "node:test";
import assert from "node:assert/strict";

interface Entry {
  readonly types: string;
  readonly default: string;
}

interface PackageJSON {
  readonly version: string;
  readonly license: string;
  readonly exports: Readonly<Record<string, Entry | string>>;
  readonly files: readonly string[];
  readonly scripts: Readonly<Record<string, string>>;
  readonly dependencies: Readonly<Record<string, string>>;
}

interface DenoJSON {
  readonly version: string;
  readonly license: string;
  readonly exports: Readonly<Record<string, string>>;
  readonly imports: Readonly<Record<string, string>>;
}

const npm = JSON.parse(readFileSync("package.json", "utf8")) as PackageJSON;
const jsr = JSON.parse(readFileSync("deno.json", "utf8")) as DenoJSON;

test("package.json and deno.json have the same entries", () => {
  const built = Object.entries(npm.exports).filter(([, entry]) => typeof entry !== "string");
  const fromNpm = built.map(([name, entry]) => [
    name,
    (entry as Entry).default.replace("./dist/", "./").replace(/\.js$/, ".ts"),
  ]);
  assert.deepEqual(Object.fromEntries(fromNpm), jsr.exports);
  for (const [name, entry] of built) {
    assert.equal(Object.keys(entry)[0], "types", `${name} names its types first`);
  }
});

test("every entry is a file with a module doc and an example", () => {
  for (const [name, path] of Object.entries(jsr.exports)) {
    assert.ok(existsSync(path), `${name}: ${path}`);
    const text = readFileSync(path, "utf8").replace(/^#!.*\n/, "");
    assert.match(text, /^\/\*\*[\s\S]*?@module/, `${name} has a module doc`);
    assert.match(text, /^\/\*\*[\s\S]*?```(ts|sh)[\s\S]*?@module/, `${name} has an example`);
  }
});

test("the versions, licences and dependencies of the two packages agree", () => {
  assert.equal(npm.version, jsr.version);
  assert.equal(npm.license, jsr.license);
  assert.deepEqual(Object.keys(npm.dependencies).sort(), ["fzstd", "valibot"]);
  assert.match(jsr.imports["@std/tar"] ?? "", /^jsr:@std\/tar@/);
  assert.match(jsr.imports["@std/streams"] ?? "", /^jsr:@std\/streams@/);
});

test("the package runs no script when it is installed", () => {
  for (const name of ["preinstall", "install", "postinstall", "prepare"]) {
    assert.equal(npm.scripts[name], undefined, name);
  }
});
