import { test } from "node:test";
import assert from "node:assert/strict";
import core from "#wasm";
import { crc32 } from "../../lib/hash/mod.ts";
import { corpusBytes } from "../support/corpus.ts";
import { deflate, KERNELS, randomNumbers } from "../kernel/_kernels.ts";
import { readInflatedMutants, readMutants, tarSeeds } from "../tar/mutants.ts";
import { judgeDeflate, judgeMutants } from "./kernel_mutants.ts";
import { judgeArchives } from "./tar_mutants.ts";

const MINUTES = 5;
/** Each run has mutants that no run had before; the seed is in the message of a failure. */
const FIRST_SEED = Date.now() % 2 ** 31;

/** Lets the runtime free what zlib has used: it does that between turns. */
function nextTurn(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve));
}

test(`zlib and the kernels agree for ${MINUTES} minutes on damaged gzip files`, async () => {
  const end = Date.now() + MINUTES * 60_000;
  for (let seed = FIRST_SEED; Date.now() < end; seed++) {
    judgeMutants(seed, 1000);
    await nextTurn();
  }
});

test(`the kernels deflate alike for ${MINUTES} minutes, and zlib gives back what it was`, async () => {
  const end = Date.now() + MINUTES * 60_000;
  for (let seed = FIRST_SEED; Date.now() < end; seed++) {
    judgeDeflate(seed, 50);
    await nextTurn();
  }
});

test(`GNU tar and readTar() agree for ${MINUTES} minutes on damaged archives`, async () => {
  const end = Date.now() + MINUTES * 60_000;
  for (let seed = FIRST_SEED; Date.now() < end; seed++) await judgeArchives(seed, 200);
});

test(`readTar() and the scans survive mutants of the corpus for ${MINUTES} minutes`, async () => {
  const end = Date.now() + MINUTES * 60_000;
  const archives = await tarSeeds();
  for (let seed = FIRST_SEED; Date.now() < end; seed++) {
    await readMutants(archives, seed, 1000);
    await readInflatedMutants(archives, seed, 200);
  }
});

test("the memory of an instance is the same before and after 10 GiB", async () => {
  interface Exports {
    readonly memory: WebAssembly.Memory;
    readonly INPUT: WebAssembly.Global;
    setup(): void;
    inflateStart(raw: number, checkedByHost: number, boundaries: number): void;
    inflateInput(bytes: number): void;
    inflateRun(): number;
    inflateOutputBytes(): number;
  }
  assert.ok(core !== undefined);
  const kernel = new WebAssembly.Instance(core).exports as unknown as Exports;
  const before = kernel.memory.buffer;
  const input = await corpusBytes("made-by-gzip-tools/zeros-100MiB.gz");
  kernel.setup();
  let total = 0;
  while (total < 10 * 2 ** 30) {
    kernel.inflateStart(0, 0, 0);
    new Uint8Array(before, kernel.INPUT.value as number).set(input);
    kernel.inflateInput(input.length);
    for (let status = 1; status === 1; total += kernel.inflateOutputBytes()) {
      status = kernel.inflateRun();
    }
  }
  assert.equal(kernel.memory.buffer, before);
  assert.equal(before.byteLength, 7 * 65536);
});

test("a deflater gives the same after 2 GiB as at first", () => {
  const next = randomNumbers(1);
  const piece = Uint8Array.from({ length: 1 << 20 }, (_, at) => at % 5 === 0 ? next() : at >> 8);
  const [wasm = assert.fail()] = KERNELS;
  const expected = crc32(deflate(wasm, piece, { level: 1 }));
  const deflater = wasm.deflater({ level: 1 });
  for (let count = 0; count < 2048; count++) {
    deflater.push(piece);
    while (deflater.read() !== undefined);
  }
  deflater.end();
  while (deflater.read() !== undefined);
  assert.equal(deflater.bytesIn, 2 ** 31);
  deflater.close();
  assert.equal(crc32(deflate(wasm, piece, { level: 1 })), expected);
});
