// Mutants with a fixed seed; `npm run test:long` has others each time.
import { test } from "node:test";
import assert from "node:assert/strict";
import { readInflatedMutants, readMutants, tarSeeds } from "./mutants.ts";

const MUTANTS = 6000;

test("readTar() survives mutants of the corpus, and says the same however they are cut", async () => {
  const archives = await tarSeeds();
  assert.ok(archives.length > 100, `${archives.length} seeds`);
  const { taken, refused } = await readMutants(archives, 20_261_121, MUTANTS);
  // Both ways are gone often: the mutants are neither all broken nor all as they were.
  assert.ok(taken > MUTANTS / 10 && refused > MUTANTS / 10, `${taken}, ${refused}`);
});

test("mutants say the same where a kernel has inflated them to", async () => {
  const lines = await readInflatedMutants(await tarSeeds(), 7, 600);
  assert.ok(lines > 1000, `${lines} lines`);
});
