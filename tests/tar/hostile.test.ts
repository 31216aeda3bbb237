// Archives that lie. Each is refused with an error of its class, or read as one rule says; never
// with more memory, time or input than the limits allow.
import { test } from "node:test";
import assert from "node:assert/strict";
import { streamOf } from "../../lib/bytes/mod.ts";
import type { Bytes } from "../../lib/model/bytes.ts";
import { InvalidTarError, LimitExceededError } from "../../lib/model/errors.ts";
import { MAX_LONG_NAME_BYTES, readTar } from "../../lib/tar/mod.ts";
import { MAX_PAX_BYTES, MAX_PAX_RECORDS } from "../../lib/tar/pax.ts";
import { EntryReader } from "../../lib/tar/entry_reader.ts";
import { readEntries } from "../../lib/tar/read_entries.ts";
import { MAX_SPARSE_ENTRIES, MAX_SPARSE_MAP_BYTES } from "../../lib/tar/sparse.ts";
import { corpusBytes } from "../support/corpus.ts";
import {
  base256,
  BLOCK,
  encode,
  END,
  endless,
  header,
  join,
  member,
  outcomeOf,
  padded,
  pax,
  record,
} from "./blocks.ts";

const INVALID = "INVALID_TAR";
const LIMIT = "LIMIT_EXCEEDED";
const GiB = 2 ** 30;
const FILE = member({ name: "file" }, encode("content"));

async function assertRefused(archive: Bytes, code: string, label: string, before = 0) {
  const { code: found, names, error } = await outcomeOf(streamOf(archive));
  assert.equal(found, code, `${label}: ${String(error)}`);
  assert.equal(names.length, before, label);
  if (error instanceof InvalidTarError) {
    assert.ok(error.offset >= 0 && error.offset <= archive.length, `${label}: ${error.offset}`);
  }
}

async function assertRead(archive: Bytes, names: readonly string[], label: string) {
  const outcome = await outcomeOf(streamOf(archive));
  assert.equal(outcome.error, undefined, label);
  assert.deepEqual(outcome.names, names, label);
}

test("a header that claims 8 GiB of metadata is refused before any of it is read", async () => {
  for (const type of "xgXLK") {
    for (const size of [MAX_PAX_BYTES + 1, 10 * MAX_PAX_BYTES, 8 * GiB - 1, base256(2n ** 40n)]) {
      const claim = header({ type, size });
      const { stream, taken } = endless(claim, new Uint8Array(65_536), 64 << 20);
      const { code } = await outcomeOf(stream);
      assert.equal(code, LIMIT, `${type} ${size}`);
      assert.equal(taken(), BLOCK, `${type} ${size}: bytes taken`);
      await assertRefused(claim, LIMIT, `${type} ${size}, alone`);
    }
    // A claim below the limit, and no data: what is not there is not reserved for.
    await assertRefused(header({ type, size: MAX_PAX_BYTES }), INVALID, `${type}, and no data`);
  }
});

/** Tells the largest array of bytes that anyone makes meanwhile. */
async function largestArray(work: () => Promise<void>): Promise<number> {
  const original = globalThis.Uint8Array;
  let largest = 0;
  globalThis.Uint8Array = new Proxy(original, {
    construct(target, args, newTarget) {
      const made = Reflect.construct(target, args, newTarget === target ? target : newTarget);
      if (typeof args[0] === "number") largest = Math.max(largest, made.length);
      return made;
    },
  });
  try {
    await work();
  } finally {
    globalThis.Uint8Array = original;
  }
  return largest;
}

test("no memory is reserved for what a header only claims", async () => {
  const claims: Bytes[] = [
    ...[..."xgXLK"].map((type) => header({ type, size: MAX_PAX_BYTES })),
    ...[..."xgXLK"].map((type) => header({ type, size: 8 * GiB - 1 })),
    header({ size: base256(2n ** 52n) }),
    leadingSparse(`${MAX_SPARSE_ENTRIES}\n0\n`, 2 ** 52, new Uint8Array()),
    leadingSparse("1000000000\n0\n", 1, new Uint8Array()),
    header({ type: "S", size: 8 * GiB - 1, magic: "ustar  " }, (block) => block[482] = 1),
  ];
  const watched = await largestArray(async () =>
    await Promise.resolve(void new Uint8Array(1 << 20))
  );
  assert.equal(watched, 1 << 20);
  for (const [index, claim] of claims.entries()) {
    const largest = await largestArray(async () => {
      const { code } = await outcomeOf(streamOf(claim));
      assert.ok(code !== undefined, `claim ${index}`);
    });
    assert.ok(largest <= 65_536, `claim ${index}: ${largest} bytes at once`);
  }
});

test("metadata is taken up to its limit, not beyond", async () => {
  const fill = (size: number): Bytes => {
    // One record that fills the header to the byte.
    const digits = String(size).length;
    return join(encode(`${size} k=`), new Uint8Array(size - digits - 4).fill(0x61), encode("\n"));
  };
  for (const type of "xX") {
    const body = fill(MAX_PAX_BYTES);
    assert.equal(body.length, MAX_PAX_BYTES);
    await assertRead(join(member({ type }, body), FILE, END), ["file"], type);
  }
  for (const type of "xgXLK") {
    for (const size of [MAX_PAX_BYTES + 1, 10 * MAX_PAX_BYTES]) {
      await assertRefused(join(member({ type }, fill(size)), FILE), LIMIT, `${type} ${size}`);
    }
  }
  const name = "n".repeat(MAX_LONG_NAME_BYTES);
  await assertRead(join(member({ type: "L" }, encode(name)), FILE, END), [name], "long name");
  const link = join(member({ type: "K" }, encode(name)), member({ type: "2" }), END);
  const { entries } = await outcomeOf(streamOf(link));
  assert.equal(entries[0]?.linkPath, name);
});

test("pax records are taken up to their number, not beyond", async () => {
  const records = (count: number): Bytes =>
    join(...Array.from({ length: count }, (_, index) => record(`k${index}`, "")));
  for (const type of "xgX") {
    const read = (count: number) => join(member({ type }, records(count)), FILE, END);
    await assertRead(read(MAX_PAX_RECORDS), ["file"], type);
    for (const count of [MAX_PAX_RECORDS + 1, 10 * MAX_PAX_RECORDS]) {
      await assertRefused(read(count), LIMIT, `${type}: ${count} records`);
    }
  }
});

test("global records are counted together, over all headers", async () => {
  const globals = (count: number, bytes: number): Bytes =>
    join(
      ...Array.from(
        { length: count },
        (_, index) => pax({ [`k${index}`]: "v".repeat(bytes - 2) }, "g"),
      ),
      FILE,
      END,
    );
  // Key and value of each count for a quarter of the limit.
  await assertRead(globals(4, MAX_PAX_BYTES / 4), ["file"], "at the limit");
  await assertRefused(globals(5, MAX_PAX_BYTES / 4), LIMIT, "one more");
  await assertRefused(globals(10, MAX_PAX_BYTES / 4), LIMIT, "many more");
  const many = (count: number): Bytes => {
    const keys = Array.from({ length: count }, (_, index) => `K${index}`);
    const headers: Bytes[] = [];
    for (let at = 0; at < count; at += MAX_PAX_RECORDS / 2) {
      const some = keys.slice(at, at + MAX_PAX_RECORDS / 2).map((key) => [key, "v"]);
      headers.push(pax(Object.fromEntries(some), "g"));
    }
    return join(...headers, FILE, END);
  };
  await assertRead(many(MAX_PAX_RECORDS), ["file"], "as many records as one header may have");
  for (const count of [MAX_PAX_RECORDS + 1, 10 * MAX_PAX_RECORDS]) {
    await assertRefused(many(count), LIMIT, `${count} records`);
  }
  const same = join(...Array(20).fill(pax({ key: "v".repeat(600_000) }, "g")), FILE, END);
  await assertRead(same, ["file"], "one record again and again");
});

test("entries are taken up to the number that was allowed, not beyond", async () => {
  const archive = (count: number): Bytes => join(...Array(count).fill(FILE), END);
  for (const [count, code] of [[5, undefined], [6, LIMIT], [50, LIMIT]] as const) {
    const outcome = await outcomeOf(streamOf(archive(count)), 5);
    assert.equal(outcome.code, code, `${count}`);
    assert.equal(outcome.names.length, 5);
  }
  const error = (await outcomeOf(streamOf(archive(1)), 0)).error;
  assert.ok(error instanceof LimitExceededError && error.limit === 0 && error.unit === "entries");
});

/** A file in GNU's old sparse form: pieces in its header, more in blocks behind it. */
function oldSparse(pieces: readonly (readonly [number, number])[], size: number, stored: Bytes) {
  const put = (block: Uint8Array, at: number, list: readonly (readonly [number, number])[]) => {
    for (const [index, [offset, length]] of list.entries()) {
      block.set(encode(offset.toString(8).padStart(11, "0")), at + index * 24);
      block.set(encode(length.toString(8).padStart(11, "0")), at + index * 24 + 12);
    }
  };
  const first = header({ name: "s", type: "S", size: stored.length, magic: "ustar  " }, (block) => {
    put(block, 386, pieces.slice(0, 4));
    block.set(encode(size.toString(8).padStart(11, "0")), 483);
    if (pieces.length > 4) block[482] = 1;
  });
  const blocks: Bytes[] = [first];
  for (let at = 4; at < pieces.length; at += 21) {
    const block = new Uint8Array(BLOCK);
    put(block, 0, pieces.slice(at, at + 21));
    if (at + 21 < pieces.length) block[504] = 1;
    blocks.push(block);
  }
  return join(...blocks, padded(stored), END);
}

/** A file in GNU's pax sparse form 1.0, with any text for its map. */
function leadingSparse(map: string, realSize: number, stored: Bytes): Bytes {
  const content = join(padded(encode(map)), stored);
  return join(
    pax({
      "GNU.sparse.major": "1",
      "GNU.sparse.minor": "0",
      "GNU.sparse.name": "s",
      "GNU.sparse.realsize": String(realSize),
    }),
    member({ name: "GNUSparseFile/s" }, content),
    END,
  );
}

/** A file in GNU's pax sparse form 0.1. */
function listedSparse(map: string, count: number, realSize: number, stored: Bytes): Bytes {
  return join(
    pax({
      "GNU.sparse.major": "0",
      "GNU.sparse.minor": "1",
      "GNU.sparse.name": "s",
      "GNU.sparse.size": String(realSize),
      "GNU.sparse.numblocks": String(count),
      "GNU.sparse.map": map,
    }),
    member({ name: "GNUSparseFile/s" }, stored),
    END,
  );
}

test("a sparse map that claims 10^9 pieces is refused", async () => {
  const nothing = new Uint8Array();
  for (const count of [MAX_SPARSE_ENTRIES + 1, 10 * MAX_SPARSE_ENTRIES, 1e9, 2 ** 53 - 1]) {
    await assertRefused(leadingSparse(`${count}\n0\n`, 1, nothing), LIMIT, `1.0: ${count}`);
  }
  await assertRefused(listedSparse("0,0", 1e9, 1, nothing), INVALID, "0.1: numblocks");
  const many = (count: number) => "0,0,".repeat(count).slice(0, -1);
  const at = listedSparse(many(MAX_SPARSE_ENTRIES), MAX_SPARSE_ENTRIES, 1, nothing);
  await assertRead(at, ["s"], "0.1 at the limit");
  for (const count of [MAX_SPARSE_ENTRIES + 1, 2 * MAX_SPARSE_ENTRIES]) {
    await assertRefused(listedSparse(many(count), count, 1, nothing), LIMIT, `0.1: ${count}`);
  }
  const lines = (count: number) => `${count}\n${"0\n0\n".repeat(count)}`;
  const leading = leadingSparse(lines(MAX_SPARSE_ENTRIES), 1, nothing);
  await assertRead(leading, ["s"], "1.0 at the limit");
});

test("the holes of all sparse files together are bounded, where they are read", async () => {
  const holes = (realSize: number) =>
    leadingSparse("0\n", realSize, new Uint8Array()).slice(0, -1024);
  const archive = join(holes(1000), holes(1000), holes(2 ** 50), END);
  const sizes: number[] = [];
  for await (const { size } of readTar(streamOf(archive), { maxHoleBytes: 0 })) sizes.push(size);
  assert.deepEqual(sizes, [1000, 1000, 2 ** 50]);
  const read = async (maxHoleBytes: number | undefined, ...wanted: number[]) => {
    let number = 0;
    let bytes = 0;
    for await (const entry of readTar(streamOf(archive), { maxHoleBytes })) {
      if (!wanted.includes(number++)) continue;
      await entry.lend(({ length }) => {
        bytes += length;
        // Of the last one nobody reads all.
        if (bytes > 2 ** 20) throw new TypeError("enough");
      });
    }
    return bytes;
  };
  assert.equal(await read(2000, 0, 1), 2000);
  assert.equal(await read(1000, 1), 1000);
  await assert.rejects(read(undefined, 2), { message: "enough" });
  for (const [limit, ...wanted] of [[1999, 0, 1], [999, 0], [200, 1], [0, 0], [100_000, 2]]) {
    await assert.rejects(
      read(limit, ...wanted),
      (error) => error instanceof LimitExceededError && error.limit === limit,
      `${limit}: ${wanted}`,
    );
  }
  await assert.rejects(read(NaN, 0), RangeError);
});

test("a sparse map of more bytes than other metadata is refused", async () => {
  // Numbers may have zeros in front, so that few of them take many bytes.
  const zeros = "0".repeat(1000);
  const count = Math.floor(MAX_SPARSE_MAP_BYTES / 1002 / 2);
  const map = (count: number) => `${count}\n${`${zeros}\n${zeros}\n`.repeat(count)}`;
  await assertRead(leadingSparse(map(count), 1, new Uint8Array()), ["s"], "1.0 at the limit");
  for (const more of [count + 2, 10 * count]) {
    await assertRefused(leadingSparse(map(more), 1, new Uint8Array()), LIMIT, `1.0: ${more}`);
  }
  // Extension blocks that each say that one more follows, for ever.
  const first = header({ type: "S", magic: "ustar  " }, (block) => block[482] = 1);
  const more = new Uint8Array(BLOCK);
  more[504] = 1;
  const { stream, taken } = endless(first, more, 64 << 20);
  assert.equal((await outcomeOf(stream)).code, LIMIT);
  assert.ok(taken() <= MAX_SPARSE_MAP_BYTES + 2 * BLOCK, `${taken()} bytes were taken`);
});

test("a sparse map that is impossible is refused, in each form", async () => {
  const content = (length: number): Bytes => new Uint8Array(length).fill(7);
  /** Pieces, the real size, the stored size; what is wrong. */
  const rows: readonly (readonly [(readonly [number, number])[], number, number, string])[] = [
    [[[10, 5], [0, 5]], 100, 10, "out of order"],
    [[[0, 10], [5, 10]], 100, 20, "overlapping"],
    [[[90, 20]], 100, 20, "beyond the end"],
    [[[100, 1]], 100, 1, "behind the end"],
    [[[0, 10]], 100, 9, "more than is stored"],
    [[[0, 10]], 100, 11, "less than is stored"],
    [[[8 ** 11 - 1, 8 ** 11 - 1]], 8 ** 11 - 1, 1, "far beyond the end"],
  ];
  for (const [pieces, size, stored, label] of rows) {
    const numbers = pieces.flat();
    const map = `${pieces.length}\n${numbers.join("\n")}\n`;
    await assertRefused(oldSparse(pieces, size, content(stored)), INVALID, `old: ${label}`);
    await assertRefused(leadingSparse(map, size, content(stored)), INVALID, `1.0: ${label}`);
    const listed = listedSparse(numbers.join(","), pieces.length, size, content(stored));
    await assertRefused(listed, INVALID, `0.1: ${label}`);
  }
  for (const text of ["", "x\n", "1\n", "1\n0\n", "1\n0\nx\n", "-1\n", "1\n-5\n5\n", "1\n\n5\n"]) {
    await assertRefused(leadingSparse(text, 10, new Uint8Array()), INVALID, JSON.stringify(text));
  }
  const cut = await outcomeOf(streamOf(leadingSparse("9\n0\n0\n", 10, new Uint8Array())));
  assert.match(String(cut.error), /its map is cut short/);
  // A line without an end is not read to the end of the content.
  const begin = leadingSparse("0".repeat(BLOCK), 10, content(1 << 19)).slice(
    0,
    -(1 << 19) - 2 * BLOCK,
  );
  const { stream, taken } = endless(begin, encode("0".repeat(BLOCK)), 1 << 19);
  assert.equal((await outcomeOf(stream)).code, INVALID, "a line without an end");
  assert.ok(taken() <= begin.length + 3 * BLOCK, `${taken()} bytes were taken`);
  for (const list of ["1", "0,x", "0,-1", "0, 1", ",", "0,1,", "9007199254740993,1"]) {
    await assertRefused(listedSparse(list, 1, 10, content(1)), INVALID, list);
  }
  for (const size of ["x", "-1", "9007199254740993", "1e3"]) {
    const records = { "GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.size": size };
    const archive = join(pax(records), member({}, padded(encode("0\n"))), END);
    await assertRefused(archive, INVALID, `real size ${size}`);
  }
  const link = join(
    pax({ "GNU.sparse.map": "0,1", "GNU.sparse.numblocks": "1", "GNU.sparse.size": "1" }),
    member({ type: "2", link: "x" }),
  );
  await assertRefused(link, INVALID, "a sparse link");
  const noPieces = {
    "GNU.sparse.major": "0",
    "GNU.sparse.minor": "1",
    "GNU.sparse.numblocks": "0",
    "GNU.sparse.size": "10",
  };
  await assertRead(join(pax(noPieces), header({}), END), ["file"], "a hole");
  for (const type of "123456") {
    const other = join(pax(noPieces), header({ type, link: "x" }), END);
    await assertRefused(other, INVALID, `a hole of type ${type}`);
  }
  const foreign = header({ type: "S" });
  await assertRefused(foreign, INVALID, "an old sparse file without the mark of GNU");
});

test("a file of terabytes of holes costs what is read of it", async () => {
  const archive = leadingSparse("1\n1099511627776\n4\n", 2 ** 40 + 4, encode("last"));
  for await (const entry of readTar(streamOf(archive))) {
    assert.equal(entry.size, 2 ** 40 + 4);
    await assert.rejects(entry.bytes(1 << 20), { code: LIMIT });
  }
  const big = await corpusBytes("go-archive-tar/pax-sparse-big.tar");
  for await (const entry of readTar(streamOf(big))) {
    assert.ok(entry.size > 5e10, `${entry.size}`);
    const reader = entry.body.getReader();
    const { value } = await reader.read();
    assert.ok(value !== undefined && value.length > 0 && value.length <= 1 << 20);
    await reader.cancel();
  }
});

test("a file that claims terabytes is read up to the caller's limit", async () => {
  const claim = header({ size: base256(2n ** 42n) });
  const { stream, taken } = endless(claim, new Uint8Array(65_536), 64 << 20);
  const reader = readTar(stream);
  const { value: entry } = await reader.next();
  assert.ok(entry !== undefined && "bytes" in entry && entry.size === 2 ** 42);
  await assert.rejects(entry.bytes(1 << 20), { code: LIMIT });
  assert.ok(taken() <= (1 << 20) + 2 * 65_536, `${taken()} bytes were taken`);
  await reader.return({ entries: 0, truncatedTrailer: true });
  // More than was reserved has come, and that is no reason to believe the rest.
  const cut = join(claim, new Uint8Array(6 << 20));
  for await (const short of readTar(streamOf(cut))) {
    await assert.rejects(short.bytes(2 ** 43), { code: INVALID });
    break;
  }
});

test("sizes that are negative, too large or no numbers are refused", async () => {
  const sizes: (string | Uint8Array)[] = [
    base256(-1n),
    base256(-512n),
    base256(2n ** 53n),
    base256(2n ** 63n),
    base256(2n ** 94n - 1n),
    base256(-(2n ** 90n)),
    "-1",
    "0000000008",
    "0x10",
    "1e3",
    "12 34",
    "١٢",
  ];
  for (const size of sizes) {
    for (const type of ["0", "x", "L", "5", "V"]) {
      await assertRefused(join(header({ size, type }), FILE), INVALID, `${type}: ${String(size)}`);
    }
  }
  for (
    const size of ["-1", "9007199254740992", "1.5", "0x1", " 1", "1 ", "١", "+1", "1e3", "\ufeff1"]
  ) {
    await assertRefused(join(pax({ size }), FILE, END), INVALID, `pax: ${size}`);
  }
  for (const name of ["neg-size", "issue10968", "issue12435"]) {
    await assertRefused(await corpusBytes(`go-archive-tar/${name}.tar`), INVALID, name);
  }
  const negative = "libarchive/test_read_format_tar_V_negative_size.tar";
  await assertRefused(await corpusBytes(negative), INVALID, negative);
});

test("other numbers that are none are refused, too", async () => {
  for (const key of ["uid", "gid"]) {
    for (const value of ["x", "1.5", "9007199254740992", "-9007199254740992", ""]) {
      const archive = join(pax({ [key]: value }), FILE, END);
      if (value === "") await assertRead(archive, ["file"], `no ${key}`);
      else await assertRefused(archive, INVALID, `${key}=${value}`);
    }
  }
  for (
    const value of ["x", ".5", "1.x", "--1", "1e3", "9".repeat(40), "Infinity", "NaN", "\ufeff1"]
  ) {
    await assertRefused(join(pax({ mtime: value }), FILE, END), INVALID, `mtime=${value}`);
  }
  const [last, next] = [String(2n ** 63n - 1n), String(2n ** 63n)];
  await assertRead(join(pax({ mtime: last }), FILE, END), ["file"], `mtime=${last}`);
  await assertRefused(join(pax({ mtime: next }), FILE, END), INVALID, `mtime=${next}`);
  await assertRefused(header({ uid: "nobody" }), INVALID, "uid");
  await assertRefused(header({ mtime: base256(2n ** 70n) }), INVALID, "mtime");
});

test("malformed pax records are refused, never skipped", async () => {
  const bodies: readonly string[] = [
    "x",
    "5",
    " ",
    "0 a=b\n",
    "06 a=b\n",
    "07 a=b\n",
    "-6 a=b\n",
    "+6 a=b\n",
    "7 a=b\n",
    "5 a=b\n",
    ": a=bcdef\n",
    "1: a=bcdefghijklmnop\n",
    "2/ a=bcdefghijklmn\n",
    "6 a=bc",
    "6 abc\n",
    "5 =b\n",
    "99999999999 a=b\n",
    "6 a=b\n6 a=b",
    "12 path=a\0b\n",
    "16 linkpath=a\0b\n",
    "13 uname=a\0b\n",
    "13 gname=a\0b\n",
    "9 a\0b=cd\n",
    "26 GNU.sparse.numbytes=12\n",
    "24 GNU.sparse.offset=1,2\n",
  ];
  for (const type of "xgX") {
    for (const body of bodies) {
      const archive = join(member({ type }, encode(body)), FILE, END);
      await assertRefused(archive, INVALID, `${type}: ${JSON.stringify(body)}`);
    }
  }
  for (const name of ["pax-bad-hdr-file", "pax-bad-mtime-file", "pax-nul-path", "pax-nul-xattrs"]) {
    await assertRefused(await corpusBytes(`go-archive-tar/${name}.tar`), INVALID, name);
  }
});

/** An archive in an archive: what a reader sees that is wrong about a size. */
const INNER = member({ name: "smuggled" }, encode("evil"));

test("no entry hides in the content of another, whatever headers say of sizes", async () => {
  const size = String(INNER.length);
  const rows: readonly (readonly [string, Bytes, readonly string[]])[] = [
    ["pax over zero", join(pax({ size }), header({}), INNER, FILE, END), ["file", "file"]],
    [
      "pax over a larger size",
      join(pax({ size: "0" }), header({ size: INNER.length }), INNER, END),
      ["file", "smuggled"],
    ],
    [
      "pax through a long name",
      join(pax({ size }), member({ type: "L" }, encode("long")), header({}), INNER, FILE, END),
      ["long", "file"],
    ],
    [
      "an earlier pax header is replaced",
      join(pax({ size }), pax({ uid: "1" }), header({}), INNER, END),
      ["file", "smuggled"],
    ],
    [
      "pax size of a symbolic link",
      join(pax({ size }), header({ type: "2", link: "x" }), INNER, END),
      ["file", "smuggled"],
    ],
  ];
  for (const [label, archive, names] of rows) await assertRead(archive, names, label);
  for (const type of "123456") {
    const archive = join(header({ type, size: INNER.length, link: "x" }), INNER, END);
    await assertRead(archive, ["file", "smuggled"], `type ${type} with a size`);
  }
  const v7 = join(header({ type: "\0", name: "d/", size: INNER.length, magic: "" }), INNER, END);
  await assertRead(v7, ["d/", "smuggled"], "a directory of V7 with a size");
  // The name in force decides, as in Go and libarchive; readers that look at the header differ.
  for (const magic of ["", "ustar  \0", "ustar\u000000"]) {
    const named = (name: string) => header({ type: "\0", name, size: INNER.length, magic });
    const long = (name: string) => member({ type: "L", magic: "ustar  \0" }, encode(`${name}\0`));
    for (const [what, name] of [["GNU", long], ["pax", (path: string) => pax({ path })]] as const) {
      const directory = join(name("d/"), named("d"), INNER, END);
      await assertRead(directory, ["d/", "smuggled"], `a directory by ${what} ${magic}`);
      const file = join(name("d"), named("d/"), INNER, END);
      await assertRead(file, ["d"], `a file by ${what} ${magic}`);
    }
  }
  for (const type of "07ASDVMNZ") {
    const archive = join(header({ type, size: INNER.length, magic: "ustar  " }), INNER, END);
    if (type !== "S") await assertRead(archive, ["file"], `type ${type} has content`);
  }
});

test("metadata whose meaning readers differ on is refused", async () => {
  const global = join(pax({ size: String(INNER.length) }, "g"), header({}), INNER, END);
  await assertRefused(global, INVALID, "a size for all entries");
  const long = (name: string) => member({ type: "L" }, encode(name));
  await assertRefused(join(pax({ path: "a" }), long("b"), FILE, END), INVALID, "two names");
  await assertRefused(join(long("b"), pax({ path: "a" }), FILE, END), INVALID, "two names, turned");
  await assertRead(join(pax({ path: "a" }), long("a\0"), FILE, END), ["a"], "one name, twice");
  const target = member({ type: "K" }, encode("b"));
  const link = member({ type: "2", link: "c" });
  await assertRefused(join(pax({ linkpath: "a" }), target, link, END), INVALID, "two targets");
  const one = join(FILE, new Uint8Array(BLOCK), FILE, END);
  await assertRefused(one, INVALID, "one block of zeros in the middle", 1);
});

test("an entry's own name holds, then GNU's, then that of all entries, then the header's", async () => {
  const all = pax({ path: "global" }, "g");
  const long = member({ type: "L" }, encode("long"));
  const rows: readonly (readonly [string, readonly Bytes[], string])[] = [
    ["the header's", [], "file"],
    ["of all entries", [all], "global"],
    ["GNU's", [all, long], "long"],
    ["its own", [all, pax({ path: "own" })], "own"],
    ["its own, taken back", [all, pax({ path: "" })], "file"],
    ["of all entries, taken back", [all, pax({ path: "" }, "g")], "file"],
    ["of a sparse file that is none", [pax({ "GNU.sparse.name": "sparse" })], "file"],
  ];
  for (const [label, before, name] of rows) {
    await assertRead(join(...before, FILE, END), [name], label);
    // What is for one entry is not for the next.
    const isGlobal = before.includes(all) && !label.startsWith("of all entries, taken");
    await assertRead(join(...before, FILE, FILE, END), [name, isGlobal ? "global" : "file"], label);
  }
});

test("a chunk belongs to whoever reads it", async () => {
  const archive = join(FILE, member({ name: "b" }, encode("second")), END);
  const texts: string[] = [];
  for await (const entry of readTar(streamOf(archive))) {
    const reader = entry.body.getReader();
    const { value } = await reader.read();
    assert.ok(value !== undefined);
    texts.push(new TextDecoder().decode(value));
    // Written over and given away: the entries behind it are not in its memory.
    value.fill(0xff);
    structuredClone(value, { transfer: [value.buffer] });
    reader.releaseLock();
  }
  assert.deepEqual(texts, ["content", "second"]);
  assert.equal(archive[BLOCK], 0x63, "the caller's bytes are as they were");
});

test("what is behind the end of an archive is not read as entries", async () => {
  await assertRead(join(FILE, END, FILE, END), ["file"], "an archive behind an archive");
  await assertRead(join(FILE, END, encode("garbage")), ["file"], "garbage");
  await assertRead(END, [], "nothing else");
  await assertRead(new Uint8Array(), [], "nothing at all");
  await assertRefused(encode("garbage"), INVALID, "garbage alone");
  await assertRefused(new Uint8Array(BLOCK).fill(0xff), INVALID, "a block of ones");
});

test("a flip of any bit of a header is noticed", async () => {
  const archive = join(FILE, END);
  for (let at = 0; at < BLOCK; at++) {
    for (const bit of [1, 0x10, 0x80]) {
      const flipped = archive.slice();
      flipped[at] = (flipped[at] ?? 0) ^ bit;
      const { code } = await outcomeOf(streamOf(flipped));
      const isChecksum = at >= 148 && at < 156;
      // A zero may become a space in front of the checksum, and what is behind it is padding.
      if (!isChecksum || at < 154 && bit === 1) {
        assert.equal(code, INVALID, `byte ${at}, bit ${bit}`);
      }
    }
  }
});

test("an archive that ends anywhere gives the entries before, and an error inside an entry", async () => {
  const old = oldSparse([[0, 1], [2, 1], [4, 1], [6, 1], [8, 1]], 10, encode("12345"));
  const leading = leadingSparse("1\n5\n5\n", 10, encode("12345"));
  const leadingPax = leading.length - 2 * END.length - BLOCK;
  /** Headers with their content, and whether they are entries. */
  const units: readonly (readonly [Bytes, boolean])[] = [
    [member({ name: "a" }, encode("x".repeat(600))), true],
    [pax({ path: "b".repeat(120) }), false],
    [member({ name: "b" }, encode("y")), true],
    [member({ type: "L" }, encode("c".repeat(120))), false],
    [member({ name: "c" }, encode("z")), true],
    [old.slice(0, -END.length), true],
    [leading.slice(0, leadingPax), false],
    [leading.slice(leadingPax, -END.length), true],
    [member({ name: "f", type: "5" }), true],
  ];
  const archive = join(...units.map(([bytes]) => bytes), END);
  for (let length = 0; length <= archive.length; length += length % BLOCK === 1 ? 17 : 1) {
    const { code, names, error } = await outcomeOf(streamOf(archive.slice(0, length)));
    let at = 0;
    let whole = 0;
    let isRightEnd = length === 0 || [0, BLOCK].includes(archive.length - length);
    for (const [bytes, isEntry] of units) {
      at += bytes.length;
      const size = parseInt(new TextDecoder().decode(bytes.subarray(124, 135)), 8);
      const padding = (BLOCK - size % BLOCK) % BLOCK;
      if (at - padding <= length && length <= at) isRightEnd = true;
      if (isEntry && at - padding <= length) whole++;
    }
    const label = `${length} of ${archive.length}: ${String(error)}`;
    assert.equal(code, isRightEnd ? undefined : INVALID, label);
    // The entry whose content is cut is seen, too.
    assert.ok(names.length === whole || !isRightEnd && names.length === whole + 1, label);
  }
});

test("a content that is cut short is refused where the end comes at once, too", async () => {
  const archive = join(member({ name: "a" }, encode("first")), member({ size: 5000 }, encode("b")));
  const pieces = [archive.slice(0, 700), archive.slice(700)];
  const feed = { lends: false, next: () => pieces.shift(), cancel: () => Promise.resolve() };
  const paths: string[] = [];
  await assert.rejects(async () => {
    for await (const { path } of readEntries(new EntryReader(() => feed, {}), () => {})) {
      paths.push(path);
    }
  }, { code: INVALID });
  assert.deepEqual(paths, ["a", "file"]);
});

test("offsets of entries only grow, and lie in the archive", async () => {
  const archive = join(pax({ path: "a" }), FILE, member({ type: "L" }, encode("b")), FILE, END);
  let last = -1;
  for (const { headerOffset, bodyOffset } of (await outcomeOf(streamOf(archive))).entries) {
    assert.ok(headerOffset > last && bodyOffset === headerOffset + BLOCK);
    assert.ok(bodyOffset <= archive.length);
    last = headerOffset;
  }
});

test("names are data: odd ones come as they are", async () => {
  const names = ["", "..", "../../etc/passwd", "/etc/passwd", "a\\b", "C:\\x", ".", "./", "a\nb"];
  for (const name of names) {
    await assertRead(join(member({ name }), END), [name], JSON.stringify(name));
  }
  const bytes = Uint8Array.of(0xff, 0xfe, 0x2f, 0xc3);
  const raw = join(header({ name: "" }, (block) => block.set(bytes)), END);
  const [entry] = (await outcomeOf(streamOf(raw))).entries;
  assert.deepEqual(entry?.pathBytes, bytes);
  assert.equal(entry?.path, "\ufffd\ufffd/\ufffd");
  for (const key of ["__proto__", "constructor", "toString"]) {
    const [found] = (await outcomeOf(streamOf(join(pax({ [key]: "v" }), FILE, END)))).entries;
    assert.equal(new TextDecoder().decode(found?.pax.get(key)), "v", key);
  }
});

test("a prefix counts with the mark of POSIX alone", async () => {
  const rows = [["ustar\u000000", "p/file"], ["ustar  \0", "file"], ["", "file"]] as const;
  for (const [magic, path] of rows) {
    await assertRead(join(header({ magic, prefix: "p" }), END), [path], JSON.stringify(magic));
  }
});

test("content of an entry cannot be read when the reader has moved on", async () => {
  const { entries } = await outcomeOf(streamOf(join(FILE, FILE, END)));
  await assert.rejects(entries[0]?.bytes() ?? Promise.resolve(), TypeError);
});
