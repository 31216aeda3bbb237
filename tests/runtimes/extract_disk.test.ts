import { createHash } from "node:crypto";
import * as fs from "node:fs";
import {
  existsSync,
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
import { extract, type Image, openLayer } from "../../lib/image/mod.ts";
import { isLadingError } from "../../lib/model/errors.ts";
import { extractToDisk } from "../../lib/runtime/node_extract.ts";
import { ImmediateDisk } from "../../lib/runtime/_immediate_disk.ts";
import { nodeFileSystem } from "../../lib/runtime/node_file_system.ts";
import { corpusBytes, corpusList } from "../support/corpus.ts";
import { checkFileSystem } from "../store/file_system_rules.ts";
import { fileTree } from "../support/tree.ts";
import { breakoutImage, breakoutRows } from "../image/breakout_rows.ts";
import { fullDisk } from "../image/full_disk.ts";
import { entry, imageOf, type Short } from "../image/images.ts";
import { noise } from "../image/table_layers.ts";
import { encode, END, join as joined, member, padded, pax } from "../tar/blocks.ts";

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

for (const [rule, check] of checkFileSystem) {
  test(`the disk that extractToDisk() writes to ${rule}`, async () => {
    await inScratch((scratch) => check(new ImmediateDisk(fs), join(scratch, "files")));
  });
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

test("times before 1970 are written as they are, to the second, and those too far off as near as can be", async () => {
  await inScratch(async (scratch) => {
    const image = await imageOf(
      [-1, -1.5, -(2 ** 30), -(2 ** 62), 2 ** 62].flatMap((mtime, index) => [
        entry({ path: `d${index}`, type: "directory", mtime }),
        entry({ path: `d${index}/f`, body: new Uint8Array(1), mtime }),
        entry({ path: `d${index}/l`, type: "symlink", linkPath: "f", mtime }),
      ]),
    );
    const ways = [
      async (out: string) => void await extractToDisk(image, out),
      async (out: string) => void await extract(image, nodeFileSystem(), out),
    ];
    for (const [number, way] of ways.entries()) {
      const out = join(scratch, `out${number}`);
      await way(out);
      for (const [index, seconds] of [-1, -2, -(2 ** 30)].entries()) {
        for (const name of [`d${index}`, `d${index}/f`, `d${index}/l`]) {
          assert.equal(lstatSync(join(out, name)).mtimeMs, seconds * 1000, `${number} ${name}`);
        }
      }
      assert.ok(lstatSync(join(out, "d3/f")).mtimeMs < -(2 ** 30) * 1000);
      assert.ok(lstatSync(join(out, "d4/f")).mtimeMs > 2 ** 32 * 1000);
    }
  });
});

test("extract() to nodeFileSystem() and extractToDisk() write the same, owners included", async () => {
  await inScratch(async (scratch) => {
    // Who is not root can give files to nobody but himself.
    const [uid, gid] = process.getuid?.() === 0
      ? [12, 34]
      : [process.getuid?.(), process.getgid?.()];
    const owner = { uid: uid ?? 0, gid: gid ?? 0 };
    const image = await imageOf([
      entry({ path: "d", type: "directory", mode: 0o2750, mtime: 5, ...owner }),
      entry({ path: "d/su", body: Uint8Array.of(1), mode: 0o4755, mtime: 1.25, ...owner }),
      entry({ path: "d/l", type: "symlink", linkPath: "su", mtime: 7, ...owner }),
      entry({ path: "d/empty", mode: 0o600, mtime: 9, ...owner }),
    ]);
    const [one, other] = [join(scratch, "one"), join(scratch, "other")];
    await extractToDisk(image, one, { owners: true });
    await extract(image, nodeFileSystem(), other, { owners: true });
    for (const out of [one, other]) {
      const told = ["d", "d/su", "d/l", "d/empty"].map((name) => {
        const { mode, uid, gid, mtimeMs } = lstatSync(join(out, name));
        assert.deepEqual({ uid, gid }, owner, name);
        return `${name} ${name === "d/l" ? "" : (mode & 0o7777).toString(8)} ${mtimeMs}`;
      });
      assert.deepEqual(told, ["d 2750 5000", "d/su 4755 1250", "d/l  7000", "d/empty 600 9000"]);
    }
  });
});

test("extractToDisk() of thousands of small files ends with its signal, and leaves nothing", async () => {
  await inScratch(async (scratch) => {
    const entries = Array.from({ length: 20_000 }, (_, i): Short => `${i}=`);
    const [image, out] = [await imageOf(entries), join(scratch, "out")];
    const controller = new AbortController();
    const reason = new Error("enough");
    const watch = setInterval(() => {
      if (existsSync(join(out, "0"))) controller.abort(reason);
    }, 1);
    try {
      const run = extractToDisk(image, out, { signal: controller.signal });
      await assert.rejects(run, (error) => error === reason);
    } finally {
      clearInterval(watch);
    }
    assert.equal(existsSync(out), false);
  });
});

test("extract() to a disk that is full, or of a layer with another digest, leaves nothing", async () => {
  await inScratch(async (scratch) => {
    const layer = [entry({ path: "a", body: new Uint8Array(300_000).fill(7) }), "d/b=2"];
    const image = await imageOf(layer);
    const disk = nodeFileSystem();
    const wrong = openLayer(
      await image.content(),
      (await image.manifest()).layers[0] ?? assert.fail(),
      `sha256:${"0".repeat(64)}`,
    );
    const [empty, filled] = [join(scratch, "empty"), join(scratch, "filled")];
    mkdirSync(empty);
    mkdirSync(filled);
    writeFileSync(join(filled, "a"), "mine");
    for (const out of [join(scratch, "new"), empty, filled]) {
      const options = { existing: out === filled ? "replace" : "refuse" } as const;
      await assert.rejects(extract(image, fullDisk(disk, 200_000), out, options), {
        code: "ENOSPC",
      });
      await assert.rejects(extractToDisk(wrong, out, options), { code: "DIGEST_MISMATCH" });
      await assert.rejects(extract(wrong, disk, out, options), { code: "DIGEST_MISMATCH" });
    }
    assert.deepEqual(readdirSync(scratch).sort(), ["empty", "filled"]);
    assert.deepEqual(readdirSync(empty), []);
    assert.deepEqual(readdirSync(filled), ["a"]);
    assert.equal(readFileSync(join(filled, "a"), "utf8"), "mine");
  });
});

test("holes of sparse files are extracted as holes, which take no place on the disk", async () => {
  const holeBytes = 64 << 20;
  const data = noise(4096, 7);
  const records = { major: "1", minor: "0", name: "disk.img", realsize: `${holeBytes + 4096}` };
  const keys = Object.entries(records).map(([key, value]) => [`GNU.sparse.${key}`, value]);
  const map = padded(encode(`2\n${holeBytes / 2}\n4096\n${holeBytes + 4096}\n0\n`));
  const image = await imageOf(joined(
    pax(Object.fromEntries(keys)),
    member({ name: "GNUSparseFile/disk.img" }, joined(map, data)),
    END,
  ));
  const expected = createHash("sha256");
  for (const part of [new Uint8Array(holeBytes / 2), data, new Uint8Array(holeBytes / 2)]) {
    expected.update(part);
  }
  const digest = expected.digest("hex");
  await inScratch(async (directory) => {
    await extractToDisk(image, join(directory, "now"));
    await extract(image, nodeFileSystem(), join(directory, "later"));
    for (const name of ["now/disk.img", "later/disk.img"]) {
      const path = join(directory, name);
      const { size, blocks } = lstatSync(path);
      assert.equal(size, holeBytes + 4096, name);
      assert.ok(blocks * 512 <= 1 << 20, `${name} takes ${blocks} blocks`);
      assert.equal(createHash("sha256").update(readFileSync(path)).digest("hex"), digest, name);
    }
  });
});

test("extractToDisk() over what is there replaces files and links, of many names too", async () => {
  await inScratch(async (scratch) => {
    const out = join(scratch, "out");
    await extractToDisk(await imageOf(["d/", "d/a=old", "l->d", "keep=1"]), out);
    const image = await imageOf(["d/a=new", "l=file", "h=>l"], ["d/a=newer"]);
    await extractToDisk(image, out, { existing: "replace" });
    const told = ["d/a", "l", "h", "keep"].map((name) => readFileSync(join(out, name), "utf8"));
    assert.deepEqual(told, ["newer", "file", "file", "1"]);
    assert.deepEqual(readdirSync(out).sort(), ["d", "h", "keep", "l"]);
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
