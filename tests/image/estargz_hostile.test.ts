import { test } from "node:test";
import assert from "node:assert/strict";
import { digestBytes } from "../../lib/hash/mod.ts";
import {
  CorruptStreamError,
  DigestMismatchError,
  isLadingError,
  LimitExceededError,
  NotFoundError,
  SizeMismatchError,
  UnsafePathError,
} from "../../lib/model/errors.ts";
import type { TarInput } from "../../lib/tar/mod.ts";
import { entry } from "./images.ts";
import {
  estargzLayer,
  noise,
  observedImage,
  type RawEntry,
  type RawTable,
  type TableLayer,
} from "./table_layers.ts";

// Whoever makes an image writes its table as well, and the digest that proves it. A table that
// contradicts itself is not used, one that says other things than the layer has is found out.

const BODY = noise(30_000);
const FILES: readonly TarInput[] = [
  ...["d/", "d/text=some text", "link->d/text", "hard=>d/text"].map(entry),
  { path: "first", body: noise(5000, 2) },
  { path: "many", body: BODY },
];

function find({ entries }: RawTable, name: string, chunkOffset?: number): RawEntry {
  const found = entries.find((raw) => raw.name === name && raw.chunkOffset === chunkOffset);
  return found ?? assert.fail(`${name} is not in the table`);
}

async function layerWith(change: (table: RawTable) => void): Promise<TableLayer> {
  return await estargzLayer(FILES, { chunkBytes: 10_000, change });
}

/** Reads files, and tells whether the layer was read whole for that. */
async function isReadWhole(layer: TableLayer): Promise<boolean> {
  const { image, fetched } = await observedImage(layer);
  assert.equal(digestBytes("sha256", await image.readFile("many")), digestBytes("sha256", BODY));
  assert.equal(new TextDecoder().decode(await image.readFile("hard")), "some text");
  return fetched.includes("whole");
}

test("a table with another digest than the manifest says is not used", async () => {
  const layer = await layerWith(() => {});
  assert.equal(await isReadWhole(layer), false);
  for (const digest of [`sha256:${"0".repeat(64)}`, "sha256:short", "md5:00", ""]) {
    const annotations = { "containerd.io/snapshot/stargz/toc.digest": digest };
    assert.equal(await isReadWhole({ ...layer, annotations }), true, digest);
  }
});

test("a table that contradicts itself is not used, and the layer is read whole", async () => {
  const lies: Record<string, (table: RawTable) => void> = {
    "another version": (table) => table.version = 2,
    "no version": (table) => table.version = undefined,
    "no entries": (table) => Object.assign(table, { entries: {} }),
    "an entry that is none": (table) => table.entries.push(null as unknown as RawEntry),
    "an unknown type": (table) => find(table, "first").type = "file",
    "a type of Object.prototype": (table) => find(table, "first").type = "toString",
    "a name that is no text": (table) => find(table, "first").name = 5,
    "a name that was replaced": (table) => table.entries.push({ name: "a\ufffd", type: "dir" }),
    "no name": (table) => table.entries.push({ type: "dir" }),
    "a negative size": (table) => find(table, "first").size = -1,
    "half a byte": (table) => find(table, "first").size = 0.5,
    "a size that is text": (table) => find(table, "first").size = "5000",
    "a size above 2^53": (table) => find(table, "first").size = 2 ** 60,
    "a time that is none": (table) => find(table, "first").modtime = "yesterday",
    "attributes that are none": (table) => find(table, "first").xattrs = { a: "%" },
    "an offset behind the chunks": (table) => find(table, "first").offset = 1e6,
    "no digest": (table) => {
      const file = find(table, "many");
      file.chunkDigest = "";
    },
    "a digest that is none": (table) => find(table, "many").chunkDigest = "sha256:1",
    "a chunk of nothing known": (table) => table.entries.unshift({ name: "many", type: "chunk" }),
    "a chunk of a directory": (table) => table.entries.splice(1, 0, { name: "d/", type: "chunk" }),
    "a chunk of another file": (table) => find(table, "many", 10_000).name = "first",
    "a gap": (table) => find(table, "many", 10_000).chunkOffset = 11_000,
    "an overlap": (table) => find(table, "many", 10_000).chunkOffset = 9000,
    "chunks in no order": (table) => table.entries.push(...table.entries.splice(-2, 1)),
    "a chunk too few": (table) => void table.entries.pop(),
    "a chunk too many": (table) => table.entries.push({ ...find(table, "many", 20_000) }),
    "chunks that go back": (table) => {
      find(table, "many", 20_000).offset = find(table, "many").offset;
    },
    "the same chunk again and again": (table) => {
      const file = find(table, "many");
      find(table, "many", 10_000).offset = file.offset;
    },
    "a file larger than its chunks": (table) => find(table, "many").size = 40_000,
    "a chunk larger than the file": (table) => find(table, "many", 20_000).chunkSize = 2 ** 53 - 1,
    "a chunk far into a member": (table) => find(table, "first").innerOffset = 2 ** 40,
  };
  for (const [name, change] of Object.entries(lies)) {
    assert.equal(await isReadWhole(await layerWith(change)), true, name);
  }
});

test("a footer that lies is no way to the table", async () => {
  const good = await estargzLayer(FILES);
  for (const tableOffset of [0, 1, good.tableOffset - 1, good.bytes.length, 2 ** 52]) {
    const layer = await estargzLayer(FILES, { tableOffset });
    assert.equal(await isReadWhole(layer), true, `offset ${tableOffset}`);
  }
  const { annotations } = good;
  const plain = await estargzLayer(FILES);
  const cut = plain.bytes.slice(0, plain.tableOffset);
  const { image } = await observedImage({ ...plain, bytes: cut, annotations });
  // What is left is a part of an archive: the table was, the diffID is not.
  assert.ok(isLadingError(await image.readFile("many").catch((error: unknown) => error)));
});

test("a table that says what the layer does not have gives an error, never other bytes", async () => {
  const lies: Record<string, (table: RawTable) => void> = {
    "the digest of something else": (table) => {
      find(table, "many", 10_000).chunkDigest = find(table, "many").chunkDigest;
    },
    "the place of another file": (table) => {
      find(table, "many").offset = find(table, "first").offset;
    },
    "a place inside of a member": (table) => {
      find(table, "many").offset = Number(find(table, "many").offset) + 1;
    },
    "a file that starts later in its member": (table) => find(table, "many").innerOffset = 1,
    "a digest of an algorithm that nobody can check": (table) => {
      find(table, "many").chunkDigest = `sha384:${"0".repeat(96)}`;
    },
  };
  for (const [name, change] of Object.entries(lies)) {
    const { image, fetched } = await observedImage(await layerWith(change));
    const error = await image.readFile("many").catch((caught: unknown) => caught);
    assert.ok(isLadingError(error), name);
    assert.ok(!fetched.includes("whole"), name);
  }
});

test("the errors of a file that the table lies about say what is wrong", async () => {
  const wrongDigest = await layerWith((table) => {
    find(table, "many", 20_000).chunkDigest = `sha256:${"0".repeat(64)}`;
  });
  await assert.rejects(
    (await observedImage(wrongDigest)).image.readFile("many"),
    DigestMismatchError,
  );
  const short = await layerWith((table) => {
    const file = find(table, "first");
    file.size = 1e9;
  });
  await assert.rejects((await observedImage(short)).image.readFile("first"), SizeMismatchError);
  const inside = await layerWith((table) => {
    const file = find(table, "first");
    file.offset = Number(file.offset) + 3;
  });
  await assert.rejects((await observedImage(inside)).image.readFile("first"), CorruptStreamError);
  const longer = await layerWith((table) => {
    const file = find(table, "first");
    file.size = 5001;
  });
  await assert.rejects(
    (await observedImage(longer)).image.readFile("first"),
    DigestMismatchError,
  );
});

test("the bytes of a chunk that is wrong are not completed", async () => {
  const layer = await layerWith((table) => {
    find(table, "first").chunkDigest = `sha256:${"0".repeat(64)}`;
  });
  const reader = (await (await observedImage(layer)).image.openFile("first")).getReader();
  let total = 0;
  let error: unknown;
  try {
    for (let item = await reader.read(); !item.done; item = await reader.read()) {
      total += item.value.length;
    }
  } catch (caught) {
    error = caught;
  }
  assert.ok(error instanceof DigestMismatchError);
  assert.ok(total < 5000, `${total} bytes`);
});

test("names of a table lead nowhere that names of an archive do not", async () => {
  const rows = [
    [{ name: "../x", type: "dir" }, UnsafePathError],
    [{ name: "d/../../x", type: "reg" }, UnsafePathError],
    [{ name: "a\0b", type: "dir" }, UnsafePathError],
    [{ name: "x", type: "hardlink", linkName: "nowhere" }, UnsafePathError],
    [{ name: "x", type: "hardlink", linkName: "../d/text" }, undefined],
    [{ name: "first/x", type: "dir" }, UnsafePathError],
    [{ name: "y".repeat(5000), type: "dir" }, LimitExceededError],
  ] as const;
  for (const [raw, errorClass] of rows) {
    const layer = await layerWith(({ entries }) => void entries.push({ ...raw }));
    const { image } = await observedImage(layer);
    const read = image.readFile("many");
    if (errorClass === undefined) await read;
    else await assert.rejects(read, errorClass, JSON.stringify(raw).slice(0, 80));
  }
});

test("links of a table that lead in a circle lead to nothing", async () => {
  const layer = await layerWith(({ entries }) => {
    entries.push({ name: "a", type: "symlink", linkName: "b" });
    entries.push({ name: "b", type: "symlink", linkName: "a" });
    entries.push({ name: "up", type: "symlink", linkName: "../../../d/text" });
  });
  const { image } = await observedImage(layer);
  await assert.rejects(image.readFile("a"), NotFoundError);
  assert.equal(new TextDecoder().decode(await image.readFile("up")), "some text");
});

test("of a path that a table has twice the last one counts, as in the archive", async () => {
  const layer = await layerWith((table) => {
    table.entries.push({ ...find(table, "first"), name: "d/text" });
  });
  const { image } = await observedImage(layer);
  assert.deepEqual(await image.readFile("d/text"), noise(5000, 2));
});
