import { test } from "node:test";
import assert from "node:assert/strict";
import { concatBytes, readAll, streamOf } from "../../lib/bytes/mod.ts";
import { gunzip, GunzipStream, gzip, loadKernel } from "../../lib/compress/mod.ts";
import { digestBytes } from "../../lib/hash/mod.ts";
import type { Bytes } from "../../lib/model/bytes.ts";
import { corpusBytes } from "../support/corpus.ts";
import { drain, observed, sample, settle } from "./_streams.ts";

const KERNELS = [loadKernel({ kind: "wasm" }), loadKernel({ kind: "js" })];

async function compressed(bytes: Bytes): Promise<Bytes> {
  return await readAll(gzip(streamOf(bytes)), { maxBytes: 2 ** 24 });
}

test("gunzip() gives back what gzip() was given, for every awkward length", async () => {
  const awkward = [0, 1, 2, 257, 258, 259];
  for (const edge of [32768, 65536, 131072]) awkward.push(edge - 1, edge, edge + 1);
  for (const length of [...awkward, 1_000_000]) {
    const content = sample(length);
    const input = await compressed(content);
    for (const kernel of KERNELS) {
      const { bytes, error } = await drain(gunzip(observed(input, 1000).stream, { kernel }));
      assert.equal(error, undefined);
      assert.deepEqual(bytes, content, `${kernel.kind}: ${length}`);
    }
  }
});

test("gunzip() of members one after another gives their contents one after another", async () => {
  const a = sample(100_000);
  const b = new TextEncoder().encode("second");
  const input = concatBytes([await compressed(a), await compressed(b), await compressed(a)]);
  for (const kernel of KERNELS) {
    const { bytes } = await drain(gunzip(observed(input, 777).stream, { kernel }));
    assert.deepEqual(bytes, concatBytes([a, b, a]), kernel.kind);
  }
});

test("gunzip() reads the 30 members of an eStargz layer", async () => {
  const input = await corpusBytes("made-by-estargz/layer.esgz.tar.gz");
  for (const kernel of KERNELS) {
    const { bytes, error } = await drain(gunzip(streamOf(input), { kernel }));
    assert.equal(error, undefined);
    assert.equal(bytes.length, 118272);
  }
});

test("gunzip() reads nothing before it is read, and one chunk at a time after that", async () => {
  const input = await corpusBytes("made-by-gzip-tools/zeros-100MiB.gz");
  for (const kernel of KERNELS) {
    const source = observed(input, 1024);
    const reader = gunzip(source.stream, { kernel }).getReader();
    await settle();
    assert.equal(source.pulled(), 0, kernel.kind);
    let bytes = 0;
    for (let reads = 0; reads < 8; reads++) {
      const { value } = await reader.read();
      assert.ok(value !== undefined && value.length <= 131072);
      bytes += value.length;
    }
    await settle();
    assert.ok(bytes > 900_000, `${bytes} bytes`);
    assert.equal(source.pulled(), 1, kernel.kind);
    await reader.cancel("enough");
    assert.equal(source.cancelled(), "enough");
    assert.equal(source.cancels(), 1);
  }
});

test("the chunks of gunzip() are copies that stay as they are", async () => {
  const content = sample(600_000);
  const input = await compressed(content);
  for (const kernel of KERNELS) {
    const { chunks } = await drain(gunzip(observed(input, 100_000).stream, { kernel }));
    assert.ok(chunks.length > 4);
    assert.deepEqual(concatBytes(chunks), content, kernel.kind);
    assert.equal(new Set(chunks.map(({ buffer }) => buffer)).size, chunks.length);
  }
});

test("gunzip() stops a bomb at the limit and cancels the source", async () => {
  const input = await corpusBytes("made-by-gzip-tools/zeros-100MiB.gz");
  const limit = 2 ** 20;
  for (const kernel of KERNELS) {
    const source = observed(input, 512);
    const stream = gunzip(source.stream, { kernel, maxOutputBytes: limit });
    const { bytes, error } = await drain(stream);
    assert.equal(error?.name, "LimitExceededError", kernel.kind);
    assert.match(String(error?.message), /limit of 1048576 bytes/);
    assert.ok(bytes.length <= limit, `${bytes.length} bytes`);
    assert.ok(bytes.length > limit - 131072, `${bytes.length} bytes`);
    assert.ok(source.pulled() <= 4, `${source.pulled()} chunks of 512 bytes`);
    assert.equal(source.cancelled(), error);
    assert.equal(source.cancels(), 1);
  }
});

test("the limit of gunzip() counts bytes: as many pass, one more does not", async () => {
  const input = await compressed(sample(5000));
  for (const kernel of KERNELS) {
    for (const [maxOutputBytes, passes] of [[5000, true], [4999, false], [500, false]] as const) {
      const { error } = await drain(gunzip(streamOf(input), { kernel, maxOutputBytes }));
      assert.equal(error === undefined, passes, `${kernel.kind}: ${maxOutputBytes}`);
    }
  }
  assert.throws(() => gunzip(streamOf(input), { maxOutputBytes: -1 }), RangeError);
  assert.throws(() => gunzip(streamOf(input), { maxOutputBytes: NaN }), RangeError);
});

test("gunzip() hands on an error of its source as the same object", async () => {
  const input = await compressed(sample(100_000));
  for (const kernel of KERNELS) {
    const failure = new Error("the connection was lost");
    const source = observed(input.subarray(0, 2000), 1000, failure);
    const { error } = await drain(gunzip(source.stream, { kernel }));
    assert.equal(error, failure);
    assert.equal(source.cancels(), 0);
  }
});

test("gunzip() errors on damaged, short and followed input, and cancels the source", async () => {
  const good = await compressed(sample(50_000));
  const flipped = good.slice();
  flipped[good.length >> 1] = (flipped[good.length >> 1] ?? 0) ^ 16;
  const inputs: Readonly<Record<string, [Bytes, number | undefined]>> = {
    empty: [new Uint8Array(0), 0],
    "no gzip": [new TextEncoder().encode("<html>this is no layer</html>"), 0],
    short: [good.slice(0, -1), 0],
    "bad trailer": [concatBytes([good.subarray(0, -1), Uint8Array.of(1)]), 0],
    flipped: [flipped, 0],
    "garbage after": [concatBytes([good, Uint8Array.of(7)]), good.length],
    "garbage after zeros": [concatBytes([good, Uint8Array.of(0, 0, 7)]), good.length],
  };
  for (const kernel of KERNELS) {
    for (const [what, [input, offset]] of Object.entries(inputs)) {
      // More input than it takes to see the damage.
      const source = observed(concatBytes([input]), 100);
      const { error } = await drain(gunzip(source.stream, { kernel }));
      assert.equal(error?.name, "CorruptStreamError", `${kernel.kind}: ${what}`);
      assert.equal(error?.offset, offset, `${kernel.kind}: ${what}`);
    }
    const zeros = concatBytes([good, new Uint8Array(1024)]);
    assert.equal((await drain(gunzip(streamOf(zeros), { kernel }))).error, undefined);
    const endless = observed(concatBytes([Uint8Array.of(1), new Uint8Array(10_000)]), 100);
    const { error } = await drain(gunzip(endless.stream, { kernel }));
    assert.equal(endless.cancelled(), error);
    assert.equal(endless.pulled(), 1);
  }
});

test("cancelling gunzip() in the middle of a read cancels the source", async () => {
  for (const kernel of KERNELS) {
    let reason: unknown;
    const source = new ReadableStream<Bytes>({
      cancel(why) {
        reason = why;
      },
    }, { highWaterMark: 0 });
    const reader = gunzip(source, { kernel }).getReader();
    const pending = reader.read();
    await settle();
    await reader.cancel("changed my mind");
    assert.equal((await pending).done, true);
    assert.equal(reason, "changed my mind");
  }
});

test("GunzipStream decompresses as a transform stream", async () => {
  const content = sample(300_000);
  const input = await compressed(content);
  const source = observed(input, 5000);
  const { bytes, error } = await drain(source.stream.pipeThrough(new GunzipStream()));
  assert.equal(error, undefined);
  assert.equal(digestBytes("sha256", bytes), digestBytes("sha256", content));

  const bad = observed(concatBytes([Uint8Array.of(1, 2, 3), new Uint8Array(50_000)]), 100);
  const result = await drain(bad.stream.pipeThrough(new GunzipStream()));
  assert.equal(result.error?.name, "CorruptStreamError");
  await settle();
  assert.equal(bad.cancels(), 1);
});
