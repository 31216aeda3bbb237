import { test } from "node:test";
import assert from "node:assert/strict";
import { judgeDeflate, judgeMutants } from "./kernel_mutants.ts";

const SEED = 1951;
const MUTANTS = 1_500;

test(`zlib and the kernels agree on ${MUTANTS} damaged gzip files with right checksums`, () => {
  const { taken, refused } = judgeMutants(SEED, MUTANTS);
  assert.ok(taken > MUTANTS / 10, `${taken} taken`);
  assert.ok(refused > MUTANTS / 4, `${refused} refused`);
});

test("zlib gives back 150 random contents that the kernels deflate to the same bytes", () => {
  judgeDeflate(SEED + 1, 150);
});
