import assert from "node:assert/strict";
import { test } from "node:test";
import { extract, type Image } from "../../lib/image/mod.ts";
import { isLadingError } from "../../lib/model/errors.ts";
import { type FileSystem, memoryFileSystem } from "../../lib/store/mod.ts";
import { corpusBytes, corpusList } from "../support/corpus.ts";
import { breakoutImage, breakoutRows } from "./breakout_rows.ts";
import { asDisk } from "./as_disk.ts";
import { entry, imageOf, type Short } from "./images.ts";
import { readBack } from "./read_back.ts";

/** A file system with 50 files outside of where archives are unpacked to. */
async function withCanaries(): Promise<{ fs: FileSystem; canaries: () => Promise<string[]> }> {
  const fs = memoryFileSystem({ now: () => 0 });
  for (const directory of ["/etc", "/victim", "/work"]) await fs.makeDirectory(directory);
  for (let i = 0; i < 50; i++) {
    const name = ["passwd", "hello", "file", "localpasswd", "unbroken"][i] ?? `file-${i}`;
    const directory = ["/etc", "/victim", "/work", ""][i % 4];
    const writer = await fs.create(`${directory}/${name}`, { mode: 0o600 });
    await writer.write(new TextEncoder().encode(`canary ${i}`));
    await writer.close();
  }
  return {
    fs,
    async canaries() {
      const names = (await fs.readDirectory("/")).map(({ name }) => name).filter((name) =>
        name !== "work"
      );
      const files = (await readBack(fs, "")).filter((line) => !line.startsWith("work/out"));
      return [...names, ...files.map((line) => line.replace(/ #\d+$/, ""))];
    },
  };
}

async function staysInside(image: Image, what: string): Promise<boolean> {
  const { fs, canaries } = await withCanaries();
  const before = await canaries();
  let isWritten = true;
  try {
    await extract(image, fs, "/work/out", { owners: true, system: "posix" });
  } catch (error) {
    assert.ok(isLadingError(error), `${what}: ${error}`);
    isWritten = false;
    assert.equal(await fs.stat("/work/out"), undefined, `${what} left something`);
  }
  assert.deepEqual(await canaries(), before, what);
  return isWritten;
}

test("extract() of every archive of the breakout table changes nothing outside", async () => {
  let written = 0;
  const rows = await breakoutRows();
  for (const row of rows) if (await staysInside(await breakoutImage(row), row.name)) written++;
  assert.equal(rows.length, 34);
  assert.ok(written > 15, `only ${written} were written`);
});

test("extract() of every archive of safearchive changes nothing outside", async () => {
  let count = 0;
  for (const name of await corpusList("safearchive")) {
    if (!name.endsWith(".tar")) continue;
    count++;
    const bytes = new Uint8Array(await corpusBytes(name));
    await staysInside(await imageOf(bytes), name);
  }
  assert.ok(count > 5, `only ${count} archives`);
});

test("extract() refuses what would lead out, before anything is written", async () => {
  const cases: readonly (readonly Short[])[] = [
    ["../x=1"],
    ["a/../../x=1"],
    ["a\0b=1"],
    ["a\\..\\..\\x=1"],
    ["C:x=1"],
    ["\\\\?\\x=1"],
    ["a->/etc", entry({ path: "a/../passwd" })],
    ["h=>../etc/passwd"],
    ["h=>/etc/passwd"],
  ];
  for (const [i, layer] of cases.entries()) {
    const { fs, canaries } = await withCanaries();
    const before = await canaries();
    const run = async () => await extract(await imageOf(layer), fs, "/work/out");
    await assert.rejects(
      run,
      (error) => isLadingError(error) || error instanceof RangeError,
      `${i}`,
    );
    assert.equal(await fs.stat("/work/out"), undefined);
    assert.deepEqual(await canaries(), before);
  }
});

test("extract() follows a link of the archive inside of the root alone", async () => {
  const { fs, canaries } = await withCanaries();
  const before = await canaries();
  const image = await imageOf(["etc/", "l->/etc", "up->../../../etc"], [
    "l/passwd=x",
    "up/hello=y",
  ]);
  await extract(image, fs, "/work/out");
  assert.deepEqual(await canaries(), before);
  const names = (await readBack(fs, "/work/out")).map((line) => line.split(" ")[0]);
  assert.deepEqual(names, ["etc/", "etc/hello", "etc/passwd", "l", "up"]);
});

test("extract() refuses a path that a link makes longer than any file system takes", async () => {
  const directories = (count: number) => Array(count).fill("d".repeat(100)).join("/");
  for (const [count, isWritten] of [[10, true], [11, false]] as const) {
    const fs = memoryFileSystem();
    const far = directories(30);
    const image = await imageOf([`${far}/`, `l->${far}`, `l/${directories(count)}/file=1`]);
    if (isWritten) {
      await extract(image, fs, "/out");
      const [{ name } = {}] = await fs.readDirectory(`/out/${far}/${directories(count)}`);
      assert.equal(name, "file");
      continue;
    }
    await assert.rejects(extract(image, fs, "/out"), {
      code: "LIMIT_EXCEEDED",
      message: /it is longer than 4096 bytes/,
    });
    assert.equal(await fs.stat("/out"), undefined);
  }
});

test("extract() refuses names that are no text rather than changing them", async () => {
  const bytes = Uint8Array.of(0x61, 0xff);
  const named = await imageOf([entry({ path: "a", pathBytes: bytes })]);
  const linked = await imageOf([
    entry({ path: "l", type: "symlink", linkPath: "a", linkPathBytes: bytes }),
  ]);
  for (const image of [named, linked]) {
    const fs = memoryFileSystem();
    await assert.rejects(extract(image, fs, "/out"), { code: "UNSAFE_PATH" });
    assert.equal(await fs.stat("/out"), undefined);
  }
});

test("extract() on a file system that takes two names for one refuses the second", async () => {
  const fs = memoryFileSystem();
  const fold = (path: string) => path.normalize("NFKD").toLowerCase().replaceAll("ß", "ss");
  const folding: FileSystem = new Proxy(asDisk(fs), {
    get(target, name) {
      const value: unknown = Reflect.get(target, name);
      if (typeof value !== "function") return value;
      // The last argument that is a path is the one that a name is looked up by.
      return (...args: unknown[]) =>
        value.apply(
          target,
          args.map((arg, i) =>
            typeof arg === "string" && !(name === "symlink" && i === 0) ? fold(arg) : arg
          ),
        );
    },
  });
  await fs.makeDirectory("/outside");
  const cases: readonly (readonly Short[])[] = [
    ["tmp=1", "Tmp=2"],
    ["ß=1", "ss=2"],
    ["\u212a=1", "k=2"],
    ["\u00e9=1", "e\u0301=2"],
    ["A->/outside", "a/", "a/x=1"],
    ["d/x=1", "D->/outside"],
  ];
  for (const [i, layer] of cases.entries()) {
    const image = await imageOf(layer);
    await assert.rejects(extract(image, folding, `/out-${i}`), { reason: "exists" }, `case ${i}`);
    assert.equal(await fs.stat(`/out-${i}`), undefined);
  }
  assert.deepEqual(await fs.readDirectory("/outside"), []);
});
