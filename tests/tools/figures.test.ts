/** The figures of README are those that were measured. */
import { readFileSync } from "node:fs";
import { test } from "node:test";
import assert from "node:assert/strict";
import { withFigures } from "../../bench/_readme.ts";
import { type Results, speedRatio } from "../../bench/_results.ts";
import { readResults } from "../../bench/_results_file.ts";
import { claimsTable, readmeTable } from "../../bench/_tables.ts";
import { takeTurns } from "../../bench/_turns.ts";

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

/** Results in which the kernel inflates as many times as fast as node:zlib on Node 24. */
function resultsOf(npm: number, debian: number): Results {
  const facts = { digest: "", diffID: "", size: 1, plainSize: 1 };
  const entrants = (ratio: number) => ({
    "kernel": { wall: [100, 200, 300, 400, 500] },
    "node:zlib stream, 64 KiB": { wall: [100, 200, 300, 400, 500].map((ms) => ms * ratio * 2) },
    "node:zlib stream, 1 MiB": { wall: [100, 200, 300, 400, 500].map((ms) => ms * ratio) },
  });
  const inflate = { npm: entrants(npm), debian: entrants(debian) };
  return {
    machine: "",
    kernelBytes: 15_000,
    layers: { npm: facts, debian: facts },
    runtimes: { "Node 24": { version: "24.0.0", answers: { inflate } } },
  };
}

test("a claim is met when its floor is, on both layers, beside the fastest way of the peer", () => {
  const line = (results: Results) =>
    claimsTable(results).match(/^ {2}Node 24 .* 1\.45 .*$/m)?.[0] ?? "";
  assert.match(line(resultsOf(1.5, 1.46)), /1\.50 +1\.46 +1\.45 .* met$/);
  assert.match(line(resultsOf(1.5, 1.4)), /1\.50 +1\.40 +1\.45 .* NOT MET$/);
  assert.match(line({ ...resultsOf(1.5, 1.5), runtimes: {} }), / not measured$/);
  assert.match(claimsTable(resultsOf(1, 1)), /15000 bytes of 16000 \(12000\) {2}met$/m);
});

test("those who are close take more rounds; a ratio is of the rounds that both took", async (t) => {
  let clock = 0;
  t.mock.method(performance, "now", () => clock);
  let runs = 0;
  const taking = (name: string, ms: number) => ({
    name,
    run() {
      clock += ms;
      runs++;
    },
  });
  const times = await takeTurns([taking("one", 4), taking("near", 12), taking("far", 13)], {
    rounds: 3,
    warmUp: true,
    more: 6,
  });
  const lengths = [...times].map(([name, { wall }]) => [name, wall.length]);
  assert.deepEqual(lengths, [["one", 9], ["near", 9], ["far", 3]]);
  assert.equal(runs, 9 + 9 + 3 + 3);
  assert.equal(speedRatio({ wall: [1, 2, 4, 1, 1] }, { wall: [10, 10, 10] }), 5);
  assert.equal(speedRatio({ wall: [10, 10, 10] }, { wall: [1, 2, 4, 90, 90] }), 0.2);
});

test("the table of README has what was measured, and nothing else", () => {
  const rows = readmeTable(resultsOf(1.5, 1.46)).split("\n");
  assert.equal(rows.length, 3);
  assert.match(rows[2] ?? "", /^\| inflate : the best node:zlib stream \| +\| 1\.50, 1\.46 \|/);
});
