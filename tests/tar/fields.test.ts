// What single fields and records come to, where no archive of the corpus depends on it.
import { test } from "node:test";
import assert from "node:assert/strict";
import { streamOf } from "../../lib/bytes/mod.ts";
import type { Bytes } from "../../lib/model/bytes.ts";
import { readTar, type TarEntry } from "../../lib/tar/mod.ts";
import { MAX_PAX_RECORDS } from "../../lib/tar/pax.ts";
import { corpusBytes } from "../support/corpus.ts";
import { encode, END, header, join, member, outcomeOf, pax, record } from "./blocks.ts";

const FILE = member({ name: "file" }, encode("content"));
const AFTER = member({ name: "after" });

/** The only entry of an archive. */
async function only(...parts: readonly Bytes[]): Promise<TarEntry> {
  const { entries, error } = await outcomeOf(streamOf(join(...parts, END)));
  assert.equal(error, undefined);
  const [entry] = entries;
  if (entry === undefined || entries.length > 1) assert.fail(`${entries.length} entries`);
  return entry;
}

test("every type flag has its type, and its content or none", async () => {
  /** The flag, the type, the bytes of content to be seen; -1 where none are behind the header. */
  const rows: readonly (readonly [string, string, number])[] = [
    ["0", "file", 512],
    ["\0", "file", 512],
    ["7", "file", 512],
    ["1", "hardlink", -1],
    ["2", "symlink", -1],
    ["3", "character-device", -1],
    ["4", "block-device", -1],
    ["5", "directory", -1],
    ["6", "fifo", -1],
    // The list of a dumped directory is skipped with it.
    ["D", "directory", 0],
    ["V", "volume-label", 512],
    ["M", "multi-volume", 512],
    ["A", "unknown", 512],
    ["N", "unknown", 512],
    ["\u007f", "unknown", 512],
  ];
  for (const [type, wanted, size] of rows) {
    const content = size < 0 ? new Uint8Array() : new Uint8Array(512).fill(0x41);
    const archive = join(header({ type, size: 512, link: "x" }), content, AFTER, END);
    const { entries, error } = await outcomeOf(streamOf(archive));
    const label = JSON.stringify(type);
    assert.equal(error, undefined, label);
    const facts = entries.map((entry) => [entry.path, entry.type, entry.typeFlag, entry.size]);
    assert.deepEqual(facts, [
      ["file", wanted, type, Math.max(size, 0)],
      ["after", "file", "0", 0],
    ], label);
  }
});

test("the directories of a dump by GNU tar are directories", async () => {
  const archive = await corpusBytes("made-by-gnu-tar/incremental-gnu.tar");
  let dumped = 0;
  for await (const { path, type, typeFlag, size } of readTar(streamOf(archive))) {
    assert.equal(type === "directory", path.endsWith("/"), path);
    if (typeFlag !== "D") continue;
    dumped++;
    assert.equal(size, 0, path);
  }
  assert.ok(dumped > 0);
});

test("owners of a pax header hold, each field for itself", async () => {
  const named = header({ uid: 5 }, (block) => {
    block.set(encode("header-user"), 265);
    block.set(encode("header-group"), 297);
    block.set(encode("0000006"), 116);
  });
  const rows: readonly (readonly [Record<string, string>, string])[] = [
    [{}, "5 6 header-user header-group"],
    [{ uid: "7" }, "7 6 header-user header-group"],
    [{ gid: "8" }, "5 8 header-user header-group"],
    [{ uname: "größe" }, "5 6 größe header-group"],
    [{ gname: "größe" }, "5 6 header-user größe"],
    [{ uid: "-1", gid: "9007199254740991" }, "-1 9007199254740991 header-user header-group"],
  ];
  for (const [records, wanted] of rows) {
    for (const type of "xgX") {
      const { uid, gid, userName, groupName } = await only(pax(records, type), named);
      assert.equal(`${uid} ${gid} ${userName} ${groupName}`, wanted, type);
    }
  }
});

test("records of an entry stand beside those of all, and take back what is empty", async () => {
  const globals = pax({ uid: "7", comment: "for all", "SCHILY.xattr.user.all": "1" }, "g");
  const rows: readonly (readonly [Record<string, string>, string])[] = [
    [{}, "7 uid,comment,SCHILY.xattr.user.all user.all"],
    [{ gid: "8" }, "7 uid,comment,SCHILY.xattr.user.all,gid user.all"],
    [{ uid: "9", comment: "" }, "9 uid,SCHILY.xattr.user.all user.all"],
    [
      { "SCHILY.xattr.user.own": "" },
      "7 uid,comment,SCHILY.xattr.user.all,SCHILY.xattr.user.own user.all,user.own",
    ],
  ];
  for (const [records, wanted] of rows) {
    const { uid, pax: merged, xattrs } = await only(globals, pax(records), FILE);
    assert.equal(`${uid} ${[...merged.keys()]} ${[...xattrs.keys()]}`, wanted);
  }
});

test("a file whose sparse version has one number of two is as it is stored", async () => {
  const map = { "GNU.sparse.map": "0,1", "GNU.sparse.numblocks": "1", "GNU.sparse.size": "9" };
  for (const [version, size] of [["none", 9], ["major", 1], ["minor", 1]] as const) {
    const records = version === "none" ? map : { ...map, [`GNU.sparse.${version}`]: "0" };
    const entry = await only(pax(records), member({}, encode("x")));
    assert.equal(entry.size, size, version);
  }
});

test("a NUL between pax records is refused, so that none is hidden behind it", async () => {
  const path = record("path", "hidden");
  const bodies: readonly Bytes[] = [
    join(record("uid", "1"), Uint8Array.of(0)),
    join(record("uid", "1"), Uint8Array.of(0), path),
    join(Uint8Array.of(0), path),
    new Uint8Array(512),
  ];
  for (const type of "xgX") {
    for (const [index, body] of bodies.entries()) {
      const { code } = await outcomeOf(streamOf(join(member({ type }, body), FILE, END)));
      assert.equal(code, "INVALID_TAR", `${type} ${index}`);
    }
  }
});

test("blank lines between pax records are passed over", async () => {
  const body = join(encode("\n"), record("uid", "7"), encode("\n\n"), record("path", "a"));
  for (const type of "xgX") {
    const { uid, path } = await only(member({ type }, body), FILE);
    assert.deepEqual([uid, path], [7, "a"], type);
  }
});

test("a pax record without `=` does not borrow that of the next", async () => {
  const body = join(encode("6 abc\n"), record("path", "a"));
  const { code } = await outcomeOf(streamOf(join(member({ type: "x" }, body), FILE, END)));
  assert.equal(code, "INVALID_TAR");
});

test("of equal keys in a pax header the last holds, in its place, and they end", async () => {
  const twice = join(record("uid", "1"), record("path", "a"), record("uid", "2"));
  const entry = await only(member({ type: "x" }, twice), FILE);
  assert.equal(entry.uid, 2);
  assert.deepEqual([...entry.pax.keys()], ["path", "uid"]);
  // As many records as a whole header can hold of the least kind.
  const least = encode("5 a=\n".repeat(40 * MAX_PAX_RECORDS));
  const { code } = await outcomeOf(streamOf(join(member({ type: "x" }, least), FILE, END)));
  assert.equal(code, "LIMIT_EXCEEDED");
});

test("the prefix of a star header ends before its times", async () => {
  const prefix = "p".repeat(131);
  const block = (mark: string) =>
    header({ prefix }, (bytes) => {
      bytes.set(encode("14000000000 14000000001"), 345 + 131);
      bytes.set(encode(mark), 508);
    });
  assert.equal((await only(block("tar\0"))).path, `${prefix}/file`);
  const ustar = (await only(block(""))).path;
  assert.equal(ustar, `${prefix}14000000000 14000000001/file`);
});

test("a byte order mark in a name is part of it", async () => {
  const name = "\ufefffile";
  const entry = await only(member({ name, type: "2", link: name }));
  assert.deepEqual([entry.path, entry.linkPath], [name, name]);
  const { userName } = await only(pax({ uname: name }), FILE);
  assert.equal(userName, name);
  // Other readers compare bytes: this is the name of nothing.
  const { path, pax: records } = await only(pax({ "\ufeffpath": "other" }), FILE);
  assert.equal(path, "file");
  assert.deepEqual([...records.keys()], ["\ufeffpath"]);
});

test("owners, keys and values are read alike, short or long, ASCII or not", async () => {
  for (const text of ["", "a", "a".repeat(64), "a".repeat(65), "é".repeat(32), "é".repeat(33)]) {
    const { userName, groupName, pax: records } = await only(
      pax({ uname: text || "x", gname: `${text}é`, [`k${text}`]: "v" }),
      FILE,
    );
    assert.deepEqual(
      [userName, groupName, ...records.keys()],
      [text || "x", `${text}é`, "uname", "gname", `k${text}`],
    );
  }
});

test("an owner is not taken for that of the entry before, which looks like it", async () => {
  const owners = ["root", "rooo", "toot", "root", "root2", "roo", "", "\xe4b", "\xe4b", "b\xe4"]
    .map((text) => Uint8Array.from(text, (letter) => letter.charCodeAt(0)));
  owners.push(
    encode("ä"),
    Uint8Array.of(0xe4),
    encode("aa"),
    encode("ab"),
    encode("äb"),
    encode("abc"),
  );
  const blocks = owners.map((owner) =>
    header({}, (block) => {
      block.set(owner, 265);
      block.set(join(encode("g"), owner), 297);
    })
  );
  const { entries, error } = await outcomeOf(streamOf(join(...blocks, END)));
  assert.equal(error, undefined);
  const wanted = owners.map((owner) => new TextDecoder().decode(owner));
  assert.deepEqual(entries.map(({ userName }) => userName), wanted);
  assert.deepEqual(entries.map(({ groupName }) => groupName), wanted.map((text) => `g${text}`));
});
