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
    if (/JSR|network|dns|connect|fetch/i.test(String(error))) return undefined;
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

/** What std packs without any of its refusals. */
function plainInputs(): ReadableStream<ours.TarStreamInput> {
  const options = { ...OPTIONS, mode: 0o123456, devmajor: "12", devminor: "345" };
  const file = (path: string, content: Uint8Array<ArrayBuffer>): ours.TarStreamInput => ({
    type: "file",
    path,
    size: content.length,
    readable: streamOf(content),
    options: { ...options },
  });
  return ReadableStream.from<ours.TarStreamInput>([
    { type: "directory", path: "./potato", options: { mtime: 0 } },
    { type: "directory", path: "docs/", options: { mtime: 8 ** 11 - 1 } },
    { type: "symlink", path: "link", linkname: "x".repeat(100), options: { mtime: 1.5 } },
    { type: "symlink", path: "link-ü", linkname: "../ü", options: { ...OPTIONS } },
    file("x".repeat(100), encode("100")),
    file(`${"a".repeat(75)}/${"b".repeat(75)}`, encode("split")),
    file(`${"d/".repeat(70)}${"b".repeat(90)}`, encode("many slashes")),
    file(`${"p".repeat(155)}/${"n".repeat(99)}`, CONTENT.slice(0, 512)),
    file("größe", CONTENT.slice(0, 513)),
    file("large", CONTENT.slice()),
  ]);
}

test("our TarStream packs the bytes that std's packs", { skip }, async () => {
  if (std === undefined) return;
  const expected = await bytesOf(plainInputs().pipeThrough(new std.tar.TarStream()));
  assert.deepEqual(await bytesOf(plainInputs().pipeThrough(new ours.TarStream())), expected);
});

test("our UntarStream shows the headers that std's shows", { skip }, async () => {
  if (std === undefined) return;
  const archive = await bytesOf(plainInputs().pipeThrough(new std.tar.TarStream()));
  const lists: unknown[] = [];
  for (const { UntarStream } of [std.tar, ours]) {
    const list: unknown[] = [];
    for await (const entry of streamOf(archive).pipeThrough(new UntarStream())) {
      const content = entry.readable && await bytesOf(entry.readable);
      list.push([entry.path, { ...entry.header }, content]);
    }
    lists.push(list);
  }
  assert.deepEqual(lists[1], lists[0]);
});

test("our paths and targets are judged as std's are", { skip }, () => {
  if (std === undefined) return;
  const lengths = [1, 50, 99, 100, 101, 150, 154, 155, 156, 255, 256, 257, 600];
  const paths = lengths.flatMap((length) => [
    "x".repeat(length),
    "ü".repeat(length),
    `/${"x".repeat(length)}`,
    `${"x".repeat(length)}/y`,
    `${"x".repeat(length)}/${"y".repeat(98)}`,
    `${"x".repeat(length)}/${"y".repeat(99)}`,
    `${"x".repeat(length)}/${"y".repeat(100)}`,
    `${"x/".repeat(length)}${"y".repeat(60)}`,
    `${"x".repeat(length)}/`,
  ]);
  const kindOf = (check: () => void): string => {
    try {
      check();
      return "fine";
    } catch (error) {
      return error instanceof Error ? error.name : String(error);
    }
  };
  const { assertValidLinkname, assertValidPath } = std.tar;
  for (const path of paths) {
    const label = `${path.slice(0, 8)}… (${path.length})`;
    assert.equal(
      kindOf(() => ours.assertValidPath(path)),
      kindOf(() => assertValidPath(path)),
      label,
    );
    assert.equal(
      kindOf(() => ours.assertValidLinkname(path)),
      kindOf(() => assertValidLinkname(path)),
      label,
    );
  }
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

test("the example packs a folder with each and reads it with the other", { skip }, async () => {
  if (std === undefined) return;
  const lines: string[] = [];
  const { log } = console;
  console.log = (...words: unknown[]) => lines.push(words.join(" "));
  try {
    // Without an argument it takes the working directory.
    await import("../../../examples/deno_std.ts");
  } finally {
    console.log = log;
  }
  for (const reader of ["lading", "std"]) {
    assert.ok(lines.some((line) => line.startsWith(`${reader} read README.md `)), lines.join("\n"));
  }
});
