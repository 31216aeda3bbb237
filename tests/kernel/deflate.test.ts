import { test } from "node:test";
import assert from "node:assert/strict";
import { crc32, digestBytes } from "../../lib/hash/mod.ts";
import type { DeflateLevel, Deflater, Kernel } from "../../lib/kernel/mod.ts";
import type { Bytes } from "../../lib/model/bytes.ts";
import { corpusBytes } from "../support/corpus.ts";
import { type Cut, deflate, inflate, join, KERNELS, randomNumbers } from "./_kernels.ts";

const LEVELS: readonly DeflateLevel[] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9];

const [wasm, js] = KERNELS as readonly [Kernel, Kernel];

function noise(length: number, seed: number): Bytes {
  const next = randomNumbers(seed);
  return Uint8Array.from({ length }, () => next() & 0xff);
}

/** Words in random order, of an alphabet of its own for every seed. */
function text(length: number, seed: number): Bytes {
  const next = randomNumbers(seed);
  const words = Array.from(
    { length: 5 + next() % 300 },
    () => Uint8Array.from({ length: 1 + next() % 12 }, () => 97 + next() % 26),
  );
  const bytes = new Uint8Array(length);
  for (let at = 0; at < length;) {
    const word = words[next() % words.length] ?? assert.fail();
    bytes.set(word.subarray(0, length - at), at);
    at += word.length;
  }
  return bytes;
}

/** Contents that lead to all kinds of blocks, matches and cuts. */
async function contents(): Promise<Readonly<Record<string, Bytes>>> {
  const random = noise(60_000, 5);
  return {
    empty: new Uint8Array(0),
    one: Uint8Array.of(65),
    three: Uint8Array.of(65, 65, 65),
    four: Uint8Array.of(65, 65, 65, 65),
    zeros: new Uint8Array(400_000),
    noise: random,
    text: text(300_000, 6),
    tar: (await corpusBytes("cpython/testtar.tar")).slice(0, 300_000),
    // The longest distance, one less and one more.
    far: join(random.subarray(0, 32_767), random.subarray(0, 300), random.subarray(0, 32_768)),
    farther: join(random.subarray(0, 32_768), random.subarray(0, 32_768), random.subarray(0, 900)),
    // Blocks of each way after one another, with a slide of the window in each.
    changing: join(random, text(90_000, 7), random, new Uint8Array(90_000), text(90_000, 8)),
    // Periods up to more than the longest match.
    periods: join(
      ...Array.from(
        { length: 300 },
        (_, period) => Uint8Array.from({ length: 900 }, (_, at) => at % (period + 1) * 11),
      ),
    ),
  };
}

test("deflate gives the same bytes with both kernels, at every level, and they inflate", async () => {
  for (const [name, content] of Object.entries(await contents())) {
    for (const level of LEVELS) {
      const what = `${name}, level ${level}`;
      const compressed = deflate(wasm, content, { level });
      assert.deepEqual(deflate(js, content, { level, cut: 50_000 }), compressed, what);
      const back = inflate(js, compressed);
      assert.equal(back.error, undefined, what);
      assert.equal(back.bytes.length, content.length, what);
      assert.equal(crc32(back.bytes), crc32(content), what);
    }
  }
});

test("the host's own gzip reads what deflate writes", async () => {
  for (const [name, content] of Object.entries(await contents())) {
    for (const level of LEVELS) {
      const compressed = new Response(deflate(wasm, content, { level })).body ?? assert.fail();
      const stream = compressed.pipeThrough(new DecompressionStream("gzip"));
      const back = new Uint8Array(await new Response(stream).arrayBuffer());
      assert.equal(back.length, content.length, `${name}, level ${level}`);
      assert.equal(crc32(back), crc32(content), `${name}, level ${level}`);
    }
  }
});

test("deflate gives the same bytes however its input is cut", async () => {
  const next = randomNumbers(44);
  for (const [name, content] of Object.entries(await contents())) {
    for (const level of [0, 1, 6] as const) {
      const whole = deflate(wasm, content, { level });
      const cuts: readonly Cut[] = [263, 264, 265, 32_768, 65_535, () => 1 + next() % 3000];
      // Single bytes take long, and so does plain TypeScript.
      for (const cut of level === 6 ? [1, ...cuts] : cuts) {
        const kernels = cut === 263 || cut === 65_535 ? KERNELS : [wasm];
        for (const kernel of kernels) {
          const what = `${kernel.kind}, ${name}, level ${level}, cut ${String(cut)}`;
          assert.deepEqual(deflate(kernel, content, { level, cut }), whole, what);
        }
      }
    }
  }
});

test("the kernels agree on random mixtures of what compresses and what does not", () => {
  const next = randomNumbers(45);
  for (let turn = 0; turn < 60; turn++) {
    const parts: Bytes[] = [];
    for (let count = 1 + next() % 12; count > 0; count--) {
      const length = next() % 20_000;
      const before = parts[next() % parts.length];
      switch (next() % 5) {
        case 0:
          parts.push(noise(length, next()));
          break;
        case 1:
          parts.push(new Uint8Array(length).fill(next()));
          break;
        case 2:
          parts.push(Uint8Array.from({ length }, () => next() % (1 + next() % 200)));
          break;
        default:
          parts.push(before === undefined ? text(length, next()) : before.slice(0, length));
      }
    }
    const content = join(...parts);
    const level = LEVELS[next() % LEVELS.length] ?? assert.fail();
    const compressed = deflate(wasm, content, { level, format: "deflate-raw" });
    const what = `turn ${turn}, level ${level}`;
    assert.deepEqual(deflate(js, content, { level, format: "deflate-raw" }), compressed, what);
    const back = inflate(wasm, compressed, { format: "deflate-raw" });
    assert.equal(back.error, undefined, what);
    assert.deepEqual(back.bytes, content, what);
  }
});

test("the digests of what deflate writes never change", async () => {
  const golden = await corpusBytes("cpython/testtar.tar");
  const content = join(golden.slice(0, 200_000), text(100_000, 9), noise(20_000, 9));
  const expected = [
    "0e397b4cd2f24589",
    "9234ef4dd4317274",
    "433ca405f5305e5a",
    "fcb3b7f97a023d6a",
    "fd03762152f1fb1f",
    "eb89fbf03d74c280",
    "2160c2f445281c3d",
    "b735154349d54cc6",
    "66c1a83a9d238a99",
    "d092ef2414447b4f",
  ];
  for (const kernel of KERNELS) {
    for (const level of LEVELS) {
      const digest = digestBytes("sha256", deflate(kernel, content, { level }));
      assert.equal(digest.slice(7, 23), expected[level], `${kernel.kind}, level ${level}`);
    }
  }
});

test("deflate chooses the shortest kind of block", () => {
  const blocks = { stored: noise(5000, 3), fixed: text(12, 3), dynamic: text(5000, 3) };
  const types = { stored: 0, fixed: 1, dynamic: 2 };
  for (const kernel of KERNELS) {
    for (const kind of ["stored", "fixed", "dynamic"] as const) {
      const [first = 0] = deflate(kernel, blocks[kind], { format: "deflate-raw" });
      assert.equal(first & 1, 1, `${kind} is the last block`);
      assert.equal(first >> 1 & 3, types[kind], `${kernel.kind}: ${kind}`);
    }
  }
});

test("what cannot be compressed grows by five bytes in 16 KiB at most", () => {
  for (const length of [1, 16_384, 65_535, 65_536, 200_000]) {
    const content = noise(length, length);
    for (const level of LEVELS) {
      const { length: compressed } = deflate(wasm, content, { level, format: "deflate-raw" });
      const most = length + 5 * Math.ceil((length + 1) / 16_384);
      assert.ok(compressed <= most, `level ${level}: ${length} became ${compressed}`);
    }
  }
});

test("a higher level is not larger", async () => {
  const content = (await corpusBytes("cpython/testtar.tar")).slice(0, 400_000);
  const sizes = LEVELS.map((level) => deflate(wasm, content, { level }).length);
  for (const level of [1, 4, 6, 9]) {
    assert.ok((sizes[level] ?? 0) < (sizes[0] ?? 0) / 2, `${sizes}`);
  }
  assert.ok((sizes[6] ?? 0) <= (sizes[1] ?? 0) && (sizes[9] ?? 0) <= (sizes[6] ?? 0), `${sizes}`);
});

test("a gzip member has a header without time and machine, and the right trailer", () => {
  const content = text(1000, 1);
  for (const kernel of KERNELS) {
    for (const level of LEVELS) {
      const compressed = deflate(kernel, content, { level });
      const header = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];
      assert.deepEqual([...compressed.subarray(0, 10)], header, `level ${level}`);
      const trailer = new DataView(compressed.buffer, compressed.length - 8);
      assert.equal(trailer.getUint32(0, true), crc32(content));
      assert.equal(trailer.getUint32(4, true), content.length);
      const raw = deflate(kernel, content, { level, format: "deflate-raw" });
      assert.deepEqual(compressed.subarray(10, -8), raw, `level ${level}`);
    }
  }
});

test("every piece of output is at most 128 KiB, and counts are kept", () => {
  const content = join(text(500_000, 2), noise(300_000, 2));
  for (const kernel of KERNELS) {
    for (const level of LEVELS) {
      const deflater = kernel.deflater({ level });
      deflater.push(content);
      let total = 0;
      const take = (): void => {
        for (let view = deflater.read(); view !== undefined; view = deflater.read()) {
          assert.ok(view.length <= 131_072, `level ${level}: ${view.length} bytes`);
          total += view.length;
        }
      };
      take();
      assert.equal(deflater.bytesIn, content.length);
      deflater.end();
      take();
      assert.equal(deflater.bytesOut, total);
      deflater.close();
    }
  }
});

test("nothing of the stream before is seen in the next one", () => {
  const content = text(70_000, 4);
  for (const kernel of KERNELS) {
    const alone = deflate(kernel, content);
    for (const before of [content, noise(200_000, 4), content.slice(30_000)]) {
      deflate(kernel, before);
      inflate(kernel, alone);
      assert.deepEqual(deflate(kernel, content), alone, kernel.kind);
    }
  }
});

test("a stream that is given up in its middle leaves nothing to the next one", () => {
  const content = text(70_000, 4);
  for (const kernel of KERNELS) {
    const alone = crc32(deflate(kernel, content));
    // So many bytes end inside of blocks, and inside of bytes of the output.
    for (const length of [1000, 60_000, 100_000, 140_000, 180_000]) {
      const deflater = kernel.deflater();
      deflater.push(text(length, length));
      while (deflater.read() !== undefined);
      deflater.close();
      assert.equal(crc32(deflate(kernel, content)), alone, `${kernel.kind} ${length}`);
    }
  }
});

test("many deflaters work side by side", () => {
  const content = text(100_000, 10);
  for (const kernel of KERNELS) {
    const expected = crc32(deflate(kernel, content));
    const all = Array.from({ length: 8 }, () => ({ deflater: kernel.deflater(), crc: 0 }));
    const take = (item: { readonly deflater: Deflater; crc: number }): void => {
      let view = item.deflater.read();
      for (; view !== undefined; view = item.deflater.read()) item.crc = crc32(view, item.crc);
    };
    for (let at = 0; at < content.length; at += 9000) {
      for (const item of all) {
        item.deflater.push(content.subarray(at, at + 9000));
        take(item);
      }
    }
    for (const item of all) {
      item.deflater.end();
      take(item);
      assert.equal(item.crc, expected, kernel.kind);
      item.deflater.close();
    }
  }
});

test("a deflater refuses calls out of order and levels that there are not", () => {
  for (const kernel of KERNELS) {
    for (const level of [-1, 10, 1.5, NaN]) {
      assert.throws(() => kernel.deflater({ level: level as DeflateLevel }), RangeError);
    }
    const deflater = kernel.deflater();
    deflater.push(text(10, 1));
    assert.throws(() => deflater.push(text(10, 1)), TypeError, kernel.kind);
    while (deflater.read() !== undefined);
    deflater.end();
    assert.throws(() => deflater.push(text(10, 1)), TypeError, kernel.kind);
    while (deflater.read() !== undefined);
    assert.equal(deflater.read(), undefined);
    deflater.close();
    deflater.close();
    assert.throws(() => deflater.read(), TypeError, kernel.kind);
  }
});

test("a deflater whose kernel fails says so, and the next one works", () => {
  const broken = {
    length: 10,
    subarray: () => ({ length: 2 ** 32 }),
  } as unknown as Uint8Array;
  const content = text(1000, 1);
  for (let turn = 0; turn < 8; turn++) {
    const deflater = wasm.deflater();
    deflater.push(broken);
    assert.equal(deflater.read()?.length, 10);
    assert.throws(() => deflater.read(), { code: "KERNEL_FAILED" });
    assert.throws(() => deflater.read(), { code: "KERNEL_FAILED" });
    deflater.close();
    assert.deepEqual(deflate(wasm, content), deflate(js, content));
  }
});
