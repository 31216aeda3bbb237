// Go's tables of sparse maps, piece by piece: what a map says, whatever the size of its file.
import { test } from "node:test";
import assert from "node:assert/strict";
import type { Bytes } from "../../lib/model/bytes.ts";
import { decodeHex } from "../../lib/model/hex.ts";
import { isLadingError } from "../../lib/model/errors.ts";
import { parsePax } from "../../lib/tar/pax.ts";
import type { SparseEntry } from "../../lib/tar/sparse.ts";
import { oldSparseMap, paxSparseMap, type SparseMapReader } from "../../lib/tar/_sparse_map.ts";
import { corpusJSON } from "../support/corpus.ts";
import { base256, BLOCK, encode, join, record } from "./blocks.ts";

/** A text, or bytes that are none. */
type Raw = string | { readonly hex: string };

interface Row {
  readonly wantErr: unknown;
  readonly wantMap: readonly { readonly Offset: number; readonly Length: number }[] | null;
  readonly wantSize: number;
}

interface SparseTable {
  readonly oldGNU: readonly (Row & { readonly input: Raw })[];
  readonly pax: readonly (Row & {
    readonly inputHdrs: Readonly<Record<string, Raw>> | null;
    readonly inputData: Raw;
  })[];
}

const table = () => corpusJSON<SparseTable>("tables/tar-sparse-maps.json");

// A size that holds every map of the tables: most of Go's rows have none, and judge the map alone.
const ROOMY = 2 ** 40;

const raw = (value: Raw): Bytes => typeof value === "string" ? encode(value) : decodeHex(value.hex);

const storedBytes = ({ wantMap }: Row): number =>
  (wantMap ?? []).reduce((sum, { Length }) => sum + Length, 0);

/** The pieces of a row that hold bytes. */
const wantedMap = ({ wantMap }: Row): SparseEntry[] =>
  (wantMap ?? [])
    .map(({ Offset, Length }) => ({ offset: Offset, length: Length }))
    .filter(({ length }) => length > 0);

/** Pushes blocks as long as the map asks for them. */
function finish(map: SparseMapReader, blocks: Bytes, storedSize: number): SparseEntry[] {
  for (let at = 0; map.next !== undefined; at += BLOCK) map.push(blocks.slice(at, at + BLOCK));
  return map.finish(storedSize);
}

function assertRow(read: () => SparseEntry[] | undefined, row: Row, label: string): void {
  if (row.wantErr === null) return assert.deepEqual(read(), wantedMap(row), label);
  assert.throws(read, (error) => isLadingError(error) && error.code === "INVALID_TAR", label);
}

test("old GNU sparse maps have the pieces that Go finds", async () => {
  const { oldGNU } = await table();
  assert.equal(oldGNU.length, 12);
  for (const [index, row] of oldGNU.entries()) {
    const bytes = raw(row.input);
    const header = bytes.slice(0, BLOCK);
    const label = `row ${index}`;
    const read = (block: Bytes) =>
      finish(oldSparseMap(block, 0), bytes.slice(BLOCK), storedBytes(row));
    if (row.wantErr !== null) {
      // The reader itself refuses headers without the mark of GNU; tables.test.ts holds it to that.
      const isGnu = new TextDecoder().decode(header.subarray(257, 263)) === "ustar ";
      if (isGnu) assertRow(() => read(header), row, label);
      else assert.equal(index, 0, label);
      continue;
    }
    assert.equal(oldSparseMap(header, 0).realSize, row.wantSize, label);
    const roomy = header.slice();
    roomy.set(base256(BigInt(ROOMY)), 483);
    assertRow(() => read(roomy), row, label);
  }
});

test("pax sparse maps have the pieces that Go finds", async () => {
  const { pax } = await table();
  assert.equal(pax.length, 26);
  for (const [index, row] of pax.entries()) {
    const label = `row ${index}: ${JSON.stringify(row.inputHdrs)}`;
    const headers = Object.entries(row.inputHdrs ?? {});
    const records = parsePax(join(...headers.map(([key, value]) => record(key, raw(value)))), 0);
    if (row.wantErr === null) {
      const map = paxSparseMap(records, storedBytes(row), 0);
      assert.equal(map !== undefined, row.wantMap !== null, label);
      const isSaid = records.has("GNU.sparse.size") || records.has("GNU.sparse.realsize");
      if (isSaid) assert.equal(map?.realSize, row.wantSize, label);
      if (map === undefined) continue;
    }
    records.delete("GNU.sparse.realsize");
    records.set("GNU.sparse.size", encode(String(ROOMY)));
    const read = () => {
      const map = paxSparseMap(records, storedBytes(row), 0);
      return map && finish(map, raw(row.inputData), storedBytes(row));
    };
    assertRow(read, row, label);
  }
});
