import { createHash } from "node:crypto";
import {
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import assert from "node:assert/strict";
import type { Image } from "../../lib/image/mod.ts";
import { isLadingError } from "../../lib/model/errors.ts";
import { extractToDisk } from "../../lib/runtime/node_extract.ts";
import { corpusBytes, corpusList } from "../support/corpus.ts";
import { fileTree } from "../support/tree.ts";
import { breakoutImage, breakoutRows } from "../image/breakout_rows.ts";
import { entry, imageOf } from "../image/images.ts";

async function inScratch(work: (directory: string) => Promise<void>): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), "lading-extract-"));
  try {
    await work(directory);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** Makes 50 files that an archive must not reach, and gives a way to hash them. */
function canaries(directory: string): () => string {
  for (let i = 0; i < 50; i++) {
    const below = join(directory, ["", "etc", "victim", "victim/deep"][i % 4] ?? "");
    mkdirSync(below, { recursive: true });
    const name = ["passwd", "hello", "file", "localpasswd", "unbroken"][i] ?? `file-${i}`;
    writeFileSync(join(below, name), `canary ${i}`);
  }
  return () => {
    const lines = fileTree(directory, () => true).filter((line) => !/^(?:zzz\b| )/.test(line));
    return createHash("sha256").update(lines.join("\n")).digest("hex");
  };
}

async function staysInside(directory: string, image: Image, what: string): Promise<boolean> {
  mkdirSync(directory);
  const hash = canaries(directory);
  const before = hash();
  // The last name, so that what is in it does not number the files before it.
  const out = join(directory, "zzz");
  let isWritten = true;
  try {
    await extractToDisk(image, out);
  } catch (error) {
    assert.ok(isLadingError(error), `${what}: ${error}`);
    assert.equal(lstatSync(out, { throwIfNoEntry: false }), undefined, what);
    isWritten = false;
  }
  assert.equal(hash(), before, what);
  return isWritten;
}

test("extractToDisk() of every archive made to break out changes none of 50 files outside", async () => {
  await inScratch(async (scratch) => {
    // A relative target must not count from where the process runs.
    const sentinel = process.cwd();
    const here = readdirSync(sentinel).length;
    let [count, written] = [0, 0];
    const judge = async (image: Image, name: string) => {
      if (await staysInside(join(scratch, `case-${count++}`), image, name)) written++;
    };
    for (const row of await breakoutRows()) await judge(await breakoutImage(row), row.name);
    for (const name of await corpusList("safearchive")) {
      if (name.endsWith(".tar")) await judge(await imageOf(await bytesOf(name)), name);
    }
    assert.ok(count > 40, `only ${count} archives`);
    assert.ok(written > 15, `only ${written} were written`);
    assert.equal(readdirSync(sentinel).length, here);
  });
});

async function bytesOf(name: string): Promise<Uint8Array<ArrayBuffer>> {
  return new Uint8Array(await corpusBytes(name));
}

test("extractToDisk() writes files, links, modes and times", async () => {
  await inScratch(async (scratch) => {
    const image = await imageOf(
      [
        entry({ path: "d", type: "directory", mode: 0o750, mtime: 1_000_000 }),
        entry({ path: "d/a", body: new Uint8Array(70_000).fill(7), mode: 0o640, mtime: 1.5 }),
        entry({ path: "closed", type: "directory", mode: 0o500, mtime: 3 }),
        "closed/x=1",
        "a\\b:c=posix",
      ],
      ["d/h=>d/a", "s->../outside"],
    );
    const out = join(scratch, "deep", "out");
    const { files, links, bytes } = await extractToDisk(image, out);
    assert.deepEqual([files, links, bytes], [3, 2, 70_006]);
    const info = (name: string) => lstatSync(join(out, name));
    assert.equal(info("d").mode & 0o7777, 0o750);
    assert.equal(info("d").mtimeMs, 1_000_000_000);
    assert.equal(info("d/a").mtimeMs, 1500);
    assert.equal(info("d/a").ino, info("d/h").ino);
    assert.equal(info("closed").mode & 0o7777, 0o500);
    assert.equal(readlinkSync(join(out, "s")), "../outside");
    assert.equal(readFileSync(join(out, "a\\b:c"), "utf8"), "posix");
  });
});

test("extractToDisk() refuses a directory with something in it", async () => {
  await inScratch(async (scratch) => {
    writeFileSync(join(scratch, "mine"), "");
    await assert.rejects(extractToDisk(await imageOf(["a=1"]), scratch), {
      reason: "not-empty",
    });
    assert.deepEqual(readdirSync(scratch), ["mine"]);
  });
});
