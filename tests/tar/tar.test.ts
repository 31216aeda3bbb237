import { test } from "node:test";
import assert from "node:assert/strict";
import { readAll, streamFrom, streamOf } from "../../lib/bytes/mod.ts";
import { decodeHex } from "../../lib/model/hex.ts";
import type { Bytes } from "../../lib/model/bytes.ts";
import { isLadingError } from "../../lib/model/errors.ts";
import {
  readTar,
  sanitizePath,
  type TarEntry,
  type TarInput,
  writeTar,
} from "../../lib/tar/mod.ts";
import { corpusBytes, corpusJSON } from "../support/corpus.ts";

const encode = (text: string): Bytes => new TextEncoder().encode(text);

async function pack(...entries: TarInput[]): Promise<Bytes> {
  return await readAll(writeTar(entries), { maxBytes: 1 << 24 });
}

test("readTar() gives back what writeTar() wrote", async () => {
  const long = `${"d".repeat(120)}/${"f".repeat(130)}`;
  const xattrs = new Map([["user.a", Uint8Array.of(0, 61, 255)]]);
  const odd = Uint8Array.of(0xff, 0x61);
  const archive = await pack(
    { path: "dir", type: "directory", mode: 0o1777 },
    { path: long, body: encode("long"), uid: 3_000_000, gid: 2 ** 40, mtimeNs: -1_500_000_000n },
    { path: "übung", type: "symlink", linkPath: "x".repeat(200), userName: "jürgen", xattrs },
    { path: "?", pathBytes: odd, type: "hardlink", linkPath: long },
    { path: "null", type: "character-device", deviceMajor: 1, deviceMinor: 3, mtime: 7 },
  );
  const seen = [];
  for await (const entry of readTar(streamOf(archive))) {
    if (entry.type === "file") assert.equal(await entry.text(), "long");
    seen.push(entry);
  }
  assert.deepEqual(seen.map(({ path }) => path), ["dir/", long, "übung", "\ufffda", "null"]);
  assert.deepEqual(seen.map(({ type }) => type), [
    "directory",
    "file",
    "symlink",
    "hardlink",
    "character-device",
  ]);
  const [directory, file, link, hard, device] = seen;
  assert.equal(directory?.mode, 0o1777);
  assert.equal(file?.uid, 3_000_000);
  assert.equal(file?.gid, 2 ** 40);
  assert.equal(file?.mtimeNs, -1_500_000_000n);
  assert.equal(link?.linkPath, "x".repeat(200));
  assert.equal(link?.userName, "jürgen");
  assert.deepEqual(link?.xattrs.get("user.a"), Uint8Array.of(0, 61, 255));
  assert.deepEqual(hard?.pathBytes, odd);
  assert.deepEqual([device?.deviceMajor, device?.deviceMinor, device?.mtime], [1, 3, 7]);
});

test("readTar() gives whole seconds as whole numbers, and fractions near to them", async () => {
  const times = [0, 1, -1, 1_700_000_000, 8 ** 11 - 1, 8 ** 11 + 1, 2 ** 52 + 1, -(2 ** 52 + 1)];
  const archive = await pack(...times.map((mtime) => ({ path: "a", mtime })));
  const seen: number[] = [];
  for await (const { mtime } of readTar(streamOf(archive))) seen.push(mtime);
  assert.deepEqual(seen, times);
  const halves = await pack(
    ...[0.5, -0.5, 1_700_000_000.25].map((mtime) => ({ path: "a", mtime })),
  );
  const found: number[] = [];
  for await (const { mtime } of readTar(streamOf(halves))) found.push(mtime);
  assert.deepEqual(found, [0.5, -0.5, 1_700_000_000.25]);
  for (const mtime of [NaN, Infinity]) await assert.rejects(pack({ path: "a", mtime }), RangeError);
});

test("readTar() gives the same entries however the archive is cut", async () => {
  const archive = await corpusBytes("go-archive-tar/sparse-formats.tar");
  const list = async (size: number): Promise<string[]> => {
    const pieces: Bytes[] = [];
    for (let at = 0; at < archive.length; at += size) {
      pieces.push(new Uint8Array(archive.subarray(at, at + size)));
    }
    const names: string[] = [];
    for await (const entry of readTar(streamFrom(pieces))) {
      names.push(`${entry.path} ${entry.size} ${(await entry.text()).length}`);
    }
    return names;
  };
  const whole = await list(archive.length);
  assert.equal(whole.length, 5);
  for (const size of [1, 7, 511, 512, 513, 4096]) assert.deepEqual(await list(size), whole);
});

test("readTar() takes an archive without padding and end, as the docker CLI sends it", async () => {
  const path = "made-by-docker-cli/context-dockerfile-outside.tar";
  const entries = readTar(streamOf(await corpusBytes(path)));
  let result = await entries.next();
  let count = 0;
  for (; !result.done; result = await entries.next()) count++;
  assert.ok(count > 0);
  assert.equal(result.value.truncatedTrailer, true);
});

test("readTar() refuses an archive that ends inside a header or a body", async () => {
  const archive = await pack({ path: "a", body: new Uint8Array(1000) });
  for (const size of [1, 511, 513, 1511]) {
    const read = async (): Promise<void> => {
      for await (const entry of readTar(streamOf(archive.slice(0, size)))) await entry.bytes();
    };
    await assert.rejects(read, { code: "INVALID_TAR" }, `cut at ${size}`);
  }
});

test("readTar() lets the size of a pax header win, so no file can hide in a body", async () => {
  const inner = await pack({ path: "smuggled", body: encode("x") });
  const archive = await pack({ path: "regular.txt", body: inner, uid: 2 ** 40 });
  const names: string[] = [];
  for await (const entry of readTar(streamOf(archive))) names.push(entry.path);
  assert.deepEqual(names, ["regular.txt"]);
});

test("readTar() refuses metadata that claims more than its limit, without taking memory", async () => {
  const archive = new Uint8Array(await pack({ path: "a", body: encode("x") })).slice(0, 512);
  archive.fill(0, 124, 136);
  archive.set(encode("77777777777"), 124);
  archive[156] = 0x78;
  archive.fill(0x20, 148, 156);
  let sum = 0;
  for (const byte of archive) sum += byte;
  archive.set(encode(`${sum.toString(8).padStart(6, "0")}\0 `), 148);
  const read = async (): Promise<void> => {
    for await (const entry of readTar(streamOf(archive))) assert.fail(entry.path);
  };
  await assert.rejects(read, { code: "LIMIT_EXCEEDED" });
});

test("readTar() cancels its stream once when the loop ends early", async () => {
  const archive = await pack({ path: "a" }, { path: "b" });
  let cancelled = 0;
  const stream = new ReadableStream<Bytes>({
    pull: (controller) => controller.enqueue(archive.slice(0, 512)),
    cancel: () => {
      cancelled++;
    },
  }, { highWaterMark: 0 });
  for await (const entry of readTar(stream)) {
    assert.equal(entry.path, "a");
    break;
  }
  assert.equal(cancelled, 1);
});

test("readTar() cancels its stream when the archive is damaged, with the error", async () => {
  const archive = await pack({ path: "a" });
  archive[0] = 98;
  const reasons: unknown[] = [];
  const stream = new ReadableStream<Bytes>({
    pull: (controller) => controller.enqueue(archive.slice(0, 512)),
    cancel: (reason) => void reasons.push(reason),
  }, { highWaterMark: 0 });
  const error = await readTar(stream).next().catch((caught: unknown) => caught);
  assert.ok(isLadingError(error));
  assert.deepEqual(reasons, [error]);
});

test("writeTar() refuses a body that is longer or shorter than its size", async () => {
  for (const size of [2, 4]) {
    const archive = writeTar([{ path: "a", size, body: streamOf(encode("abc")) }]);
    await assert.rejects(readAll(archive, { maxBytes: 1 << 20 }), { code: "SIZE_MISMATCH" });
  }
});

test("sanitizePath() keeps paths below the root and refuses the others", () => {
  assert.equal(sanitizePath("./a//b/"), "a/b");
  assert.equal(sanitizePath("/etc/passwd"), "etc/passwd");
  assert.equal(sanitizePath("./"), "");
  for (const path of ["..", "../x", "a/../../x", "C:\\x", "C:x", "a\\..\\x", "a\0b", "/../x"]) {
    assert.throws(() => sanitizePath(path), { code: "UNSAFE_PATH" }, path);
  }
  assert.throws(() => sanitizePath("a/".repeat(1025)), { code: "LIMIT_EXCEEDED" });
});

interface TruncationTable {
  readonly cases: readonly {
    readonly inputHex: string;
    readonly headers: number;
    readonly error: string | null;
  }[];
}

test("readTar() reads every truncated archive of the table as far as it goes", async () => {
  const { cases } = await corpusJSON<TruncationTable>("tables/tar-truncation.json");
  assert.equal(cases.length, 40);
  for (const [index, { inputHex, headers, error }] of cases.entries()) {
    let count = 0;
    let failure: unknown;
    try {
      for await (const entry of readTar(streamOf(decodeHex(inputHex)))) {
        await entry.bytes();
        count++;
      }
    } catch (thrown) {
      failure = thrown;
    }
    const clean = error === null || error === "EOF";
    assert.equal(failure === undefined, clean, `row ${index}: ${String(failure)}, table: ${error}`);
    if (clean) assert.equal(count, headers, `row ${index}`);
  }
});

test("readTar() gives names that stay what they are, and are nobody else's", async () => {
  const inputs: TarInput[] = Array.from({ length: 400 }, (_, i) => ({
    path: `${"directory/".repeat(i % 14)}file-${i}`,
    type: "symlink",
    linkPath: `${"x".repeat(i % 90)}-${i}`,
  }));
  const entries: TarEntry[] = [];
  for await (const entry of readTar(writeTar(inputs))) {
    entries.push(entry);
    // What one does with his own names is nobody else's matter.
    if (entries.length % 2 === 0) entry.pathBytes.fill(0), entry.linkPathBytes?.fill(0);
  }
  const decode = (bytes: Uint8Array | undefined) => new TextDecoder().decode(bytes);
  assert.equal(entries.length, inputs.length);
  for (const [i, { path, linkPath }] of inputs.entries()) {
    const entry = entries[i] ?? assert.fail();
    assert.deepEqual([entry.path, entry.linkPath], [path, linkPath]);
    if (i % 2 === 1) continue;
    assert.deepEqual([decode(entry.pathBytes), decode(entry.linkPathBytes)], [path, linkPath]);
  }
});
