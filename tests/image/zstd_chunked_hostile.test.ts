import { test } from "node:test";
import assert from "node:assert/strict";
import { digestBytes } from "../../lib/hash/mod.ts";
import { isLadingError } from "../../lib/model/errors.ts";
import type { TarInput } from "../../lib/tar/mod.ts";
import {
  noise,
  observedImage,
  type RawEntry,
  type RawTable,
  type TableLayer,
  zstdChunkedLayer,
} from "./table_layers.ts";

const BODY = noise(30_000);
const FILES: readonly TarInput[] = [
  { path: "first", body: noise(5000, 2) },
  { path: "many", body: BODY },
];
const PREFIX = "io.github.containers.zstd-chunked";

function find({ entries }: RawTable, name: string, chunkOffset?: number): RawEntry {
  const found = entries.find((raw) => raw.name === name && raw.chunkOffset === chunkOffset);
  return found ?? assert.fail(`${name} is not in the table`);
}

async function layerWith(change: (table: RawTable) => void): Promise<TableLayer> {
  return await zstdChunkedLayer(FILES, { chunkBytes: 10_000, change });
}

async function isReadWhole(layer: TableLayer): Promise<boolean> {
  const { image, fetched } = await observedImage(layer);
  assert.equal(digestBytes("sha256", await image.readFile("many")), digestBytes("sha256", BODY));
  return fetched.includes("whole");
}

test("annotations that lie about a zstd:chunked table lead to none", async () => {
  const layer = await layerWith(() => {});
  assert.equal(await isReadWhole(layer), false);
  const checksum = layer.annotations[`${PREFIX}.manifest-checksum`] ?? "";
  const position = layer.annotations[`${PREFIX}.manifest-position`] ?? "";
  const [offset = 0, stored = 0, plain = 0] = position.split(":").map(Number);
  const rows: [string, string][] = [
    [position, `sha256:${"0".repeat(64)}`],
    [position, "none"],
    ["", checksum],
    ["1:2:3", checksum],
    [`${offset}:${stored}:${plain}:2`, checksum],
    [`${offset}:0:${plain}:1`, checksum],
    [`${offset + 1}:${stored}:${plain}:1`, checksum],
    [`${offset}:${stored}:${plain - 1}:1`, checksum],
    [`${offset}:${stored}:${2 ** 40}:1`, checksum],
    [`${offset}:${2 ** 40}:${plain}:1`, checksum],
    [`${layer.bytes.length}:${stored}:${plain}:1`, checksum],
    [`-1:${stored}:${plain}:1`, checksum],
    [`${"9".repeat(30)}:${stored}:${plain}:1`, checksum],
  ];
  for (const [place, digest] of rows) {
    const annotations = {
      [`${PREFIX}.manifest-position`]: place,
      [`${PREFIX}.manifest-checksum`]: digest,
    };
    assert.equal(await isReadWhole({ ...layer, annotations }), true, `${place} ${digest}`);
  }
});

test("a table that inflates to more than it says is not used", async () => {
  const layer = await zstdChunkedLayer(FILES);
  // A frame of 160 blocks of 128 KiB each, in 650 bytes.
  const blocks = Array.from({ length: 160 }, (_, index) => {
    const header = (131_072 << 3 | 2 | (index === 159 ? 1 : 0)) >>> 0;
    return [header & 255, header >> 8 & 255, header >> 16 & 255, 32];
  });
  const bomb = Uint8Array.from([0x28, 0xb5, 0x2f, 0xfd, 0, 0x38, ...blocks.flat()]);
  const bytes = new Uint8Array(layer.bytes.length + 8 + bomb.length);
  bytes.set(layer.bytes);
  new DataView(bytes.buffer).setUint32(layer.bytes.length, 0x184d2a50, true);
  new DataView(bytes.buffer).setUint32(layer.bytes.length + 4, bomb.length, true);
  bytes.set(bomb, layer.bytes.length + 8);
  const annotations = {
    [`${PREFIX}.manifest-position`]: `${layer.bytes.length + 8}:${bomb.length}:1000:1`,
    [`${PREFIX}.manifest-checksum`]: digestBytes("sha256", bomb),
  };
  assert.equal(await isReadWhole({ ...layer, bytes, annotations }), true);
});

test("chunks of a zstd:chunked table that contradict themselves are not used", async () => {
  const lies: Record<string, (table: RawTable) => void> = {
    "no end": (table) => delete find(table, "many").endOffset,
    "an end before the start": (table) => find(table, "many").endOffset = 1,
    "an end behind the table": (table) => find(table, "many").endOffset = 1e9,
    "chunks in no order": (table) => find(table, "many", 10_000).offset = 0,
    "zeros longer than the file": (table) => {
      Object.assign(find(table, "many", 20_000), { chunkType: "zeros", chunkSize: 2 ** 50 });
    },
    "zeros longer than what may be read": (table) => {
      Object.assign(find(table, "many", 20_000), { chunkType: "zeros", chunkSize: 2 ** 50 });
      table.entries = table.entries.filter(({ chunkOffset = 0 }) => Number(chunkOffset) <= 20_000);
      find(table, "many").size = 20_000 + 2 ** 50;
    },
  };
  for (const [name, change] of Object.entries(lies)) {
    assert.equal(await isReadWhole(await layerWith(change)), true, name);
  }
});

test("a zstd:chunked table that lies gives an error, never other bytes", async () => {
  const lies: Record<string, (table: RawTable) => void> = {
    "a wrong digest": (table) => find(table, "many").chunkDigest = find(table, "first").digest,
    "a place inside of a frame": (table) => {
      find(table, "many").offset = Number(find(table, "many").offset) + 1;
    },
    "an end inside of a frame": (table) => {
      const last = find(table, "many");
      last.endOffset = Number(last.endOffset) - 20;
    },
    "a longer file": (table) => {
      find(table, "many").size = 30_001;
      delete find(table, "many", 20_000).chunkSize;
    },
  };
  for (const [name, change] of Object.entries(lies)) {
    const { image, fetched } = await observedImage(await layerWith(change));
    const error = await image.readFile("many").catch((caught: unknown) => caught);
    assert.ok(isLadingError(error), name);
    assert.ok(!fetched.includes("whole"), name);
  }
});
