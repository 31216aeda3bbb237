// The tar streams and stream helpers of the Deno standard library beside ours. Runs on Deno, where
// JSR answers; elsewhere it says that it needs JSR.
import { test } from "node:test";
import assert from "node:assert/strict";
import { streamOf } from "../../../lib/bytes/mod.ts";
import * as ours from "../../../lib/tar/std.ts";
import { readTar, writeTar } from "../../../lib/tar/mod.ts";

async function load() {
  try {
    return { tar: await import("@std/tar"), streams: await import("@std/streams") };
  } catch (error) {
    // Only what cannot be reached is no failure: a missing name or a broken module is one.
    if (/JSR|jsr\.io|network|dns|connect|fetch/i.test(String(error))) return undefined;
    throw error;
  }
}

const std = await load();
const skip = std === undefined ? "needs JSR" : false;
const encode = (text: string) => new TextEncoder().encode(text);
const bytesOf = async (stream: ReadableStream<Uint8Array>) =>
  new Uint8Array(await new Response(stream).arrayBuffer());
const CONTENT = new Uint8Array(70_000).map((_, index) => index * 31 & 255);
const OPTIONS = { mode: 0o640, uid: 12, gid: 34, mtime: 1_700_000_000, uname: "me", gname: "us" };

function inputs(): ReadableStream<ours.TarStreamInput> {
  const file = (path: string, content: Uint8Array<ArrayBuffer>): ours.TarStreamInput => ({
    type: "file",
    path,
    size: content.length,
    readable: streamOf(content),
    options: { ...OPTIONS },
  });
  return ReadableStream.from<ours.TarStreamInput>([
    { type: "directory", path: "docs/", options: { ...OPTIONS } },
    file("docs/a.txt", encode("hello\n")),
    file("empty", new Uint8Array()),
    file(`${"deep/".repeat(30)}b`, CONTENT.slice()),
  ]);
}

test("std's TarStream packs what our reader reads", { skip }, async () => {
  if (std === undefined) return;
  const entries: [string, number, number][] = [];
  for await (const entry of readTar(inputs().pipeThrough(new std.tar.TarStream()))) {
    entries.push([entry.path, entry.mode, (await entry.bytes()).length]);
  }
  assert.deepEqual(entries, [
    ["docs/", 0o640, 0],
    ["docs/a.txt", 0o640, 6],
    ["empty", 0o640, 0],
    [`${"deep/".repeat(30)}b`, 0o640, 70_000],
  ]);
});

test("std's UntarStream reads what our writer packs", { skip }, async () => {
  if (std === undefined) return;
  const archive = writeTar([
    { path: "a.txt", body: encode("hello\n"), ...{ uid: 12, mtime: 1_700_000_000 } },
    { path: "link", type: "symlink", linkPath: "a.txt" },
    { path: "large", body: CONTENT.slice() },
  ]);
  const found: [string, number | undefined][] = [];
  for await (const entry of archive.pipeThrough(new std.tar.UntarStream())) {
    const content = entry.readable && await bytesOf(entry.readable);
    found.push([entry.path, content?.length]);
  }
  assert.deepEqual(found, [["a.txt", 6], ["link", undefined], ["large", 70_000]]);
});

test("our TarStream and UntarStream give what std's give", { skip }, async () => {
  if (std === undefined) return;
  const lists: unknown[] = [];
  for (const { TarStream } of [std.tar, ours]) {
    for (const { UntarStream } of [std.tar, ours]) {
      const list: unknown[] = [];
      for await (
        const entry of inputs().pipeThrough(new TarStream()).pipeThrough(new UntarStream())
      ) {
        const { path, header, readable } = entry;
        const { mode, uid, gid, size, mtime, typeflag, linkname } = header;
        const names = "uname" in header &&
          [header.uname, header.gname, header.magic, header.version];
        const content = readable && await bytesOf(readable);
        list.push([path, mode, uid, gid, size, mtime, typeflag, linkname, names, content]);
      }
      lists.push(list);
    }
  }
  assert.equal(lists.length, 4);
  for (const list of lists) assert.deepEqual(list, lists[0]);
});

test("our options are judged as std's are", { skip }, () => {
  if (std === undefined) return;
  const rows: ours.TarStreamOptions[] = [
    ...[0, 0o777, 0o777777, 0o1000000, -1, NaN].flatMap((
      n,
    ) => [{ mode: n }, { uid: n }, { gid: n }]),
    ...[0, 1.5, 8 ** 11 - 1, 8 ** 11, -1, NaN].map((mtime) => ({ mtime })),
    ...["", "a", "x".repeat(31), "x".repeat(32), "é"].flatMap((n) => [{ uname: n }, { gname: n }]),
    ...["", "12345678", "123456789"].flatMap((n) => [{ devmajor: n }, { devminor: n }]),
  ];
  const judge = (
    check: (options: ours.TarStreamOptions) => void,
    options: ours.TarStreamOptions,
  ) => {
    try {
      check({ ...options });
      return "";
    } catch (error) {
      return String(error);
    }
  };
  for (const options of rows) {
    assert.equal(
      judge(ours.assertValidTarStreamOptions, options),
      judge(std.tar.assertValidTarStreamOptions, options),
      JSON.stringify(options),
    );
  }
});

test("std's stream helpers wrap our streams", { skip }, async () => {
  if (std === undefined) return;
  const { toBytes, toText, LimitedBytesTransformStream, mergeReadableStreams } = std.streams;
  const archive = () => writeTar([{ path: "a.txt", body: encode("hello\n") }]);
  assert.equal((await toBytes(archive())).length, 2048);
  const limited = archive().pipeThrough(new LimitedBytesTransformStream(512));
  assert.equal((await toBytes(limited)).length, 512);
  assert.equal((await toBytes(mergeReadableStreams(archive(), archive()))).length, 4096);
  for await (const entry of readTar(archive())) assert.equal(await toText(entry.body), "hello\n");
});
