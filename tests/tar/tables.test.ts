// The tables of Go's archive/tar: numbers, times, records, names, formats and sparse maps.
import { test } from "node:test";
import assert from "node:assert/strict";
import { readAll, streamOf } from "../../lib/bytes/mod.ts";
import { decodeHex } from "../../lib/model/hex.ts";
import type { Bytes, ByteStream } from "../../lib/model/bytes.ts";
import { numericField } from "../../lib/tar/header.ts";
import { readTar, type TarInput, type TarInputType, writeTar } from "../../lib/tar/mod.ts";
import {
  formatPaxRecord,
  formatPaxTime,
  parsePax,
  parsePaxRecord,
  paxTime,
} from "../../lib/tar/pax.ts";
import { checkSparseMap } from "../../lib/tar/sparse.ts";
import { splitName } from "../../lib/tar/_ustar_name.ts";
import { corpusJSON } from "../support/corpus.ts";

/** A text, or bytes that are none. */
type Raw = string | { readonly hex: string };
/** A number; beyond 2^53 - 1 it is written as a text. */
type Integer = number | string;
type Time = { readonly sec: Integer; readonly nsec: number };

interface NumericTable {
  readonly parseNumeric: readonly { in: Raw; ok: boolean; want: Integer }[];
  readonly formatNumeric: readonly { in: Integer; ok: boolean; want: Raw }[];
  readonly fitsInOctal: readonly { input: Integer; ok: boolean; width: number }[];
  readonly fitsInBase256: readonly { in: Integer; ok: boolean; width: number }[];
  readonly parsePaxTime: readonly { in: string; ok: boolean; want: Time | null }[];
  readonly formatPaxTime: readonly { sec: Integer; nsec: number; want: string }[];
  readonly parsePaxRecord: readonly {
    in: Raw;
    ok: boolean;
    wantKey: Raw;
    wantVal: Raw;
    wantRes: Raw;
  }[];
  readonly formatPaxRecord: readonly { inKey: Raw; inVal: Raw; ok: boolean; want: Raw }[];
}

const numeric = () => corpusJSON<NumericTable>("tables/tar-numeric.json");

function raw(value: Raw): Bytes {
  return typeof value === "string" ? new TextEncoder().encode(value) : decodeHex(value.hex);
}

function text(value: Raw): string {
  return new TextDecoder().decode(raw(value));
}

function fail(what: string): never {
  throw new TypeError(what);
}

const isSafe = (value: Integer) => Number.isSafeInteger(Number(value));
const codeOf = (work: () => unknown): unknown => {
  try {
    work();
    return undefined;
  } catch (error) {
    return (error as { readonly code?: unknown }).code;
  }
};

test("numeric fields are read as Go does, up to 2^53 - 1", async () => {
  for (const row of (await numeric()).parseNumeric) {
    const field = raw(row.in);
    const label = JSON.stringify(row);
    const read = () => numericField(field, 0, field.length, "a number", 0);
    if (row.ok && isSafe(row.want)) assert.equal(read(), Number(row.want), label);
    else assert.equal(codeOf(read), "INVALID_TAR", label);
  }
});

test("numeric fields that Go writes are read back, and refused beyond 2^53 - 1", async () => {
  for (const row of (await numeric()).formatNumeric) {
    const field = raw(row.want);
    const label = JSON.stringify(row);
    const read = () => numericField(field, 0, field.length, "x", 0);
    // Go fills a field with zeros where the number does not fit.
    if (!row.ok) assert.equal(read(), 0, label);
    else if (isSafe(row.in)) assert.equal(read(), Number(row.in), label);
    else assert.equal(codeOf(read), "INVALID_TAR", label);
  }
});

test("base 256 is read in every width that holds the number", async () => {
  for (const row of (await numeric()).fitsInBase256) {
    if (!row.ok) continue;
    const field = new Uint8Array(row.width);
    let rest = BigInt(row.in);
    for (let i = row.width - 1; i >= 0; i--, rest >>= 8n) field[i] = Number(rest & 0xffn);
    field[0] = (field[0] ?? 0) | 0x80;
    const label = JSON.stringify(row);
    const read = () => numericField(field, 0, row.width, "x", 0);
    if (isSafe(row.in)) assert.equal(read(), Number(row.in), label);
    else assert.equal(codeOf(read), "INVALID_TAR", label);
  }
});

/** The pax records that an entry is written with. */
async function recordsOf(input: TarInput): Promise<Record<string, string>> {
  // Contents of gigabytes are not read.
  for await (const { pax } of readTar(writeTar([input]))) {
    const decode = (value: Bytes) => new TextDecoder().decode(value);
    return Object.fromEntries([...pax].map(([key, value]) => [key, decode(value)]));
  }
  return fail("there is no entry");
}

test("the writer takes octal digits where they fit, and a pax record where they do not", async () => {
  let rows = 0;
  for (const row of (await numeric()).fitsInOctal) {
    // Of the fields of ustar, numbers have 8 and times 12 bytes.
    if (!isSafe(row.input) || row.width !== 8 && row.width !== 12) continue;
    const value = Number(row.input);
    const key = row.width === 8 ? "uid" : "mtime";
    const records = await recordsOf({ path: "a", [key]: value });
    assert.deepEqual(records, row.ok ? {} : { [key]: String(value) }, JSON.stringify(row));
    rows++;
  }
  assert.equal(rows, 10, "rows of the widths of ustar");
});

/** The one number of the tables that JSON cannot carry is the last that Go has. */
function nanoseconds({ sec, nsec }: Time): bigint {
  const seconds = isSafe(sec) ? BigInt(sec) : 2n ** 63n - 1n;
  return seconds * 1_000_000_000n + BigInt(nsec);
}

test("pax times are read as Go does", async () => {
  for (const row of (await numeric()).parsePaxTime) {
    const read = () => paxTime(raw(row.in), "mtime", 0);
    const label = JSON.stringify(row);
    if (row.ok && row.want !== null) assert.equal(read(), nanoseconds(row.want), label);
    else assert.equal(codeOf(read), "INVALID_TAR", label);
  }
});

test("pax times are written as Go does", async () => {
  for (const row of (await numeric()).formatPaxTime) {
    assert.equal(formatPaxTime(nanoseconds(row)), row.want, JSON.stringify(row));
  }
});

test("pax records are read as Go does", async () => {
  for (const row of (await numeric()).parsePaxRecord) {
    const label = JSON.stringify(row);
    const body = raw(row.in);
    if (!row.ok) {
      assert.throws(() => parsePaxRecord(body, 0, fail), TypeError, label);
      continue;
    }
    const { key, value, end } = parsePaxRecord(body, 0, fail);
    assert.equal(key, text(row.wantKey), label);
    assert.deepEqual(value, raw(row.wantVal), label);
    assert.deepEqual(body.slice(end), raw(row.wantRes), label);
  }
});

test("pax records are written as Go does", async () => {
  for (const row of (await numeric()).formatPaxRecord) {
    const record = formatPaxRecord(text(row.inKey), raw(row.inVal));
    assert.deepEqual(record, row.ok ? raw(row.want) : undefined, JSON.stringify(row));
  }
});

interface GoHeader {
  readonly Name: Raw;
  readonly Linkname: Raw;
  readonly Uname: string;
  readonly Gname: string;
  readonly Typeflag: number;
  readonly Size: Integer;
  readonly Mode: Integer;
  readonly Uid: Integer;
  readonly Gid: Integer;
  readonly Devmajor: Integer;
  readonly Format: number;
  readonly ModTime: Time | null;
  readonly AccessTime: Time | null;
  readonly ChangeTime: Time | null;
  readonly Xattrs: Readonly<Record<string, Raw>> | null;
}

interface FormatTable {
  readonly splitUstarPath: readonly {
    input: string;
    ok: boolean;
    prefix: string;
    suffix: string;
  }[];
  readonly allowedFormats: readonly {
    formats: number;
    header: GoHeader;
    paxHdrs: Readonly<Record<string, Raw>> | null;
  }[];
  readonly sparseEntries: readonly {
    in: readonly { Offset: Integer; Length: Integer }[];
    size: Integer;
    wantValid: boolean;
    wantInverted: readonly { Offset: number; Length: number }[];
  }[];
  readonly parsePax: readonly {
    in: string;
    ok: boolean;
    want: Readonly<Record<string, string>> | null;
  }[];
  readonly mergePax: readonly {
    in: Readonly<Record<string, string>>;
    ok: boolean;
    want: GoHeader | null;
  }[];
}

const format = () => corpusJSON<FormatTable>("tables/tar-format.json");

test("long names are split where ustar can take them, as Go does", async () => {
  for (const { input, ok, prefix, suffix } of (await format()).splitUstarPath) {
    const path = new TextEncoder().encode(input);
    const isPlain = path.every((byte) => byte < 0x80) && path.length > 100;
    // Go says "no" to names that need no splitting, and to those that are no ASCII.
    if (!isPlain) {
      assert.equal(ok, false, input);
      continue;
    }
    const split = splitName(path);
    const decode = (bytes: Uint8Array | undefined) => bytes && new TextDecoder().decode(bytes);
    const wanted = ok ? [prefix, suffix] : [undefined, undefined];
    assert.deepEqual([decode(split?.prefix), decode(split?.name)], wanted, input);
  }
});

const PAX = 4;
const USTAR = 2;

/** Why a row has no counterpart here; most have. */
function whyNone(header: GoHeader): string | undefined {
  const { Format, Mode, AccessTime, ChangeTime } = header;
  if (Format !== 0 && Format !== PAX) return "formats other than pax on request";
  if (AccessTime !== null || ChangeTime !== null) return "times of access and of change";
  if (Number(Mode) > 0o7777) return "modes beyond the permission bits";
  return undefined;
}

function typeOf({ Typeflag, Linkname, Devmajor }: GoHeader): TarInputType {
  if (Number(Devmajor) !== 0) return "character-device";
  if (text(Linkname) !== "" || Typeflag === 50) return "symlink";
  return Typeflag === 53 ? "directory" : "file";
}

/** Zeros without an end: content of which only the size counts. */
function zeros(): ByteStream {
  return new ReadableStream<Bytes>({
    pull: (controller) => controller.enqueue(new Uint8Array(512)),
  }, { highWaterMark: 0 });
}

function inputOf(header: GoHeader): TarInput {
  const { Name, Linkname, Size, Devmajor, Uid, Gid, Uname, Gname, ModTime } = header;
  const type = typeOf(header);
  return {
    path: text(Name) || "a",
    type,
    ...(type === "symlink" ? { linkPath: text(Linkname) || "target" } : {}),
    ...(Number(Size) === 0 ? {} : { size: Number(Size), body: zeros() }),
    deviceMajor: Number(Devmajor),
    uid: Number(Uid),
    gid: Number(Gid),
    userName: Uname,
    groupName: Gname,
    ...(ModTime === null ? {} : { mtimeNs: nanoseconds(ModTime) }),
    xattrs: new Map(Object.entries(header.Xattrs ?? {}).map(([key, value]) => [key, raw(value)])),
  };
}

test("headers are written as ustar where that can carry them, and with Go's pax records", async () => {
  const left = new Map<string, number>();
  for (const { formats, header, paxHdrs } of (await format()).allowedFormats) {
    const why = whyNone(header);
    if (why !== undefined) {
      left.set(why, (left.get(why) ?? 0) + 1);
      continue;
    }
    const label = JSON.stringify(header);
    // Nor is anything written that goes beyond exact numbers.
    if ((formats & PAX) === 0 || !isSafe(header.Size)) {
      await assert.rejects(recordsOf(inputOf(header)), RangeError, label);
      continue;
    }
    // Go rounds a fraction of a second where nobody asks for it; here it is kept.
    const isRounded = header.ModTime !== null && header.ModTime.nsec !== 0;
    const wanted = (formats & USTAR) !== 0 && !isRounded ? {} : paxHdrs ?? {};
    const expected = Object.fromEntries(
      Object.entries(wanted).map(([key, value]) => [key, text(value)]),
    );
    assert.deepEqual(await recordsOf(inputOf(header)), expected, label);
  }
  assert.deepEqual(Object.fromEntries(left), {
    "formats other than pax on request": 12,
    "times of access and of change": 6,
    "modes beyond the permission bits": 2,
  });
});

test("sparse maps are judged as Go does", async () => {
  for (const row of (await format()).sparseEntries) {
    const map = row.in.map(({ Offset, Length }) => ({
      offset: Number(Offset),
      length: Number(Length),
    }));
    const label = JSON.stringify(row);
    const code = codeOf(() => checkSparseMap(map, Number(row.size), undefined, 0));
    assert.equal(code, row.wantValid ? undefined : "INVALID_TAR", label);
  }
});

test("pax headers are read as Go does", async () => {
  for (const row of (await format()).parsePax) {
    const label = JSON.stringify(row);
    const read = () => parsePax(raw(row.in), 0);
    if (!row.ok) {
      assert.equal(codeOf(read), "INVALID_TAR", label);
      continue;
    }
    const records = [...read()].map(([key, value]) => [key, new TextDecoder().decode(value)]);
    assert.deepEqual(Object.fromEntries(records), row.want ?? {}, label);
  }
});

/** An archive of one file with pax records in front of it. */
async function withRecords(
  records: readonly (readonly [string, Bytes])[],
  body: Bytes,
): Promise<Bytes> {
  const header = records.map(([key, value]) => formatAny(key, value));
  const size = header.reduce((sum, { length }) => sum + length, 0);
  const all = new Uint8Array(Math.ceil(size / 512) * 512);
  let at = 0;
  for (const record of header) {
    all.set(record, at);
    at += record.length;
  }
  const options = { maxBytes: 1 << 20 };
  const pax = await readAll(writeTar([{ path: "pax", body: all.slice(0, size) }]), options);
  pax[156] = 0x78;
  seal(pax);
  const file = await readAll(writeTar([{ path: "file", body }]), options);
  const archive = new Uint8Array(512 + all.length + file.length);
  archive.set(pax.subarray(0, 512));
  archive.set(all, 512);
  archive.set(file, 512 + all.length);
  return size === 0 ? file : archive;
}

/** A record as it would be, also one that nobody may write. */
function formatAny(key: string, value: Bytes): Bytes {
  const rest = ` ${key}=`.length + value.length + 1;
  let length = rest + 1;
  while (String(length).length + rest !== length) length++;
  const head = new TextEncoder().encode(`${length} ${key}=`);
  const record = new Uint8Array(length);
  record.set(head);
  record.set(value, head.length);
  record[length - 1] = 0x0a;
  return record;
}

function seal(block: Bytes): void {
  block.fill(0x20, 148, 156);
  const sum = block.subarray(0, 512).reduce((total, byte) => total + byte, 0);
  block.set(new TextEncoder().encode(`${sum.toString(8).padStart(6, "0")}\0 `), 148);
}

test("pax records are merged into the header as Go does", async () => {
  for (const row of (await format()).mergePax) {
    const label = JSON.stringify(row);
    const records = Object.entries(row.in).map(([key, value]) => [key, raw(value)] as const);
    const archive = await withRecords(records, new Uint8Array());
    const entries = readTar(streamOf(archive));
    if (!row.ok || row.want === null) {
      await assert.rejects(entries.next(), { code: "INVALID_TAR" }, label);
      continue;
    }
    const { value: entry } = await entries.next();
    assert.ok(entry !== undefined && "path" in entry, label);
    const { Name, Uid, ModTime, Xattrs } = row.want;
    assert.equal(entry.path, text(Name) || "file", label);
    assert.equal(entry.uid, Number(Uid), label);
    if (ModTime !== null) assert.equal(entry.mtimeNs, nanoseconds(ModTime), label);
    const xattrs = [...entry.xattrs].map(([key, value]) => [key, new TextDecoder().decode(value)]);
    assert.deepEqual(Object.fromEntries(xattrs), Xattrs ?? {}, label);
  }
});

interface SparseTable {
  readonly oldGNU: readonly {
    input: Raw;
    wantErr: unknown;
    wantMap: readonly { Offset: number; Length: number }[] | null;
    wantSize: number;
  }[];
  readonly pax: readonly {
    inputHdrs: Readonly<Record<string, Raw>> | null;
    inputData: Raw;
    wantErr: unknown;
    wantMap: readonly { Offset: number; Length: number }[] | null;
    wantName: string;
    wantSize: number;
  }[];
}

/** Puts the size that a sparse map needs, the type and a checksum into the header of a row. */
function asOldGnu(block: Bytes, stored: number): Bytes {
  const header = block.slice();
  header.set(new TextEncoder().encode(`${stored.toString(8).padStart(11, "0")}\0`), 124);
  header[156] = 0x53;
  seal(header);
  return header;
}

const sparse = () => corpusJSON<SparseTable>("tables/tar-sparse-maps.json");

test("old GNU sparse maps are read as Go does, and judged at once", async () => {
  for (const [index, row] of (await sparse()).oldGNU.entries()) {
    const label = `oldGNU row ${index}`;
    const block = raw(row.input);
    const map = (row.wantMap ?? []).map(({ Offset, Length }) => ({
      offset: Offset,
      length: Length,
    }));
    const stored = map.reduce((sum, { length }) => sum + length, 0);
    const header = asOldGnu(block, stored);
    const body = new Uint8Array(Math.ceil(stored / 512) * 512).fill(0x78);
    const archive = new Blob([header, body]);
    const entries = readTar(streamOf(new Uint8Array(await archive.arrayBuffer())));
    // Go looks at the map alone here; whether it fits the size of the file, it judges later.
    const isFit = codeOf(() => checkSparseMap(map, row.wantSize, stored, 0)) === undefined;
    if (row.wantErr !== null || !isFit) {
      await assert.rejects(entries.next(), { code: "INVALID_TAR" }, label);
      continue;
    }
    const { value: entry } = await entries.next();
    assert.ok(entry !== undefined && "path" in entry, label);
    assert.equal(entry.size, row.wantSize, label);
    const content = await entry.bytes();
    const filled = map.flatMap(({ offset, length }) =>
      Array.from({ length }, (_, i) => offset + i)
    );
    const there = [...content.keys()].filter((i) => content[i] !== 0);
    assert.deepEqual(there, filled, label);
  }
});

test("pax sparse maps are read as Go does, and judged at once", async () => {
  let accepted = 0;
  for (const [index, row] of (await sparse()).pax.entries()) {
    const label = `pax row ${index}: ${JSON.stringify(row.inputHdrs)}`;
    const map = (row.wantMap ?? []).map(({ Offset, Length }) => ({
      offset: Offset,
      length: Length,
    }));
    const stored = map.reduce((sum, { length }) => sum + length, 0);
    // Maps of gigabytes of content cannot be given here.
    if (stored > 1 << 20) continue;
    const data = raw(row.inputData);
    const body = new Uint8Array(data.length + stored).fill(0x78);
    body.set(data);
    const records = Object.entries(row.inputHdrs ?? {})
      .map(([key, value]) => [key, raw(value)] as const);
    const archive = await withRecords(records, body);
    const entries = readTar(streamOf(archive));
    const isSparse = row.wantMap !== null;
    // Where the records say nothing, the size is that of the header, which Go's rows do not have.
    const isSaid = records.some(([key]) => /^GNU\.sparse\.(?:real)?size$/.test(key));
    const size = isSaid ? row.wantSize : body.length;
    const isFit = !isSparse || codeOf(() => checkSparseMap(map, size, stored, 0)) === undefined;
    if (row.wantErr !== null || !isFit) {
      await assert.rejects(entries.next(), { code: "INVALID_TAR" }, label);
      continue;
    }
    const { value: entry } = await entries.next();
    assert.ok(entry !== undefined && "path" in entry, label);
    assert.equal(entry.path, row.wantName || "file", label);
    if (isSparse) assert.equal(entry.size, size, label);
    accepted++;
  }
  assert.ok(accepted >= 3, `${accepted} accepted`);
});
