// Damaged gzip files whose checksums are right, so that what is wrong in their blocks is found by
// the blocks' own rules: judged by zlib and by every kernel.
import assert from "node:assert/strict";
import { deflateRawSync, gunzipSync, inflateRawSync } from "node:zlib";
import { crc32 } from "../../lib/hash/mod.ts";
import type { DeflateLevel } from "../../lib/kernel/mod.ts";
import { isLadingError } from "../../lib/model/errors.ts";
import type { Bytes } from "../../lib/model/bytes.ts";
import { deflate, inflate, join, KERNELS, randomNumbers } from "../kernel/_kernels.ts";

const HEADER = Uint8Array.of(0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255);

// zlib.h: Z_HUFFMAN_ONLY, Z_RLE, Z_FIXED
const SETTINGS = [
  { level: 0 },
  { level: 1 },
  { level: 9 },
  { strategy: 2 },
  { strategy: 3 },
  { strategy: 4 },
  { level: 6, memLevel: 1 },
] as const;

/** Some content of up to 6000 bytes. */
export function randomContent(next: () => number): Bytes {
  const alphabet = 1 + next() % 256;
  const bytes = Uint8Array.from({ length: next() % 6000 }, () => next() % alphabet);
  // Copies of itself, near and far.
  for (let copies = next() % 30; copies > 0; copies--) {
    const from = next() % Math.max(bytes.length, 1);
    bytes.copyWithin(next() % Math.max(bytes.length, 1), from, from + next() % 600);
  }
  return bytes;
}

function seedStream(next: () => number): Uint8Array {
  const content = randomContent(next);
  const choice = next() % (SETTINGS.length + 3);
  const setting = SETTINGS[choice];
  if (setting !== undefined) return new Uint8Array(deflateRawSync(content, setting));
  const level = next() % 10 as DeflateLevel;
  return deflate(KERNELS[0] ?? assert.fail(), content, { level, format: "deflate-raw" });
}

function mutate(input: Uint8Array, other: Uint8Array, next: () => number): Uint8Array {
  let bytes = input.slice();
  for (let changes = 1 + next() % 3; changes > 0 && bytes.length > 0; changes--) {
    // The codes of a block stand at its start: half of the changes go there.
    const at = next() % (next() % 2 === 0 ? bytes.length : Math.min(bytes.length, 80));
    const span = 1 + next() % 20;
    switch (next() % 5) {
      case 0:
        bytes[at] = next();
        break;
      case 1:
        bytes = join(bytes.subarray(0, at), bytes.subarray(at + span));
        break;
      case 2:
        bytes = join(bytes.subarray(0, at), other.subarray(at));
        break;
      default:
        bytes[at] = (bytes[at] ?? 0) ^ 1 << next() % 8;
    }
  }
  return bytes;
}

/** The stream as a gzip file that ends where it does, with the checksums of what it gives. */
function repaired(stream: Uint8Array): Uint8Array {
  const wasm = KERNELS[0] ?? assert.fail();
  const { bytes, bytesIn } = inflate(wasm, stream, { format: "deflate-raw" });
  const trailer = new DataView(new ArrayBuffer(8));
  trailer.setUint32(0, crc32(bytes), true);
  trailer.setUint32(4, bytes.length, true);
  return join(HEADER, stream.subarray(0, bytesIn), new Uint8Array(trailer.buffer));
}

function judged(inflated: () => Uint8Array): Uint8Array | undefined {
  try {
    return new Uint8Array(inflated());
  } catch {
    return undefined;
  }
}

/** Makes mutants and has them judged; gives how many zlib took and refused. */
export function judgeMutants(seed: number, count: number): { taken: number; refused: number } {
  const next = randomNumbers(seed);
  let taken = 0;
  for (let turn = 0; turn < count; turn++) {
    const stream = mutate(seedStream(next), seedStream(next), next);
    const file = repaired(stream);
    const expected = judged(() => gunzipSync(file));
    if (expected !== undefined) taken++;
    const what = `mutant ${turn} of seed ${seed}`;
    for (const kernel of KERNELS) {
      const result = inflate(kernel, file, { cut: 1 + next() % 800 });
      const name = `${kernel.kind}, ${what}: ${result.error}`;
      assert.equal(result.error === undefined, expected !== undefined, name);
      if (expected !== undefined) assert.deepEqual(result.bytes, expected, name);
      else assert.ok(isLadingError(result.error), name);
    }
  }
  return { taken, refused: count - taken };
}

/** Deflates random contents with every kernel; zlib gives them back. */
export function judgeDeflate(seed: number, count: number): void {
  const next = randomNumbers(seed);
  for (let turn = 0; turn < count; turn++) {
    const content = join(...Array.from({ length: 1 + next() % 20 }, () => randomContent(next)));
    const level = next() % 10 as DeflateLevel;
    const what = `content ${turn} of seed ${seed}, level ${level}`;
    const all = KERNELS.map((kernel) =>
      deflate(kernel, content, { level, format: "deflate-raw", cut: 1 + next() % 40_000 })
    );
    const [first = new Uint8Array(0), ...others] = all;
    for (const other of others) assert.deepEqual(other, first, what);
    assert.deepEqual(new Uint8Array(inflateRawSync(first)), content, what);
  }
}
