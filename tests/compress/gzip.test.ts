import { test } from "node:test";
import assert from "node:assert/strict";
import { readAll, streamOf } from "../../lib/bytes/mod.ts";
import { gunzip, gzip, type GzipLevel, GzipStream } from "../../lib/compress/mod.ts";
import { digestBytes } from "../../lib/hash/mod.ts";
import { encodeHex } from "../../lib/model/mod.ts";
import { drain, observed, sample, settle } from "./_streams.ts";

const LEVELS: readonly GzipLevel[] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9];

test("gzip() writes one member with a header that says nothing of the machine", async () => {
  for (const level of LEVELS) {
    const { bytes } = await drain(gzip(streamOf(sample(1000)), { level }));
    assert.equal(encodeHex(bytes.subarray(0, 10)), "1f8b08000000000000ff", `level ${level}`);
  }
  const { bytes } = await drain(gzip(observed(new Uint8Array(0), 1).stream));
  assert.equal(encodeHex(bytes), "1f8b08000000000000ff03000000000000000000");
});

test("gzip() gives the same bytes however the input is cut", async () => {
  const content = sample(400_000);
  for (const level of [0, 1, 6, 9] as const) {
    const whole = await drain(gzip(streamOf(content), { level }));
    for (const size of [999, 65536, 65537, 200_000]) {
      const cut = await drain(gzip(observed(content, size).stream, { level }));
      assert.deepEqual(cut.bytes, whole.bytes, `level ${level}, cut ${size}`);
    }
  }
});

test("gzip() gives the same bytes on every runtime", async () => {
  const golden: Readonly<Record<number, string>> = {
    0: "sha256:7c71aade17a551367760010a943fb0e0195af96a2bf3b9ad31d4b5e5499cb4c1",
    1: "sha256:0e26c9ed2c212effd08cec1cc2e84edcfc3e1eb81abda98f88688e705ae29555",
    6: "sha256:0cf1ae386280386dc000fb78da8de2280272fde786744069039e96b118eeac46",
    9: "sha256:32a8b71b5cd8f4561bff5e6452eab5b0b835a7f7e12974f49b425cb67d9f2c21",
  };
  for (const [level, digest] of Object.entries(golden)) {
    const { bytes } = await drain(
      gzip(streamOf(sample(300_000)), { level: Number(level) as GzipLevel }),
    );
    assert.equal(digestBytes("sha256", bytes), digest, `level ${level}`);
  }
});

test("gzip() compresses at every level, and grows what cannot be compressed by little", async () => {
  const content = sample(200_000);
  let state = 99;
  const noise = Uint8Array.from({ length: 200_000 }, () => {
    state = Math.imul(state ^ state >>> 15, 0x2c1b3c6d) + 0x9e3779b9 | 0;
    return state >>> 24;
  });
  for (const level of LEVELS) {
    for (const bytes of [content, noise]) {
      const compressed = await drain(gzip(streamOf(bytes), { level }));
      const back = await readAll(gunzip(streamOf(compressed.bytes)), { maxBytes: 1e6 });
      assert.deepEqual(back, bytes, `level ${level}`);
      if (bytes === content && level > 0) assert.ok(compressed.bytes.length < 120_000);
      assert.ok(compressed.bytes.length <= 200_000 * 1.002 + 18, `${compressed.bytes.length}`);
    }
  }
});

test("gzip() reads nothing before it is read, and cancels its source", async () => {
  const source = observed(sample(1_000_000), 10_000);
  const reader = gzip(source.stream).getReader();
  await settle();
  assert.equal(source.pulled(), 0);
  await reader.read();
  await reader.read();
  await settle();
  assert.ok(source.pulled() <= 14, `${source.pulled()} chunks`);
  await reader.cancel("enough");
  assert.equal(source.cancelled(), "enough");
});

test("gzip() hands on an error of its source as the same object", async () => {
  const failure = new Error("the disk is gone");
  const { error } = await drain(gzip(observed(sample(1000), 100, failure).stream));
  assert.equal(error, failure);
});

test("gzip() refuses a level that there is not", () => {
  for (const level of [-1, 10, 1.5, NaN]) {
    assert.throws(() => gzip(streamOf(sample(1)), { level: level as GzipLevel }), RangeError);
  }
});

test("GzipStream gives the bytes of gzip()", async () => {
  const content = sample(150_000);
  const piped = await drain(
    observed(content, 7000).stream.pipeThrough(new GzipStream({ level: 1 })),
  );
  const direct = await drain(gzip(streamOf(content), { level: 1 }));
  assert.deepEqual(piped.bytes, direct.bytes);
});
