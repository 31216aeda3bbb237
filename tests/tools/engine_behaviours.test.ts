/**
 * What other clients of engines do, or should have done, and the tests that hold lading to the same:
 * a row that names a test that is not there fails.
 */
import { existsSync, readFileSync } from "node:fs";
import { test } from "node:test";
import assert from "node:assert/strict";
import type { Behaviour } from "./behaviours/behaviour.ts";
import { COMPLAINTS } from "./behaviours/complaints.ts";
import { DOCKER_PY } from "./behaviours/docker_py.ts";
import { GO_DOCKERCLIENT } from "./behaviours/go_dockerclient.ts";

/** How many complaints there are. */
const NUMBER_OF_COMPLAINTS = 25;

const TEST_REGEXP = /\btest\(\s*(["`])(.*?)\1/gs;
const CASE_REGEXP = /^ {4}name: "(.*)",$/gm;

const known = new Map<string, readonly string[]>();

/** The names of the tests of a file, or of the cases of a suite. */
function namesIn(file: string): readonly string[] {
  const found = known.get(file);
  if (found !== undefined) return found;
  const path = `tests/${file}.test.ts`;
  const names = existsSync(path)
    ? [...readFileSync(path, "utf8").matchAll(TEST_REGEXP)].map(([, , name = ""]) => name)
    : [...readFileSync(`tests/${file}.ts`, "utf8").matchAll(CASE_REGEXP)].map(([, name = ""]) =>
      name
    );
  known.set(file, names);
  return names;
}

function check(table: readonly Behaviour[]): void {
  const seen = new Set<string>();
  const faults: string[] = [];
  for (const [what, ...tests] of table) {
    if (seen.has(what)) faults.push(`${what}: it is there twice`);
    seen.add(what);
    for (const one of tests) {
      const [, file = "", begin = ""] = /^([\w/.]+): (.{8,})$/.exec(one) ?? [];
      const named = namesIn(file).filter((name) => name.startsWith(begin));
      if (named.length !== 1) faults.push(`${what}: ${named.length} tests are ${one}`);
    }
  }
  assert.deepEqual(faults, []);
}

test("every behaviour that docker-py's tests pin has a test here of the same intent", () => {
  check(DOCKER_PY);
});

test("every option, error and test of go-dockerclient has its counterpart here", () => {
  check(GO_DOCKERCLIENT);
});

test("every complaint about other clients has a test here", () => {
  assert.equal(COMPLAINTS.length, NUMBER_OF_COMPLAINTS);
  check(COMPLAINTS);
  for (const [at, [what, ...tests]] of COMPLAINTS.entries()) {
    for (const one of tests) {
      const [, number = `${at + 1}`] = /: complaint (\d+):$/.exec(one) ?? [];
      assert.equal(Number(number), at + 1, `${what}: ${one}`);
    }
  }
});
