import { test } from "node:test";
import assert from "node:assert/strict";
import { deflateSync } from "fflate";
import { crc32 } from "../../lib/hash/mod.ts";
import type { Bytes } from "../../lib/model/bytes.ts";
import { corpusBytes } from "../support/corpus.ts";
import { type Cut, inflate, join, KERNELS, randomNumbers } from "./_kernels.ts";

const HEADER = Uint8Array.of(0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255);

function member(content: Bytes, level: 0 | 1 | 6 | 9): Bytes {
  const trailer = new DataView(new ArrayBuffer(8));
  trailer.setUint32(0, crc32(content), true);
  trailer.setUint32(4, content.length, true);
  return join(HEADER, deflateSync(content, { level }), new Uint8Array(trailer.buffer));
}

/** Contents that lead to different blocks and matches. */
function contents(): Readonly<Record<string, Bytes>> {
  const next = randomNumbers(7);
  const noise = Uint8Array.from({ length: 70_000 }, () => next() & 0xff);
  const words = ["layer", "manifest", " ", "blob", "\n", "sha256:", "config"];
  let text = "";
  while (text.length < 200_000) text += words[next() % words.length];
  return {
    empty: new Uint8Array(0),
    one: Uint8Array.of(65),
    zeros: new Uint8Array(300_000),
    noise,
    text: new TextEncoder().encode(text),
    // Each distance below 16 has a pattern of its own.
    patterns: join(
      ...Array.from(
        { length: 40 },
        (_, period) => Uint8Array.from({ length: 2000 }, (_, at) => at % (period + 1) * 7),
      ),
    ),
    // Matches at the longest distance, across the end of the window.
    far: join(noise.subarray(0, 32_768), noise.subarray(0, 32_768), noise.subarray(0, 32_768)),
  };
}

test("any cut of the input gives the same bytes", () => {
  const next = randomNumbers(42);
  const cuts: readonly Cut[] = [13, 4096, 65536, 1 << 20, () => 1 + next() % 3000];
  // These take long; the blocks of other levels are of the same kinds.
  const shortCuts: readonly Cut[] = [1, 2];
  for (const [name, content] of Object.entries(contents())) {
    for (const level of [0, 1, 6, 9] as const) {
      const input = member(content, level);
      for (const kernel of KERNELS) {
        for (const cut of level === 0 || level === 6 ? [...shortCuts, ...cuts] : cuts) {
          const result = inflate(kernel, input, { cut });
          const what = `${kernel.kind}, ${name}, level ${level}, cut ${String(cut)}`;
          assert.equal(result.error, undefined, what);
          assert.equal(result.bytes.length, content.length, what);
          assert.equal(crc32(result.bytes), crc32(content), what);
          assert.equal(result.bytesIn, input.length, what);
        }
      }
    }
  }
});

test("members of every kind follow one another, whatever the cut", () => {
  const next = randomNumbers(43);
  const all = Object.values(contents());
  const input = join(...all.map((content, index) => member(content, index % 2 === 0 ? 6 : 0)));
  const expected = join(...all);
  for (const kernel of KERNELS) {
    for (const cut of [1, 7, () => 1 + next() % 50, 65536]) {
      const result = inflate(kernel, input, { cut });
      assert.equal(result.error, undefined, `${kernel.kind}, cut ${String(cut)}`);
      assert.equal(result.members, all.length);
      assert.equal(result.bytes.length, expected.length);
      assert.equal(crc32(result.bytes), crc32(expected), `${kernel.kind}, cut ${String(cut)}`);
    }
  }
});

test("stored blocks and trailers after tiny chunks lose no byte", () => {
  // Each member ends in the middle of the bit buffer, and each chunk is smaller than it.
  const tiny = Array.from({ length: 60 }, (_, length) => {
    const content = Uint8Array.from({ length }, (_, at) => at * 31 + length);
    return { content, input: join(member(content, 6), member(content, 0)) };
  });
  const input = join(...tiny.map((item) => item.input));
  const expected = join(...tiny.map(({ content }) => join(content, content)));
  for (const kernel of KERNELS) {
    for (let cut = 1; cut < 70; cut++) {
      const result = inflate(kernel, input, { cut });
      assert.equal(result.error, undefined, `${kernel.kind}, cut ${cut}`);
      assert.deepEqual(result.bytes, expected, `${kernel.kind}, cut ${cut}`);
    }
  }
});

test("every piece of output is at most 128 KiB and arrives before more input is asked for", async () => {
  const input = await corpusBytes("made-by-gzip-tools/zeros-100MiB.gz");
  for (const kernel of KERNELS) {
    const inflater = kernel.inflater();
    inflater.push(input.subarray(0, 8192));
    let total = 0;
    for (let view = inflater.read(); view !== undefined; view = inflater.read()) {
      assert.ok(view.length <= 131072, `${view.length} bytes`);
      total += view.length;
    }
    assert.ok(total > 8_000_000, `${kernel.kind}: ${total} bytes of 8 KiB`);
    assert.equal(inflater.bytesOut, total);
    inflater.close();
  }
});

test("an inflater refuses calls out of order", () => {
  for (const kernel of KERNELS) {
    const inflater = kernel.inflater();
    inflater.push(HEADER);
    assert.throws(() => inflater.push(HEADER), TypeError, kernel.kind);
    assert.equal(inflater.read(), undefined);
    inflater.push(HEADER.subarray(0, 0));
    inflater.end();
    assert.throws(() => inflater.push(HEADER), TypeError, kernel.kind);
    assert.throws(() => inflater.read(), { name: "CorruptStreamError" });
    assert.throws(() => inflater.read(), { name: "CorruptStreamError" });
    inflater.close();
    inflater.close();
    assert.throws(() => inflater.read(), TypeError, kernel.kind);
  }
});
