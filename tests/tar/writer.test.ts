import { test } from "node:test";
import assert from "node:assert/strict";
import { iterate, readAll, streamFrom, streamOf } from "../../lib/bytes/mod.ts";
import type { Bytes } from "../../lib/model/bytes.ts";
import { SizeMismatchError } from "../../lib/model/errors.ts";
import { readTar, type TarInput, writeTar } from "../../lib/tar/mod.ts";
import { MAX_PAX_BYTES, MAX_PAX_RECORDS } from "../../lib/tar/pax.ts";
import { encode, endless } from "./blocks.ts";

const MAX = { maxBytes: 1 << 26 };

const pack = (...inputs: TarInput[]): Promise<Bytes> => readAll(writeTar(inputs), MAX);

test("writeTar() refuses what cannot be read again", async () => {
  const attributes = (count: number, bytes: number): ReadonlyMap<string, Bytes> =>
    new Map(Array.from({ length: count }, (_, index) => [`a${index}`, new Uint8Array(bytes)]));
  const rows: readonly (readonly [string, TarInput])[] = [
    ["no name", { path: "" }],
    ["a NUL in a name", { path: "a\0b" }],
    ["a NUL in bytes", { path: "a", pathBytes: Uint8Array.of(97, 0) }],
    ["a file with a slash", { path: "a/" }],
    ["a link to nothing", { path: "a", type: "symlink" }],
    ["a NUL in a target", { path: "a", type: "symlink", linkPath: "b\0" }],
    ["a negative major number", { path: "a", type: "block-device", deviceMajor: -1 }],
    ["a large minor number", { path: "a", type: "block-device", deviceMinor: 8 ** 7 }],
    ["half a user", { path: "a", uid: 0.5 }],
    ["a group beyond 2^53", { path: "a", gid: 2 ** 53 }],
    ["no time", { path: "a", mtime: NaN }],
    ["a time beyond 64 bits", { path: "a", mtime: 1e300 }],
    ["a time before 64 bits", { path: "a", mtimeNs: -(2n ** 63n) * 1_000_000_000n }],
    ["a user with a NUL", { path: "a", userName: "ü\0" }],
    ["a short user with a NUL", { path: "a", userName: "a\0b" }],
    ["a group with a NUL", { path: "a", groupName: "\0" }],
    ["a key with a NUL", { path: "a", xattrs: new Map([["a\0", new Uint8Array()]]) }],
    ["a key with =", { path: "a", xattrs: new Map([["a=b", new Uint8Array()]]) }],
    ["too many attributes", { path: "a", xattrs: attributes(MAX_PAX_RECORDS + 1, 1) }],
    ["too long attributes", { path: "a", xattrs: attributes(1, MAX_PAX_BYTES) }],
    ["a record without a key", { path: "a", pax: new Map([["", "x"]]) }],
    ["a record with = in its key", { path: "a", pax: new Map([["a=b", "x"]]) }],
    ["a record with a NUL in its key", { path: "a", pax: new Map([["a\0", "x"]]) }],
    ["a record whose key is no text", { path: "a", pax: new Map([["a\ud800", "x"]]) }],
    ["an empty record", { path: "a", pax: new Map([["VENDOR.key", ""]]) }],
    ["a second name", { path: "a", pax: new Map([["path", "b"]]) }],
    ["a second size", { path: "a", pax: new Map([["size", "1"]]) }],
    ["a second time", { path: "a", pax: new Map([["mtime", "1"]]) }],
    ["another encoding", { path: "a", pax: new Map([["hdrcharset", "BINARY"]]) }],
    ["a second attribute", { path: "a", pax: new Map([["SCHILY.xattr.user.a", "1"]]) }],
    ["a sparse map", { path: "a", pax: new Map([["GNU.sparse.major", "1"]]) }],
    ["a too long record", { path: "a", pax: new Map([["A.b", "x".repeat(MAX_PAX_BYTES)]]) }],
    ["a directory with content", { path: "a", type: "directory", body: encode("x") }],
    ["content without a size", { path: "a", body: streamOf(encode("x")) }],
    ["half a size", { path: "a", size: 0.5, body: streamOf(encode("x")) }],
    ["a size without content", { path: "a", size: 5 }],
  ];
  for (const [label, input] of rows) await assert.rejects(pack(input), RangeError, label);
  const last = (2n ** 63n - 1n) * 1_000_000_000n + 999_999_999n;
  for (const mtimeNs of [last, -last]) {
    for await (const entry of readTar(streamOf(await pack({ path: "a", mtimeNs })))) {
      assert.equal(entry.mtimeNs, mtimeNs);
    }
  }
  const archive = await pack({ path: "a", xattrs: attributes(MAX_PAX_RECORDS, 1) });
  for await (const { xattrs } of readTar(streamOf(archive))) {
    assert.equal(xattrs.size, MAX_PAX_RECORDS);
  }
});

test("writeTar() says of names that are no UTF-8 what readers need to know, and no more", async () => {
  const odd = (length: number): Bytes => new Uint8Array(length).fill(0xff);
  const rows: readonly (readonly [TarInput, readonly string[]])[] = [
    [{ path: "plain" }, []],
    [{ path: "ü" }, ["path"]],
    [{ path: "", pathBytes: odd(100) }, []],
    [{ path: "", pathBytes: odd(101) }, ["hdrcharset", "path"]],
    [{ path: "a", type: "symlink", linkPathBytes: odd(100) }, []],
    [{ path: "a", type: "symlink", linkPathBytes: odd(101) }, ["hdrcharset", "linkpath"]],
    [{ path: "a", type: "symlink", linkPath: "ü" }, ["linkpath"]],
    [{ path: "x".repeat(101) }, ["path"]],
    [{ path: `${"x".repeat(100)}/y` }, []],
    [{ path: "a", mtime: 1.5 }, ["mtime"]],
    [{ path: "a", mtime: -1 }, ["mtime"]],
    [{ path: "a", uid: 8 ** 7 - 1, gid: 8 ** 7 }, ["gid"]],
  ];
  for (const [index, [input, keys]] of rows.entries()) {
    const label = `row ${index}`;
    for await (const entry of readTar(streamOf(await pack(input)))) {
      assert.deepEqual([...entry.pax.keys()], keys, label);
      if (input.pathBytes !== undefined) assert.deepEqual(entry.pathBytes, input.pathBytes, label);
      assert.deepEqual(
        entry.linkPathBytes,
        input.linkPathBytes ?? (input.linkPath && encode(input.linkPath)),
        label,
      );
    }
  }
});

test("writeTar() writes further pax records behind its own, in the order of their keys", async () => {
  const pax = new Map<string, string | Bytes>([["ZVENDOR.b", "ü\nx"], [
    "AVENDOR.a",
    Uint8Array.of(0, 0xff),
  ]]);
  const other = new Map([...pax].reverse());
  const xattrs = new Map([["user.x", Uint8Array.of(1)]]);
  const archive = await pack({ path: "größe", type: "directory", pax, xattrs });
  assert.deepEqual(await pack({ path: "größe", type: "directory", pax: other, xattrs }), archive);
  for await (const entry of readTar(streamOf(archive))) {
    assert.deepEqual([...entry.pax], [
      ["path", encode("größe/")],
      ["SCHILY.xattr.user.x", Uint8Array.of(1)],
      ["AVENDOR.a", Uint8Array.of(0, 0xff)],
      ["ZVENDOR.b", encode("ü\nx")],
    ]);
  }
});

test("writeTar() stops at the first byte too many", async () => {
  const { stream, taken } = endless(new Uint8Array(10), new Uint8Array(10), 1 << 20);
  const archive = readAll(writeTar([{ path: "a", size: 10, body: stream }]), MAX);
  await assert.rejects(archive, { code: "SIZE_MISMATCH", expected: 10 });
  assert.ok(taken() <= 30, `${taken()} bytes were taken`);
});

test("writeTar() writes a text as UTF-8, whose bytes are counted", async () => {
  const texts = ["", "hello\n", "grüße 日本 😀", "\ufeff", "lone \ud800"];
  const inputs = texts.map((body, number) => ({ path: `${number}`, body }));
  const archive = await readAll(writeTar(inputs), MAX);
  const encoded = inputs.map(({ path, body }) => ({ path, body: encode(body) }));
  assert.deepEqual(archive, await readAll(writeTar(encoded), MAX));
  const sizes: number[] = [];
  for await (const { size } of readTar(streamOf(archive))) sizes.push(size);
  assert.deepEqual(sizes, [0, 6, 19, 3, 8]);
  await pack({ path: "a", size: 2, body: "ü" });
  await assert.rejects(pack({ path: "a", size: 1, body: "ü" }), SizeMismatchError);
  await assert.rejects(pack({ path: "a", type: "directory", body: "x" }), RangeError);
  await pack({ path: "a", type: "directory", body: "" });
});

test("writeTar() takes entries and contents as the archive is read", async () => {
  let entries = 0;
  async function* inputs(): AsyncGenerator<TarInput> {
    for (; entries < 1000; entries++) {
      yield { path: `${entries}`, size: 3, body: streamFrom([encode("abc")]) };
    }
  }
  const reader = writeTar(inputs()).getReader();
  await reader.read();
  assert.ok(entries <= 1, `${entries} entries were taken for one read`);
  await reader.cancel();
  assert.ok(entries <= 1, "cancelling takes none");
});

test("writeTar() gives a short entry whole, and of a long one no copy", async () => {
  const long = new Uint8Array(70_000);
  const attributes = new Map([["user.a", encode("b")]]);
  const chunks: Bytes[] = [];
  const inputs = [{ path: "a", body: encode("x"), xattrs: attributes }, { path: "b" }, {
    path: "c",
    body: long,
  }];
  for await (const chunk of iterate(writeTar(inputs))) chunks.push(chunk);
  const lengths = chunks.map(({ length }) => length);
  // A pax header and its record, the header and a block; a header; a header, content and padding.
  assert.deepEqual(lengths, [4 * 512, 512, 512, 70_000, 144, 2 * 512]);
  assert.equal(chunks[3]?.buffer, long.buffer);
});

test("writeTar() cancels the content that it is writing when it is cancelled", async () => {
  let reason: unknown;
  const body = new ReadableStream<Bytes>({
    pull: (controller) => controller.enqueue(new Uint8Array(1000)),
    cancel: () => {
      reason = "cancelled";
    },
  }, { highWaterMark: 0 });
  const reader = writeTar([{ path: "a", size: 1 << 20, body }]).getReader();
  await reader.read();
  await reader.read();
  await reader.cancel();
  assert.equal(reason, "cancelled");
});

test("writeTar() passes the error of a content on", async () => {
  const failure = new Error("the disk is gone");
  const body = new ReadableStream<Bytes>({ pull: (controller) => controller.error(failure) });
  const archive = pack({ path: "a", size: 5, body });
  await assert.rejects(archive, (error) => error === failure);
});

test("cancelling an archive cancels the content that is waited for, and no other", async () => {
  const cancels: string[] = [];
  let isWaitedFor = () => {};
  const waiting = new Promise<void>((resolve) => isWaitedFor = resolve);
  const content = (name: string): ReadableStream<Bytes> =>
    new ReadableStream({
      pull: (controller) => {
        if (name === "whole") {
          controller.enqueue(encode("12345"));
          return controller.close();
        }
        isWaitedFor();
        return new Promise<void>(() => {});
      },
      cancel: () => void cancels.push(name),
    }, { highWaterMark: 0 });
  const archive = writeTar(["whole", "stalled", "never"].map((path) => ({
    path,
    size: 5,
    body: content(path),
  })));
  const reader = archive.getReader();
  let bytes = 0;
  while (bytes < 3 * 512) bytes += (await reader.read()).value?.length ?? 0;
  const reading = reader.read();
  await waiting;
  await reader.cancel();
  assert.equal((await reading).done, true);
  assert.deepEqual(cancels, ["stalled"]);
});
