import { test } from "node:test";
import assert from "node:assert/strict";
import { building, built } from "./scripted_build.ts";

/** The registries whose credentials a build asks for. */
async function askedFor(dockerfile: string): Promise<string[]> {
  const asked: string[] = [];
  const credentials = ({ registry }: { readonly registry: string }) => {
    asked.push(registry);
    return Promise.resolve({ kind: "anonymous" as const });
  };
  const { engine } = building(built, { credentials });
  await engine.images.build({ dockerfile });
  return asked.sort();
}

test("a build asks for no credentials of registries that its Dockerfile does not name", async () => {
  const cases: readonly [string, readonly string[]][] = [
    ["FROM one.test/a AS base\nFROM base\nCOPY --from=0 a b\nCOPY --from=Base a b", ["one.test"]],
    ["FROM one.test/a AS Base\nFROM base AS second\nFROM second", ["one.test"]],
    ["FROM one.test/a base\nFROM base", ["docker.io", "one.test"]],
    // An argument of a stage is none of FROM.
    ["FROM one.test/a\nARG HOST=two.test\nFROM ${HOST}/b", ["one.test"]],
    ["ARG HOST=two.test\nFROM one.test/a\nFROM ${HOST}/b", ["one.test", "two.test"]],
    ["ARG A=1\nFROM ${A:+one.test/}a", ["one.test"]],
    ["FROM ${A:+one.test/}a", ["docker.io"]],
    // Directives come first, one to a line; what goes on, goes on over comments and empty lines.
    ["# escape=`\nFROM `\n one.test/a", ["one.test"]],
    ["# syntax=docker/dockerfile:1\n# Escape = `\nFROM `\n one.test/a", ["one.test"]],
    ["# a comment\n# escape=`\nFROM \\\n one.test/a", ["one.test"]],
    ["FROM \\\n# in between\n\n one.test/a", ["one.test"]],
    ["FROM one.test/a \\", ["one.test"]],
    ["FROM one.test/a\\\n\n", ["one.test"]],
    ["# FROM two.test/b\nFROM one.test/a", ["one.test"]],
    ["FROM scratch", []],
  ];
  for (const [dockerfile, registries] of cases) {
    assert.deepEqual(await askedFor(dockerfile), registries, dockerfile);
  }
});
