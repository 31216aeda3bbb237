import { test } from "node:test";
import assert from "node:assert/strict";
import { crc32 } from "../../lib/hash/mod.ts";
import { isLadingError } from "../../lib/model/mod.ts";
import { corpusBytes } from "../support/corpus.ts";
import { inflate, type Inflated, join, KERNELS, randomNumbers } from "./_kernels.ts";

const SEED = 20261121;
const MUTANTS = 4_000;

const SEEDS = [
  "go-gunzip-tests/05-gettysburg.gz",
  "go-gunzip-tests/10-header-with-all-fields-used.gz",
  "made-by-gzip-tools/cat-three-members.gz",
  "made-by-gzip-tools/pigz-11-zopfli.gz",
  "made-by-gzip-tools/gzip-1n.gz",
  "libarchive/test_compat_gzip_1.tgz",
  "flate2-rs/good-file.gz",
];

/** Changes a few bits, bytes or spans. */
function mutate(input: Uint8Array, next: () => number): Uint8Array {
  let bytes = input.slice();
  for (let changes = 1 + next() % 3; changes > 0; changes--) {
    const at = next() % bytes.length;
    const span = 1 + next() % 40;
    switch (next() % 6) {
      case 0:
      case 1:
        bytes[at] = (bytes[at] ?? 0) ^ 1 << next() % 8;
        break;
      case 2:
        bytes[at] = next() & 0xff;
        break;
      case 3:
        bytes = join(bytes.subarray(0, at), bytes.subarray(at + span));
        break;
      case 4:
        bytes = join(bytes.subarray(0, at), bytes.subarray(at, at + span), bytes.subarray(at));
        break;
      default:
        bytes = bytes.subarray(0, at + 1);
    }
    if (bytes.length === 0) return Uint8Array.of(0);
  }
  return bytes;
}

function summary({ error, bytes, members }: Inflated): string {
  return `${members} members, ${bytes.length} bytes, ${
    crc32(bytes)
  }, ${error?.message} ${error?.offset}`;
}

test(`the kernels agree on ${MUTANTS} damaged files, however they are cut`, async () => {
  const next = randomNumbers(SEED);
  const seeds = await Promise.all(SEEDS.map(corpusBytes));
  const [wasm, js] = KERNELS;
  assert.ok(wasm !== undefined && js !== undefined);
  let refused = 0;
  for (let turn = 0; turn < MUTANTS; turn++) {
    const seed = seeds[next() % seeds.length] ?? assert.fail();
    const mutant = mutate(seed, next);
    const size = 1 + next() % 5000;
    const whole = inflate(wasm, mutant);
    const what = `mutant ${turn} of seed ${SEED}`;
    assert.equal(summary(inflate(wasm, mutant, { cut: size })), summary(whole), what);
    assert.equal(summary(inflate(js, mutant, { cut: size })), summary(whole), what);
    if (whole.error === undefined) continue;
    refused++;
    assert.ok(isLadingError(whole.error), `${what}: ${whole.error}`);
  }
  assert.ok(refused > MUTANTS / 2, `${refused} refused`);
});

test(`the kernels agree on ${MUTANTS} raw streams of random bytes`, () => {
  const next = randomNumbers(SEED + 1);
  const [wasm, js] = KERNELS;
  assert.ok(wasm !== undefined && js !== undefined);
  for (let turn = 0; turn < MUTANTS; turn++) {
    const input = Uint8Array.from({ length: 1 + next() % 300 }, () => next() & 0xff);
    // A dynamic block with plausible counts gets past the first checks more often.
    input[0] = turn % 2 === 0 ? 0b101 | next() & 0xf8 : input[0] ?? 0;
    const options = { format: "deflate-raw", cut: 1 + next() % 40 } as const;
    assert.equal(
      summary(inflate(js, input, options)),
      summary(inflate(wasm, input, { format: "deflate-raw" })),
      `stream ${turn} of seed ${SEED + 1}`,
    );
  }
});
