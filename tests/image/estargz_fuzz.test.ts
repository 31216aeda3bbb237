import { test } from "node:test";
import assert from "node:assert/strict";
import { digestBytes } from "../../lib/hash/mod.ts";
import { isLadingError } from "../../lib/model/errors.ts";
import type { TarInput } from "../../lib/tar/mod.ts";
import { entry } from "./images.ts";
import {
  estargzLayer,
  noise,
  observedImage,
  type RawEntry,
  type RawTable,
  type TableLayer,
  type TableLayerOptions,
  zstdChunkedLayer,
} from "./table_layers.ts";

const FILES: readonly TarInput[] = [
  ...["d/", "d/text=some text", "link->d/text", "hard=>d/text"].map(entry),
  { path: "first", body: noise(3000, 2) },
  { path: "many", body: noise(9000) },
];

/** A small generator, so that a failure can be repeated by its seed (mulberry32). */
function random(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = state + 0x6d2b79f5 | 0;
    let t = Math.imul(state ^ state >>> 15, 1 | state);
    t = t + Math.imul(t ^ t >>> 7, 61 | t) ^ t;
    return ((t ^ t >>> 14) >>> 0) % below;
  };
}

/** What a fuzzer puts in place of a value. */
function strange(next: (below: number) => number, known: readonly unknown[]): unknown {
  const values = [0, 1, -1, 0.5, 511, 2 ** 31, 2 ** 32, 2 ** 53 - 1, 2 ** 53, 1e308, "", "a", "d/"];
  const others = [
    null,
    true,
    [],
    {},
    "chunk",
    "reg",
    "zeros",
    "../x",
    "__proto__",
    "\ud800",
    undefined,
  ];
  const all = [...values, ...others, ...known];
  return all[next(all.length)];
}

function mutate(table: RawTable, next: (below: number) => number): void {
  for (let count = 1 + next(3); count > 0; count--) {
    const { entries } = table;
    const at = next(entries.length);
    const raw = entries[at];
    if (raw === undefined) return;
    const other: RawEntry = entries[next(entries.length)] ?? {};
    const keys = [
      ...Object.keys(raw),
      "offset",
      "chunkOffset",
      "chunkSize",
      "innerOffset",
      "endOffset",
    ];
    const key = keys[next(keys.length)] ?? "name";
    switch (next(6)) {
      case 0:
        entries.splice(at, 1);
        break;
      case 1:
        entries.splice(at, 0, { ...other });
        break;
      case 2:
        delete raw[key];
        break;
      case 3:
        raw[key] = Number(raw[key]) + next(3) - 1;
        break;
      default:
        raw[key] = strange(next, Object.values(other));
    }
  }
}

/** Reads every file that there is: each is one of those that were put in, or an error of lading. */
async function readEverything(layer: TableLayer, seed: number): Promise<boolean> {
  const bodies = new Set(
    [new TextEncoder().encode("some text"), noise(3000, 2), noise(9000), new Uint8Array(0)].map((
      body,
    ) => digestBytes("sha256", body)),
  );
  const { image, fetched } = await observedImage(layer);
  try {
    for await (const { path, type, size } of image.files({ tables: "proved" })) {
      if (type !== "file" || size > 1e5 || path === "stargz.index.json") continue;
      const body = await image.readFile(path).catch((error: unknown) => {
        assert.ok(isLadingError(error), `seed ${seed}, ${path}: ${error}`);
      });
      if (body === undefined) continue;
      const isKnown = bodies.has(digestBytes("sha256", body));
      assert.ok(isKnown || body.length < 9000, `seed ${seed}, ${path}: other bytes`);
    }
  } catch (error) {
    assert.ok(isLadingError(error), `seed ${seed}: ${error}`);
  }
  return !fetched.includes("whole");
}

for (
  const [name, make] of [["an eStargz", estargzLayer], [
    "a zstd:chunked",
    zstdChunkedLayer,
  ]] as const
) {
  test(`${name} table that was changed at random gives files of the layer or typed errors`, async () => {
    let used = 0;
    for (let seed = 1; seed <= 150; seed++) {
      const next = random(seed);
      const options: TableLayerOptions = {
        chunkBytes: 3000,
        change: (table) => mutate(table, next),
      };
      if (await readEverything(await make(FILES, options), seed)) used++;
    }
    assert.ok(used > 20, `${used} tables were used`);
  });

  test(`${name} layer with bytes that were changed at its end is no way to other bytes`, async () => {
    const layer = await make(FILES, { chunkBytes: 3000 });
    for (let seed = 1; seed <= 150; seed++) {
      const next = random(seed);
      const bytes = layer.bytes.slice();
      const tail = bytes.length - layer.tableOffset;
      const at = layer.tableOffset + next(tail);
      bytes[at] = (bytes[at] ?? 0) ^ (1 << next(8));
      const annotations = seed % 2 === 0 ? layer.annotations : {};
      const { image } = await observedImage({ ...layer, bytes, annotations });
      const body = await image.readFile("many", { tables: "any" }).catch((error: unknown) => {
        assert.ok(isLadingError(error), `seed ${seed}: ${error}`);
      });
      if (body !== undefined) {
        assert.equal(
          digestBytes("sha256", body),
          digestBytes("sha256", noise(9000)),
          `seed ${seed}`,
        );
      }
    }
  });
}
