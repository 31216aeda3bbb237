import { test } from "node:test";
import assert from "node:assert/strict";
import { readAll, streamFrom, streamOf } from "../../lib/bytes/mod.ts";
import type { Bytes } from "../../lib/model/bytes.ts";
import {
  assertValidLinkname,
  assertValidPath,
  assertValidTarStreamOptions,
  TarStream,
  type TarStreamEntry,
  type TarStreamInput,
  UntarStream,
} from "../../lib/tar/std.ts";
import { readTar, writeTar } from "../../lib/tar/mod.ts";
import { corpusBytes } from "../support/corpus.ts";

const encode = (text: string): Bytes => new TextEncoder().encode(text);
const MAX = { maxBytes: 1 << 24 };

function inputsOf(inputs: readonly TarStreamInput[]): ReadableStream<TarStreamInput> {
  return new ReadableStream({
    start(controller) {
      for (const input of inputs) controller.enqueue(input);
      controller.close();
    },
  });
}

function file(path: string, content: Bytes, options?: TarStreamInput["options"]): TarStreamInput {
  const readable = streamOf(content);
  return { type: "file", path, size: content.length, readable, ...(options && { options }) };
}

const pack = (...inputs: TarStreamInput[]) => inputsOf(inputs).pipeThrough(new TarStream());

/** Reads entries with their contents. */
async function unpack(archive: ReadableStream<Bytes>): Promise<[TarStreamEntry, Bytes?][]> {
  const found: [TarStreamEntry, Bytes?][] = [];
  const reader = archive.pipeThrough(new UntarStream()).getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return found;
    found.push(value.readable ? [value, await readAll(value.readable, MAX)] : [value]);
  }
}

test("TarStream and UntarStream agree on paths, contents and options", async () => {
  const options = {
    mode: 0o4755,
    uid: 1000,
    gid: 50,
    mtime: 1_700_000_000,
    uname: "me",
    gname: "us",
  };
  const long = `${"deep/".repeat(80)}file.txt`;
  const entries = await unpack(pack(
    { type: "directory", path: "docs/", options: { mtime: 5 } },
    file("docs/a.txt", encode("hello\n"), options),
    file("empty", new Uint8Array()),
    file(long, new Uint8Array(100_000).fill(7)),
    file("größe", encode("ü")),
  ));
  assert.deepEqual(entries.map(([{ path }]) => path), [
    "docs/",
    "docs/a.txt",
    "empty",
    long,
    "größe",
  ]);
  assert.deepEqual(entries.map(([, content]) => content?.length), [undefined, 6, 0, 100_000, 2]);
  const [directory, text] = entries;
  assert.equal(directory?.[0].header.typeflag, "5");
  assert.equal(directory?.[0].header.mode, 0o755);
  assert.deepEqual(text?.[0].header, {
    name: "docs/a.txt",
    mode: 0o4755,
    uid: 1000,
    gid: 50,
    size: 6,
    mtime: 1_700_000_000,
    typeflag: "0",
    linkname: "",
    magic: "ustar\0",
    version: "00",
    uname: "me",
    gname: "us",
    devmajor: "",
    devminor: "",
    prefix: "",
  });
});

test("TarStream takes now for the time, and the usual modes", async () => {
  const before = Math.floor(Date.now() / 1000);
  const [[entry] = []] = await unpack(pack(file("a", encode("a"))));
  assert.ok(
    entry !== undefined && entry.header.mtime >= before && entry.header.mtime <= before + 60,
  );
  assert.equal(entry.header.mode, 0o644);
});

test("streams of TarStream and UntarStream can be read into the reader's own memory", async () => {
  const archive = pack(file("a", encode("hello, world\n"))).getReader({ mode: "byob" });
  const { value } = await archive.read(new Uint8Array(512));
  assert.equal(new TextDecoder().decode(value?.subarray(0, 1)), "a");
  await archive.cancel();
  const entries = pack(file("a", encode("hello, world\n"))).pipeThrough(new UntarStream())
    .getReader();
  const entry = (await entries.read()).value;
  const reader = entry?.readable?.getReader({ mode: "byob" });
  assert.ok(reader !== undefined);
  let text = "";
  for (let view = new Uint8Array(5);;) {
    const { done, value } = await reader.read(view);
    if (done || value === undefined) break;
    text += new TextDecoder().decode(value);
    view = new Uint8Array(value.buffer);
  }
  assert.equal(text, "hello, world\n");
  assert.equal((await entries.read()).done, true);
});

test("UntarStream waits with the next entry until the content was read or cancelled", async () => {
  const archive = pack(
    file("a", encode("first")),
    file("b", encode("second")),
    file("c", encode("3")),
  );
  const entries = archive.pipeThrough(new UntarStream()).getReader();
  const first = (await entries.read()).value;
  let isThere = false;
  const next = entries.read().then((result) => {
    isThere = true;
    return result;
  });
  await new Promise((resolve) => setTimeout(resolve, 20));
  assert.equal(isThere, false);
  assert.ok(first?.readable !== undefined);
  assert.equal(new TextDecoder().decode(await readAll(first.readable, MAX)), "first");
  const second = (await next).value;
  assert.equal(second?.path, "b");
  await second?.readable?.cancel();
  assert.equal((await entries.read()).value?.path, "c");
  await entries.cancel();
});

test("cancelling an UntarStream cancels the archive, also while a content is open", async () => {
  let reason: unknown;
  const pieces = writeTar([{ path: "a", body: new Uint8Array(10_000) }]).getReader();
  const archive = new ReadableStream<Bytes>({
    async pull(controller) {
      const { done, value } = await pieces.read();
      if (done) controller.close();
      else controller.enqueue(value);
    },
    cancel(why) {
      reason = why ?? "cancelled";
    },
  }, { highWaterMark: 0 });
  const untar = new UntarStream();
  const piped = archive.pipeTo(untar.writable).catch(() => {});
  const entries = untar.readable.getReader();
  assert.equal((await entries.read()).value?.path, "a");
  await entries.cancel();
  await piped;
  assert.ok(reason !== undefined);
});

test("UntarStream reads what the original misreads: links, pax and GNU names", async () => {
  const long = "x".repeat(300);
  const entries = await unpack(writeTar([
    { path: "link", type: "symlink", linkPath: long },
    { path: long, body: encode("a") },
    { path: "null", type: "character-device", deviceMajor: 1, deviceMinor: 3 },
  ]));
  const [[link] = [], [named] = [], [device] = []] = entries;
  assert.equal(link?.header.linkname, long);
  assert.equal(link?.readable, undefined);
  assert.equal(named?.path, long);
  assert.equal(named?.header.name, long);
  assert.ok(device !== undefined && "devmajor" in device.header);
  assert.deepEqual([device.header.devmajor, device.header.devminor], ["0000001", "0000003"]);
});

test("UntarStream errors for an archive that is damaged", async () => {
  const archive = await readAll(writeTar([{ path: "a", body: encode("hello") }]), MAX);
  archive[148] = 0x37;
  await assert.rejects(unpack(streamOf(archive)), { code: "INVALID_TAR" });
  const cut = await readAll(writeTar([{ path: "a", body: new Uint8Array(5000) }]), MAX);
  await assert.rejects(unpack(streamFrom([cut.slice(0, 3000)])), { code: "INVALID_TAR" });
});

test("TarStream refuses sizes, options and paths that are wrong", async () => {
  const wrongSize = (size: number): TarStreamInput => {
    return { type: "file", path: "a", size, readable: streamOf(encode("hello")) };
  };
  const rows: readonly (readonly [TarStreamInput, ErrorConstructor])[] = [
    [wrongSize(4), RangeError],
    [wrongSize(6), RangeError],
    [wrongSize(-1), RangeError],
    [wrongSize(NaN), RangeError],
    [file("a", encode("a"), { uid: -1 }), TypeError],
    [file("a", encode("a"), { uname: "ü" }), TypeError],
    [file("", encode("a")), TypeError],
  ];
  for (const [input, kind] of rows) {
    await assert.rejects(readAll(pack(input), MAX), kind);
  }
});

test("assertValidTarStreamOptions() and assertValidPath() say what does not fit", () => {
  const wrong = [
    ["Mode", { mode: 0o1000000 }],
    ["UID", { uid: NaN }],
    ["GID", { gid: -1 }],
    ["MTime", { mtime: 8 ** 11 }],
    ["UName", { uname: "x".repeat(32) }],
    ["GName", { gname: "é" }],
    ["DevMajor", { devmajor: "123456789" }],
    ["DevMinor", { devminor: "123456789" }],
  ] as const;
  for (const [name, options] of wrong) {
    assert.throws(() => assertValidTarStreamOptions(options), (error: unknown) => {
      const message = `Cannot add to the tar archive: Invalid ${name} provided`;
      return error instanceof TypeError && error.message === message;
    });
  }
  assertValidTarStreamOptions({});
  assertValidTarStreamOptions({ mode: 0o777, uid: 1, gid: 1, mtime: 1.5, uname: "a", gname: "b" });
});

test("assertValidPath() takes what a header holds, TarStream longer paths too", async () => {
  const valid = ["a", "x".repeat(100), `${"p".repeat(155)}/${"n".repeat(99)}`, "ü".repeat(50)];
  for (const path of valid) assertValidPath(path);
  const invalid: readonly (readonly [string, ErrorConstructor])[] = [
    ["x".repeat(300), RangeError],
    ["x".repeat(101), RangeError],
    ["ü".repeat(51), RangeError],
    [`/${"x".repeat(100)}`, RangeError],
    [`${"p".repeat(156)}/${"n".repeat(99)}`, TypeError],
    ["a\0b", TypeError],
    ["", TypeError],
  ];
  for (const [path, kind] of invalid) {
    assert.throws(() => assertValidPath(path), kind, path);
    if (path === "" || path.includes("\0")) {
      await assert.rejects(unpack(pack({ type: "directory", path })), kind, path);
      continue;
    }
    const [[entry] = []] = await unpack(pack({ type: "directory", path }));
    assert.equal(entry?.path, path);
    assert.equal(entry?.header.name, path);
  }
});

test("assertValidLinkname() takes what a header holds, TarStream longer targets too", async () => {
  for (const linkname of ["a", "x".repeat(100), "ü".repeat(50)]) assertValidLinkname(linkname);
  for (const linkname of ["", "x".repeat(101), "ü".repeat(51), "a\0b"]) {
    assert.throws(() => assertValidLinkname(linkname), TypeError, linkname);
    const archive = pack({ type: "symlink", path: "link", linkname });
    if (linkname === "" || linkname.includes("\0")) {
      await assert.rejects(unpack(archive), TypeError);
      continue;
    }
    const [[entry] = []] = await unpack(archive);
    assert.equal(entry?.header.linkname, linkname);
    assert.equal(entry?.header.typeflag, "2");
    assert.equal(entry?.readable, undefined);
    assert.equal(entry?.header.mode, 0o777);
  }
});

test("TarStream writes headers as the original does, and UntarStream shows their fields", async () => {
  const path = `${"a".repeat(75)}/${"b".repeat(75)}`;
  const options = {
    ...{ mode: 0o123456, uid: 0o12, gid: 0o21, mtime: 1_700_000_000.9 },
    ...{ uname: "me", gname: "us", devmajor: "ice", devminor: "scream" },
  };
  const input = (): TarStreamInput => ({ type: "directory", path, options });
  const block = (await readAll(pack(input()), MAX)).subarray(0, 512);
  const field = (start: number, end: number): string =>
    new TextDecoder().decode(block.subarray(start, end)).replace(/\0+$/, "");
  assert.equal(field(0, 100), "b".repeat(75));
  assert.equal(field(345, 500), "a".repeat(75));
  assert.equal(
    field(100, 156),
    `123456 \u0000000012 \u0000000021 \u0000${"0".repeat(11)} ${
      (1_700_000_000).toString(8).padStart(11, "0")
    } ${field(148, 154)}\0 `,
  );
  assert.equal(field(257, 263), "ustar");
  const [[entry] = []] = await unpack(pack(input()));
  assert.equal(entry?.path, path);
  assert.deepEqual(entry?.header, {
    ...{ name: "b".repeat(75), prefix: "a".repeat(75), size: 0, typeflag: "5", linkname: "" },
    ...{ ...options, mtime: 1_700_000_000, magic: "ustar\0", version: "00" },
  });
});

test("UntarStream shows the fields of archives that others wrote", async () => {
  for (const name of ["gnu", "v7"]) {
    const archive = await corpusBytes(`go-archive-tar/${name}.tar`);
    const [[entry] = []] = await unpack(streamOf(archive));
    assert.equal(entry?.header.typeflag, "0", name);
    assert.ok(entry !== undefined && !("magic" in entry.header), name);
  }
  const [[posix] = []] = await unpack(streamOf(await corpusBytes("go-archive-tar/ustar.tar")));
  assert.ok(posix !== undefined && "magic" in posix.header);
  assert.equal(`${posix.header.prefix}/${posix.header.name}`, posix.path);
});

test("TarStream writes sizes of 8 GiB and more", async () => {
  const sizes = [[8 ** 11 - 1, "77777777777 "], [8 ** 11, "100000000000"], [8 ** 12, ""]] as const;
  for (const [size, digits] of sizes) {
    const readable = new ReadableStream<Bytes>({}, { highWaterMark: 0 });
    const entries = readTar(pack({ type: "file", path: "large", size, readable }));
    const { value } = await entries.next();
    assert.ok(value !== undefined && "size" in value && value.size === size, `${size}`);
    const archive = pack({ type: "file", path: "large", size, readable: streamOf(encode("x")) });
    const { value: header } = await archive.getReader().read();
    if (digits !== "") assert.equal(new TextDecoder().decode(header?.subarray(124, 136)), digits);
  }
});

test("lading's reader reads a TarStream, and UntarStream lading's writer", async () => {
  const names: string[] = [];
  for await (
    const entry of readTar(pack(file("a", encode("a")), { type: "directory", path: "d" }))
  ) {
    names.push(entry.path);
  }
  assert.deepEqual(names, ["a", "d"]);
});
