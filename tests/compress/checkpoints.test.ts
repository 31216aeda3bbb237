import { test } from "node:test";
import assert from "node:assert/strict";
import { concatBytes, iterate, readAll, streamOf } from "../../lib/bytes/mod.ts";
import {
  buildCheckpoints,
  type Checkpoints,
  decodeCheckpoints,
  encodeCheckpoints,
  gunzip,
  gunzipWithCheckpoints,
  gzip,
  type GzipLevel,
  MAX_CHECKPOINTS,
  openAt,
} from "../../lib/compress/mod.ts";
import { digestBytes } from "../../lib/hash/mod.ts";
import { jsKernel, loadKernel } from "../../lib/kernel/mod.ts";
import type { Bytes } from "../../lib/model/bytes.ts";
import {
  CorruptStreamError,
  DigestMismatchError,
  LimitExceededError,
} from "../../lib/model/errors.ts";
import { decodeHex } from "../../lib/model/mod.ts";
import { corpusBytes, corpusList } from "../support/corpus.ts";
import { observed, sample } from "./_streams.ts";

const EVERY = 65_536;

async function compressed(bytes: Bytes, level: GzipLevel = 6): Promise<Bytes> {
  return await readAll(gzip(streamOf(bytes), { level }), { maxBytes: 1 << 26 });
}

/** Serves ranges, and notes them. */
function ranges(bytes: Bytes) {
  const fetched: [number, number][] = [];
  const fetchRange = (start: number, end: number) => {
    fetched.push([start, end]);
    return Promise.resolve(observed(bytes.slice(start, end), 1000).stream);
  };
  return { fetched, fetchRange };
}

/** Text, noise and zeros in turn: blocks of every type, at any bit. */
function mixed(length: number): Bytes {
  const bytes = sample(length);
  let state = 7;
  for (let at = 0; at < length; at++) {
    const part = Math.floor(at / 50_000) % 4;
    state = Math.imul(state, 1664525) + 1013904223 >>> 0;
    if (part === 1) bytes[at] = state >>> 24;
    if (part === 3) bytes[at] = 0;
  }
  return bytes;
}

async function checkParts(plain: Bytes, stored: Bytes, checkpoints: Checkpoints): Promise<void> {
  const { fetchRange } = ranges(stored);
  const parts: [number, number][] = [[0, 1], [0, plain.length], [plain.length - 1, 1]];
  for (const { offset } of checkpoints.points) {
    parts.push([offset, 10], [Math.max(offset - 5, 0), 10], [offset + 1000, EVERY]);
  }
  for (const [offset, length] of parts) {
    const end = Math.min(offset + length, plain.length);
    if (offset >= end) continue;
    for (const kernel of [loadKernel(), jsKernel()]) {
      const part = openAt(checkpoints, fetchRange, offset, end - offset, { kernel });
      const bytes = await readAll(part, { maxBytes: plain.length });
      const name = `${offset}+${length} ${kernel.kind}`;
      assert.equal(
        digestBytes("sha256", bytes),
        digestBytes("sha256", plain.subarray(offset, end)),
        name,
      );
    }
  }
}

test("any part of a stream is read from the checkpoint before it", async () => {
  const plain = mixed(700_000);
  const bits = new Set<number>();
  for (const level of [0, 1, 6] as const) {
    const stored = await compressed(plain, level);
    const checkpoints = await buildCheckpoints(streamOf(stored), { everyBytes: EVERY });
    assert.equal(checkpoints.size, plain.length);
    assert.equal(checkpoints.compressedSize, stored.length);
    assert.ok(checkpoints.points.length > 5, `${checkpoints.points.length} at level ${level}`);
    for (const { bit } of checkpoints.points) bits.add(bit);
    await checkParts(plain, stored, checkpoints);
  }
  assert.ok(bits.size >= 4, `only the bits ${[...bits]} were tried`);
});

test("a checkpoint can be at every bit of a byte", async () => {
  // Text of slowly growing length moves the block that follows it through all bits of a byte.
  const seen = new Set<number>();
  for (let extra = 0; extra < 40 && seen.size < 8; extra++) {
    const plain = mixed(200_000 + 97 * extra).subarray(97 * extra).slice();
    const stored = await compressed(plain, 6);
    const checkpoints = await buildCheckpoints(streamOf(stored), { everyBytes: EVERY });
    const { fetchRange } = ranges(stored);
    for (const { bit, offset } of checkpoints.points) {
      if (seen.has(bit)) continue;
      seen.add(bit);
      for (const kernel of [loadKernel(), jsKernel()]) {
        const part = openAt(checkpoints, fetchRange, offset, plain.length - offset, { kernel });
        const bytes = await readAll(part, { maxBytes: plain.length });
        assert.equal(digestBytes("sha256", bytes), digestBytes("sha256", plain.subarray(offset)));
      }
    }
  }
  assert.deepEqual([...seen].sort(), [0, 1, 2, 3, 4, 5, 6, 7]);
});

test("parts go over the ends of gzip members", async () => {
  const pieces = [300_000, 10, 90_000, 0, 400_000, 5].map((length) => mixed(length));
  const stored = concatBytes(await Promise.all(pieces.map((piece) => compressed(piece))));
  const plain = concatBytes(pieces);
  const padded = concatBytes([stored, new Uint8Array(1000)]);
  for (const bytes of [stored, padded]) {
    const checkpoints = await buildCheckpoints(streamOf(bytes), { everyBytes: EVERY });
    assert.ok(checkpoints.points.filter(({ isMember }) => isMember).length >= 2);
    await checkParts(plain, bytes, checkpoints);
  }
});

test("checkpoints do not depend on how the stream is cut into chunks", async () => {
  for (const [plain, size] of [[sample(70_000), 1], [mixed(300_000), 61]] as const) {
    const stored = concatBytes([await compressed(plain), await compressed(plain, 1)]);
    const whole = await buildCheckpoints(streamOf(stored), { everyBytes: EVERY });
    const cut = await buildCheckpoints(observed(stored, size).stream, { everyBytes: EVERY });
    assert.deepEqual(encodeCheckpoints(cut), encodeCheckpoints(whole), `${size} bytes`);
  }
});

test("streams of other compressors have checkpoints too", async () => {
  const folder = "made-by-gzip-tools";
  let count = 0;
  for (const path of await corpusList(folder)) {
    if (!/gz$/.test(path)) continue;
    const stored = new Uint8Array(await corpusBytes(path));
    const plain = await readAll(gunzip(streamOf(stored)), { maxBytes: 1 << 26 }).catch(() =>
      undefined
    );
    if (plain === undefined || plain.length === 0) continue;
    const checkpoints = await buildCheckpoints(streamOf(stored), { everyBytes: EVERY });
    assert.equal(checkpoints.size, plain.length, path);
    count += checkpoints.points.length;
    await checkParts(plain, stored, checkpoints);
  }
  assert.ok(count > 3, `${count} checkpoints`);
});

test("only the bytes between two checkpoints are fetched", async () => {
  const plain = mixed(1_000_000);
  const stored = await compressed(plain);
  const checkpoints = await buildCheckpoints(streamOf(stored), { everyBytes: EVERY });
  const { fetched, fetchRange } = ranges(stored);
  await readAll(openAt(checkpoints, fetchRange, 500_000, 10), { maxBytes: 10 });
  const [start = 0, end = 0] = fetched[0] ?? [];
  assert.equal(fetched.length, 1);
  assert.ok(end - start < stored.length / 4, `${end - start} of ${stored.length} bytes`);
  assert.equal((await readAll(openAt(checkpoints, fetchRange, 5, 0), { maxBytes: 1 })).length, 0);
  assert.equal(fetched.length, 1, "nothing is fetched for nothing");
});

test("the stream that takes checkpoints gives what gunzip() gives", async () => {
  const plain = mixed(300_000);
  const stored = await compressed(plain);
  const { stream, checkpoints } = gunzipWithCheckpoints(streamOf(stored), { everyBytes: EVERY });
  assert.equal(checkpoints(), undefined);
  const bytes = await readAll(stream, { maxBytes: 1 << 22 });
  assert.equal(digestBytes("sha256", bytes), digestBytes("sha256", plain));
  assert.equal(checkpoints()?.size, plain.length);
  const cut = gunzipWithCheckpoints(streamOf(stored.subarray(0, -1).slice()));
  await assert.rejects(readAll(cut.stream, { maxBytes: 1 << 22 }), CorruptStreamError);
  assert.equal(cut.checkpoints(), undefined);
});

test("the stream that takes checkpoints bounds its output", async () => {
  const stored = await compressed(mixed(300_000));
  for (const [maxOutputBytes, isEnough] of [[300_000, true], [299_999, false]] as const) {
    const built = buildCheckpoints(streamOf(stored), { maxOutputBytes });
    if (isEnough) assert.equal((await built).size, 300_000);
    else await assert.rejects(built, LimitExceededError);
  }
});

test("a damaged stream is refused with checkpoints as it is without", async () => {
  const stored = concatBytes([
    await compressed(mixed(60_000)),
    await compressed(sample(40_000), 1),
  ]);
  for (let round = 0; round < 150; round++) {
    const damaged = stored.slice();
    const at = round < 40 ? round : Math.imul(round, 2654435761) >>> 0;
    damaged[at % stored.length] = (damaged[at % stored.length] ?? 0) ^ (1 << round % 8);
    const verdict = (read: Promise<number>) => read.catch((error: Error) => error.message);
    const plain = await verdict(
      readAll(gunzip(streamOf(damaged)), { maxBytes: 1 << 26 }).then((bytes) => bytes.length),
    );
    const found = await verdict(buildCheckpoints(streamOf(damaged)).then(({ size }) => size));
    assert.equal(found, plain, `byte ${at % stored.length}`);
  }
});

test("there are no more checkpoints than asked for, and the rest is read all the same", async () => {
  const pieces = [400_000, 300_000, 200_000].map((length) => mixed(length));
  const stored = concatBytes(await Promise.all(pieces.map((piece) => compressed(piece))));
  for (const maxCheckpoints of [2, 3, 4, 5]) {
    const options = { everyBytes: EVERY, maxCheckpoints };
    const checkpoints = await buildCheckpoints(streamOf(stored), options);
    assert.ok(checkpoints.points.length <= maxCheckpoints);
    await checkParts(concatBytes(pieces), stored, checkpoints);
  }
  for (const options of [{ everyBytes: 1 }, { maxCheckpoints: 1 }, { maxCheckpoints: 1e6 }]) {
    assert.throws(() => gunzipWithCheckpoints(streamOf(stored), options), RangeError);
  }
});

test("openAt() refuses bytes that are not those of the checkpoints", async () => {
  const plain = mixed(400_000);
  const stored = await compressed(plain);
  const checkpoints = await buildCheckpoints(streamOf(stored), { everyBytes: EVERY });
  const [, second] = checkpoints.points;
  const at = second?.compressedOffset ?? 0;
  for (let flip = at; flip < at + 3000; flip += 311) {
    const wrong = stored.slice();
    wrong[flip] = (wrong[flip] ?? 0) ^ 16;
    const part = openAt(checkpoints, ranges(wrong).fetchRange, second?.offset ?? 0, 1000);
    const error = await readAll(part, { maxBytes: 1000 }).catch((caught: unknown) => caught);
    const isRefused = error instanceof DigestMismatchError || error instanceof CorruptStreamError;
    assert.ok(isRefused, `byte ${flip}`);
  }
  // All that was asked for is there long before what proves it: the last of it has to wait.
  const wrong = stored.slice();
  const third = checkpoints.points[2] ?? assert.fail("too few checkpoints");
  wrong[third.compressedOffset - 1] = (wrong[third.compressedOffset - 1] ?? 0) ^ 16;
  const chunks: Bytes[] = [];
  await assert.rejects(async () => {
    const part = openAt(checkpoints, ranges(wrong).fetchRange, second?.offset ?? 0, 1000);
    for await (const chunk of iterate(part)) chunks.push(chunk);
  }, DigestMismatchError);
  assert.ok(concatBytes(chunks).length < 1000);
  const short = (start: number, end: number) =>
    Promise.resolve(streamOf(stored.slice(start, end - 1)));
  await assert.rejects(
    readAll(openAt(checkpoints, short, 0, 100), { maxBytes: 100 }),
    CorruptStreamError,
  );
  for (
    const [offset, length] of [[-1, 1], [0, 400_001], [400_000, 1], [0.5, 1], [0, NaN]] as const
  ) {
    assert.throws(() => openAt(checkpoints, ranges(stored).fetchRange, offset, length), RangeError);
  }
});

test("cancelling a part cancels what is fetched", async () => {
  const plain = mixed(400_000);
  const stored = await compressed(plain);
  const checkpoints = await buildCheckpoints(streamOf(stored), { everyBytes: EVERY });
  const source = observed(stored, 1000);
  const reader = openAt(checkpoints, () => Promise.resolve(source.stream), 0, 400_000).getReader();
  await reader.read();
  await reader.cancel();
  assert.equal(source.cancels(), 1);
  const stop = new AbortController();
  const waiting = (
    _start: number,
    _end: number,
    { signal }: { signal?: AbortSignal | undefined },
  ) =>
    new Promise<never>((_, reject) =>
      signal?.addEventListener("abort", () => reject(signal.reason))
    );
  const options = { signal: stop.signal };
  const read = openAt(checkpoints, waiting, 0, 1, options).getReader().read();
  stop.abort(new Error("enough"));
  await assert.rejects(read, /enough/);
});

test("checkpoints are kept as bytes, and damaged ones are refused", async () => {
  const plain = mixed(400_000);
  const stored = concatBytes([await compressed(plain), await compressed(plain)]);
  const checkpoints = await buildCheckpoints(streamOf(stored), { everyBytes: EVERY });
  const bytes = encodeCheckpoints(checkpoints);
  assert.deepEqual(decodeCheckpoints(bytes), checkpoints);
  for (let at = 0; at < bytes.length; at += at < 200 ? 1 : 9973) {
    const wrong = bytes.slice();
    wrong[at] = (wrong[at] ?? 0) ^ 1;
    assert.throws(() => decodeCheckpoints(wrong), CorruptStreamError, `byte ${at}`);
    assert.throws(
      () => decodeCheckpoints(bytes.subarray(0, at)),
      CorruptStreamError,
      `cut at ${at}`,
    );
  }
  assert.throws(() => decodeCheckpoints(concatBytes([bytes, bytes])), CorruptStreamError);
});

test("checkpoints that contradict one another are refused, whatever their checksum says", async () => {
  const stored = await compressed(mixed(400_000));
  const good = await buildCheckpoints(streamOf(stored), { everyBytes: EVERY });
  const [first, second, third, ...rest] = good.points;
  if (first === undefined || second === undefined || third === undefined) {
    return assert.fail("too few checkpoints");
  }
  const lies: readonly Partial<Checkpoints>[] = [
    { points: [] },
    { points: [second, third, ...rest] },
    { points: [first, second, { ...third, offset: second.offset - 1 }] },
    { points: [first, first] },
    { points: [second, first] },
    { points: [first, { ...second, bit: 8 }] },
    { points: [first, { ...second, offset: good.size + 1 }] },
    { points: [first, { ...second, compressedOffset: good.compressedSize }] },
    { points: [first, { ...second, isMember: true }] },
    { points: [first, { ...second, history: second.history.subarray(1) }] },
    { size: 2 ** 53 },
  ];
  for (const [index, lie] of lies.entries()) {
    const bytes = encodeCheckpoints({ ...good, ...lie });
    assert.throws(() => decodeCheckpoints(bytes), CorruptStreamError, `lie ${index}`);
    const open = () => openAt({ ...good, ...lie }, ranges(stored).fetchRange, 0, 1);
    assert.throws(open, CorruptStreamError, `lie ${index}`);
  }
  const members = (count: number) =>
    encodeCheckpoints({
      ...good,
      points: Array.from({ length: count }, (_, at) => ({
        ...first,
        compressedOffset: at,
        offset: at,
      })),
    });
  assert.equal(decodeCheckpoints(members(MAX_CHECKPOINTS)).points.length, MAX_CHECKPOINTS);
  assert.throws(() => decodeCheckpoints(members(MAX_CHECKPOINTS + 1)), CorruptStreamError);
  // Bytes that are cut or followed by others.
  const body = encodeCheckpoints(good).subarray(0, -32);
  for (const other of [body.slice(0, -1), body.slice(0, -40_000), concatBytes([body, body])]) {
    const hash = decodeHex(digestBytes("sha256", other).replace("sha256:", ""));
    assert.throws(() => decodeCheckpoints(concatBytes([other, hash])), CorruptStreamError);
  }
  const one = await buildCheckpoints(streamOf(stored));
  assert.equal(one.points.length, 1);
  for (const { points, size, compressedSize } of [good, one]) {
    const longer = { points, compressedSize, size: size + 10 };
    for (const offset of [size, size - 5]) {
      const behind = openAt(longer, ranges(stored).fetchRange, offset, 10);
      await assert.rejects(readAll(behind, { maxBytes: 10 }), CorruptStreamError);
    }
  }
  // A history or a place that is wrong in itself gives other bytes, or none; never silently more.
  const wrong = {
    ...good,
    points: [first, { ...second, compressedOffset: second.compressedOffset + 1 }],
  };
  const part = openAt(wrong, ranges(stored).fetchRange, second.offset, 10);
  await assert.rejects(readAll(part, { maxBytes: 10 }));
});
