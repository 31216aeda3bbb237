import { test } from "node:test";
import assert from "node:assert/strict";
import { streamOf } from "../../lib/bytes/mod.ts";
import { unzstd, zstd, type ZstdLevel, ZstdStream } from "../../lib/compress/mod.ts";
import { digestBytes } from "../../lib/hash/mod.ts";
import type { Bytes } from "../../lib/model/bytes.ts";
import { encodeHex } from "../../lib/model/mod.ts";
import { drain, observed, sample, settle } from "./_streams.ts";
import { mutated, noise, pieces, seeded, skewed, words } from "./_zstd_contents.ts";

const LEVELS: readonly ZstdLevel[] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9];
const BLOCK_BYTES = 131072;
const MUTANTS = 2_000;

async function compress(content: Bytes, level?: ZstdLevel): Promise<Bytes> {
  const { bytes, error } = await drain(zstd(streamOf(content), { level }));
  assert.equal(error, undefined);
  return bytes;
}

/** Compresses and decompresses, and gives the compressed length. */
async function roundTrip(content: Bytes, level: ZstdLevel, what: string): Promise<number> {
  const compressed = await compress(content, level);
  const back = await drain(unzstd(streamOf(compressed)));
  assert.equal(back.error, undefined, what);
  assert.equal(back.bytes.length, content.length, what);
  assert.ok(back.bytes.every((byte, at) => byte === content[at]), what);
  return compressed.length;
}

test("zstd() gives back every content of up to 300 bytes", async () => {
  const text = words(301, 7);
  const random = noise(301, 8);
  for (let length = 0; length <= 300; length++) {
    const contents = {
      zeros: new Uint8Array(length),
      text: text.slice(0, length),
      noise: random.slice(0, length),
      period: Uint8Array.from({ length }, (_, at) => at % 5),
      skewed: skewed(length, length + 1),
    };
    for (const [name, content] of Object.entries(contents)) {
      await roundTrip(content, 3, `${length} bytes of ${name}`);
    }
  }
});

test("zstd() compresses at every level, and grows what cannot be compressed by little", async () => {
  const length = 3 * BLOCK_BYTES + 1000;
  const most: readonly (readonly [name: string, content: Bytes, bytes: number])[] = [
    ["zeros", new Uint8Array(length), 40],
    ["words", words(length, 1), length * 0.45],
    ["pieces", pieces(length, 2), length],
    ["skewed", skewed(length, 3), length * 0.75],
    ["noise", noise(length, 4), length + 30],
  ];
  for (const level of LEVELS) {
    for (const [name, content, bytes] of most) {
      const size = await roundTrip(content, level, `${name} at level ${level}`);
      const limit = level === 0 && name !== "zeros" ? length + 30 : bytes;
      assert.ok(size <= limit, `${name} at level ${level}: ${size} bytes`);
    }
  }
});

test("zstd() makes more effort at higher levels", async () => {
  const content = words(500_000, 9);
  const sizes: number[] = [];
  for (const level of [1, 3, 6, 9] as const) sizes.push((await compress(content, level)).length);
  assert.deepEqual(sizes, [...sizes].sort((a, b) => b - a));
});

test("zstd() says in its header how long it is, or which window it takes", async () => {
  const headers = [
    [0, 3, "28b52ffd2400"],
    [255, 3, "28b52ffd24ff"],
    [256, 3, "28b52ffd640000"],
    [65791, 3, "28b52ffd64ffff"],
    [65792, 3, "28b52ffda400010100"],
    [BLOCK_BYTES, 3, "28b52ffda400000200"],
    [BLOCK_BYTES + 1, 0, "28b52ffd0438"],
    [BLOCK_BYTES + 1, 1, "28b52ffd0448"],
    [BLOCK_BYTES + 1, 3, "28b52ffd0450"],
    [BLOCK_BYTES + 1, 6, "28b52ffd0458"],
    [BLOCK_BYTES + 1, 9, "28b52ffd0460"],
  ] as const;
  for (const [length, level, header] of headers) {
    const bytes = await compress(new Uint8Array(length), level);
    const start = encodeHex(bytes.subarray(0, header.length / 2));
    assert.equal(start, header, `${length} bytes at level ${level}`);
  }
});

test("zstd() finds what came before as far as its window reaches, and no farther", async () => {
  const windowBytes = 2 ** 19;
  const phrase = noise(4000, 5);
  for (
    const distance of [-1, 0, 1, windowBytes, 4 * windowBytes].map((more) => windowBytes + more)
  ) {
    for (const start of [0, 1, 70_000, 3 * windowBytes]) {
      const content = new Uint8Array(start + distance + phrase.length);
      content.set(phrase, start);
      content.set(phrase, start + distance);
      const what = `${distance} bytes from ${start} on`;
      const size = await roundTrip(content, 1, what);
      assert.equal(size < 1.5 * phrase.length, distance < windowBytes, `${what}: ${size} bytes`);
    }
  }
});

test("zstd() repeats no offset of a block that it stored after all", async () => {
  const content = noise(2 * BLOCK_BYTES, 21);
  // One short match, which does not make the block shorter; then its offset again, as the first.
  content.copyWithin(20, 0, 6);
  for (let at = BLOCK_BYTES + 20; at < content.length; at++) content[at] = content[at - 20] ?? 0;
  for (const level of [1, 3, 9] as const) {
    const size = await roundTrip(content, level, `level ${level}`);
    assert.ok(size > BLOCK_BYTES && size < BLOCK_BYTES + 100, `level ${level}: ${size} bytes`);
  }
});

test("zstd() gives back what repeats at a few offsets with next to nothing between", async () => {
  // The last three offsets are a, b and a there, and the third of them is used again.
  const content = Uint8Array.from({ length: 700_000 }, (_, at) => Math.imul(at, 0x9e3779b1) >>> 24);
  for (const level of LEVELS) await roundTrip(content, level, `level ${level}`);
});

test("zstd() gives the same bytes however the input is cut", async () => {
  const short = words(400, 10);
  const whole = await compress(short);
  for (let cut = 1; cut < short.length; cut++) {
    const { bytes } = await drain(zstd(observed(short, cut).stream));
    assert.deepEqual(bytes, whole, `cut ${cut}`);
  }
  for (const length of [BLOCK_BYTES - 1, BLOCK_BYTES, BLOCK_BYTES + 1, 2 * BLOCK_BYTES, 400_000]) {
    const content = pieces(length, 11);
    for (const level of [0, 1, 3, 6] as const) {
      const whole = await compress(content, level);
      for (const cut of [997, 65536, 65537, BLOCK_BYTES - 1, BLOCK_BYTES, BLOCK_BYTES + 1]) {
        const { bytes } = await drain(zstd(observed(content, cut).stream, { level }));
        assert.deepEqual(bytes, whole, `${length} bytes, level ${level}, cut ${cut}`);
      }
    }
  }
});

test("zstd() gives the same bytes on every runtime", async () => {
  const golden: Readonly<Record<number, string>> = {
    0: "sha256:11b2c18d3e4219cf1bf54770ebd665c678574474d00a52ab9dcc14331ad12e19",
    1: "sha256:fe23fdfba4c5ca0b7cfe7192cc4c95ad7cc9300fd095b90ea51f1318604f621c",
    2: "sha256:a793d0809e4806117752a17ef7cb53be8f987b16b5b70d9567360c926b94b8bf",
    3: "sha256:9be47ac55330835b13c3838cdd8d08eff20e4fc923ae1a9819aebe14c70cea34",
    4: "sha256:47b2099cf6e2791b6685766068fe16613d9a13089c8968174c6c164b2f58df22",
    5: "sha256:3264fb805f57c8e591d6bf807ed4c74f293de37c23ecbbe4f597a3a93af89e17",
    6: "sha256:7236a3586ac793e905fe6d2333867e9735ff1ab2560bc8f6662e35012bb81179",
    7: "sha256:a5e89d91eaf6766faaeda5a5f4a4ad924097155576d850246517956645048ee6",
    8: "sha256:364f3c104c88d0e1e7b431e680fbfb4bfa8edf779d09767dafc1d37a30674bd6",
    9: "sha256:ea6da393cf6cd26d714df080b7f94ba95715a7e722fec364859777218c94e7c6",
  };
  const contents = [words(300_000, 12), pieces(300_000, 13), skewed(200_000, 14), sample(70_000)];
  for (const level of LEVELS) {
    const all = [];
    for (const content of contents) all.push(digestBytes("sha256", await compress(content, level)));
    const digest = digestBytes("sha256", new TextEncoder().encode(all.join("\n")));
    assert.equal(digest, golden[level], `level ${level}`);
  }
});

test(`zstd() gives back ${MUTANTS} mutants`, async () => {
  const next = seeded(8878);
  const seeds = [words(6000, 15), pieces(6000, 16), skewed(6000, 17), noise(3000, 18)];
  for (let mutant = 0; mutant < MUTANTS; mutant++) {
    const content = mutated(seeds[next() % seeds.length] as Bytes, next);
    const level = 1 + next() % 9 as ZstdLevel;
    await roundTrip(content, level, `mutant ${mutant} at level ${level}`);
  }
});

test("zstd() gives back mutants of several blocks", async () => {
  const next = seeded(8879);
  const seeds = [words(400_000, 19), pieces(700_000, 20)];
  for (let mutant = 0; mutant < 30; mutant++) {
    const content = mutated(seeds[mutant % seeds.length] as Bytes, next);
    const level = 1 + next() % 6 as ZstdLevel;
    await roundTrip(content, level, `mutant ${mutant} at level ${level}`);
  }
});

test("zstd() reads nothing before it is read, and cancels its source", async () => {
  const source = observed(sample(1_000_000), 10_000);
  const reader = zstd(source.stream).getReader();
  await settle();
  assert.equal(source.pulled(), 0);
  await reader.read();
  await settle();
  assert.ok(source.pulled() <= 14, `${source.pulled()} chunks`);
  await reader.cancel("enough");
  assert.equal(source.cancelled(), "enough");
});

test("zstd() hands on an error of its source as the same object", async () => {
  const failure = new Error("the disk is gone");
  const { error } = await drain(zstd(observed(sample(1000), 100, failure).stream));
  assert.equal(error, failure);
});

test("zstd() refuses a level that there is not", () => {
  for (const level of [-1, 10, 1.5, NaN]) {
    assert.throws(() => zstd(streamOf(sample(1)), { level: level as ZstdLevel }), RangeError);
  }
});

test("ZstdStream gives the bytes of zstd()", async () => {
  const content = sample(150_000);
  const piped = await drain(
    observed(content, 7000).stream.pipeThrough(new ZstdStream({ level: 1 })),
  );
  assert.deepEqual(piped.bytes, await compress(content, 1));
});
