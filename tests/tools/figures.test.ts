/** The figures of README are those that were measured. */
import { readFileSync } from "node:fs";
import { test } from "node:test";
import assert from "node:assert/strict";
import { withFigures } from "../../bench/_readme.ts";
import { readResults } from "../../bench/_results_file.ts";

test("the table of README is what bench/results.json gives", () => {
  const readme = readFileSync("README.md", "utf8");
  assert.equal(withFigures(readme, readResults()), readme);
});

test("every figure is the median of five rounds or more", () => {
  const { runtimes } = readResults();
  for (const [runtime, { answers }] of Object.entries(runtimes)) {
    for (const [question, layers] of Object.entries(answers)) {
      for (const [layer, entrants] of Object.entries(layers)) {
        for (const [name, { wall }] of Object.entries(entrants)) {
          assert.ok(wall.length >= 5, [runtime, question, layer, name].join(", "));
        }
      }
    }
  }
});
