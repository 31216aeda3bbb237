import { readFileSync } from "node:fs";
import { test } from "node:test";
import assert from "node:assert/strict";
import { MATRIX } from "./matrix.ts";

/** The faults of registries and of operations; F20 to F24 are those of disks and processes. */
const FAULTS = [...numbers(1, 19), ...numbers(25, 34)].map((number) => `F${number}`);

function numbers(first: number, last: number): number[] {
  return Array.from({ length: last - first + 1 }, (_, i) => first + i);
}

test("every fault has its row, and every row has tests", () => {
  assert.deepEqual(MATRIX.map(({ id }) => id), FAULTS);
  for (const { id, tests } of MATRIX) {
    const named = tests.filter(([, name]) => new RegExp(`\\b${id}\\b`).test(name));
    assert.ok(named.length > 0, `no test is named by ${id}`);
  }
});

test("every test that the rows name is there", () => {
  for (const { id, tests } of MATRIX) {
    for (const [file, name] of tests) {
      const source = readFileSync(file, "utf8");
      const isThere = ['"', "`"].some((quote) => source.includes(quote + name));
      assert.ok(isThere, `${id}: ${file} has no test ${JSON.stringify(name)}`);
    }
  }
});
