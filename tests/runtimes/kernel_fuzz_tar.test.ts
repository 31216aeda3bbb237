import { test } from "node:test";
import assert from "node:assert/strict";
import { judgeArchives } from "./tar_mutants.ts";

const SEED = 1988;
const MUTANTS = 400;

test(`GNU tar and readTar() agree on ${MUTANTS} damaged archives with right checksums`, async () => {
  const both = await judgeArchives(SEED, MUTANTS);
  assert.ok(both > MUTANTS / 4, `${both} taken`);
});
