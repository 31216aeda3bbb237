import { test } from "node:test";
import assert from "node:assert/strict";
import { deflateRawSync, gunzipSync, gzipSync, inflateRawSync } from "node:zlib";
import { readAll, streamOf } from "../../lib/bytes/mod.ts";
import { gzip } from "../../lib/compress/mod.ts";
import { crc32 } from "../../lib/hash/mod.ts";
import type { Bytes } from "../../lib/model/bytes.ts";
import { corpusBytes } from "../support/corpus.ts";
import { type Cut, inflate, join, KERNELS, randomNumbers } from "../kernel/_kernels.ts";

const SEED = 1952;
const MUTANTS = 2_000;

// zlib.h: Z_FILTERED, Z_HUFFMAN_ONLY, Z_RLE, Z_FIXED
const SETTINGS = [
  { level: 0 },
  { level: 1 },
  { level: 6 },
  { level: 9 },
  { strategy: 1 },
  { strategy: 2 },
  { strategy: 3 },
  { strategy: 4 },
  { level: 6, windowBits: 9 },
  { level: 6, memLevel: 1 },
] as const;

async function contents(): Promise<Readonly<Record<string, Bytes>>> {
  const next = randomNumbers(SEED);
  return {
    empty: new Uint8Array(0),
    small: new TextEncoder().encode("hello"),
    tar: (await corpusBytes("cpython/testtar.tar")).slice(0, 400_000),
    noise: Uint8Array.from({ length: 100_000 }, () => next() & 0xff),
    zeros: new Uint8Array(500_000),
    period: Uint8Array.from({ length: 100_000 }, (_, at) => at % 7),
  };
}

test("what zlib compresses with any setting inflates, alone and in members", async () => {
  const next = randomNumbers(SEED + 1);
  for (const [name, content] of Object.entries(await contents())) {
    for (const setting of SETTINGS) {
      const member = new Uint8Array(gzipSync(content, setting));
      const small = new Uint8Array(gzipSync("hello"));
      const inputs: readonly [Bytes, Bytes][] = [
        [member, content],
        [join(member, small, member), join(content, new TextEncoder().encode("hello"), content)],
      ];
      const cuts: readonly Cut[] = [65536, () => 1 + next() % 3000, 13];
      for (const [input, expected] of inputs) {
        for (const kernel of KERNELS) {
          for (const cut of cuts) {
            const result = inflate(kernel, input, { cut });
            const what = `${kernel.kind}, ${name}, ${JSON.stringify(setting)}, cut ${String(cut)}`;
            assert.equal(result.error, undefined, what);
            assert.equal(crc32(result.bytes), crc32(expected), what);
          }
        }
      }
    }
  }
});

test(`zlib and the kernels agree on ${MUTANTS} damaged raw streams`, async () => {
  const next = randomNumbers(SEED + 2);
  const all = Object.values(await contents());
  const seeds = all.flatMap((content) =>
    SETTINGS.map((setting) => new Uint8Array(deflateRawSync(content.subarray(0, 3000), setting)))
  );
  let refused = 0;
  for (let turn = 0; turn < MUTANTS; turn++) {
    const mutant = (seeds[next() % seeds.length] ?? assert.fail()).slice();
    for (let changes = 1 + next() % 4; changes > 0; changes--) {
      const at = next() % mutant.length;
      mutant[at] = next() % 2 === 0 ? next() & 0xff : (mutant[at] ?? 0) ^ 1 << next() % 8;
    }
    let expected: Uint8Array | undefined;
    try {
      expected = inflateRawSync(mutant);
    } catch {
      refused++;
    }
    for (const kernel of KERNELS) {
      const result = inflate(kernel, mutant, { format: "deflate-raw", cut: 1 + next() % 500 });
      const what = `${kernel.kind}: mutant ${turn} of seed ${SEED + 2}`;
      // zlib drops what follows the end of a raw stream; here other bytes than zeros are refused.
      const isFollowed = /other bytes than zeros/.test(String(result.error?.message));
      assert.equal(result.error === undefined || isFollowed, expected !== undefined, what);
      if (expected !== undefined) assert.deepEqual(result.bytes, new Uint8Array(expected), what);
    }
  }
  assert.ok(refused > MUTANTS / 4, `${refused} refused`);
});

test("zlib reads what gzip() writes", async () => {
  for (const content of Object.values(await contents())) {
    for (const level of [0, 1, 6, 9] as const) {
      const compressed = await readAll(gzip(streamOf(content), { level }), { maxBytes: 1e6 });
      assert.deepEqual(new Uint8Array(gunzipSync(compressed)), content);
    }
  }
});
