import { test } from "node:test";
import assert from "node:assert/strict";
import type { Kernel, TarRecord, TarScanStop } from "../../lib/kernel/mod.ts";
import type { Bytes } from "../../lib/model/bytes.ts";
import { decodeHex } from "../../lib/model/mod.ts";
import { corpusBytes, corpusJSON, corpusList } from "../support/corpus.ts";
import { type Cut, join, KERNELS, pieces, randomNumbers } from "./_kernels.ts";

interface Found {
  readonly records: readonly TarRecord[];
  readonly stop: TarScanStop;
  readonly offset: number;
}

/** Scans an archive: bodies of headers that are handed over are skipped, zeros are passed. */
function scan(kernel: Kernel, archive: Uint8Array, cut: Cut = archive.length): Found {
  const scanner = kernel.tarScanner();
  const records: TarRecord[] = [];
  for (const piece of pieces(archive, cut)) {
    for (let at = 0; at < piece.length;) {
      const found = scanner.scan(piece.subarray(at));
      records.push(...found.records);
      at += found.used;
      if (found.stop === "handover") {
        const size = found.records.at(-1)?.size ?? assert.fail();
        scanner.skip(Math.ceil(size / 512) * 512);
      } else if (found.stop === "bad-checksum" || found.stop === "bad-size") {
        return { records, stop: found.stop, offset: scanner.offset };
      }
    }
  }
  return { records, stop: "input", offset: scanner.offset };
}

interface Fields {
  readonly name?: string;
  readonly type?: string;
  readonly size?: number | Uint8Array;
  readonly signed?: boolean;
}

/** A header with a right checksum. */
function header({ name = "file", type = "0", size = 0, signed = false }: Fields): Bytes {
  const block = new Uint8Array(512);
  const encoder = new TextEncoder();
  block.set(encoder.encode(name));
  block.set(
    typeof size === "number" ? encoder.encode(size.toString(8).padStart(11, "0")) : size,
    124,
  );
  block.set(encoder.encode(type === "\0" ? "\0" : type), 156);
  block.fill(0x20, 148, 156);
  let sum = 0;
  for (const byte of block) sum += signed && byte > 127 ? byte - 256 : byte;
  block.set(encoder.encode(`${sum.toString(8).padStart(6, "0")}\0 `), 148);
  return block;
}

test("a scan finds headers, skips bodies and keeps the offsets", () => {
  const archive = join(
    header({ name: "a", size: 5 }),
    new Uint8Array(512).fill(1),
    header({ name: "b", size: 512 }),
    new Uint8Array(512).fill(2),
    header({ name: "c/", type: "5", size: 99 }),
    header({ name: "d", size: 1025 }),
    new Uint8Array(1536).fill(3),
    new Uint8Array(1024),
  );
  for (const kernel of KERNELS) {
    for (const cut of [1, 511, 512, 513, archive.length]) {
      const { records, stop, offset } = scan(kernel, archive, cut);
      const what = `${kernel.kind}, cut ${cut}`;
      assert.equal(stop, "input", what);
      assert.equal(offset, archive.length, what);
      assert.deepEqual(
        records.map((record) => [record.offset, record.size, record.block[0]]),
        [[0, 5, 97], [1024, 512, 98], [2048, 0, 99], [2560, 1025, 100]],
        what,
      );
    }
  }
});

test("a scan stops at the headers that change the ones after them", () => {
  for (const kernel of KERNELS) {
    for (const type of "xgXLKS") {
      const scanner = kernel.tarScanner();
      const archive = join(header({ type, size: 7 }), new Uint8Array(512), header({ name: "z" }));
      const first = scanner.scan(archive);
      assert.equal(first.stop, "handover", `${kernel.kind}: ${type}`);
      assert.equal(first.used, 512);
      assert.equal(first.records[0]?.size, 7);
      assert.equal(scanner.offset, 512);
      scanner.advance(512);
      const second = scanner.scan(archive.subarray(1024));
      assert.deepEqual(second.records.map(({ offset }) => offset), [1024]);
    }
  }
});

test("a scan stops behind a block of zeros and can go on", () => {
  const archive = join(header({}), new Uint8Array(1024), header({ name: "next" }));
  for (const kernel of KERNELS) {
    const scanner = kernel.tarScanner();
    const first = scanner.scan(archive);
    assert.deepEqual([first.stop, first.used, first.records.length], ["zeros", 1024, 1]);
    const second = scanner.scan(archive.subarray(first.used));
    assert.deepEqual([second.stop, second.used, second.records.length], ["zeros", 512, 0]);
    const third = scanner.scan(archive.subarray(1536));
    assert.deepEqual([third.stop, third.records[0]?.offset], ["input", 1536], kernel.kind);
  }
});

test("types without a body have none, whatever their size says", () => {
  const bodies: Readonly<Record<string, number>> = { "0": 9, "7": 9, D: 9, A: 9, "\0": 9 };
  for (const kernel of KERNELS) {
    for (const type of "0123456789DA\0") {
      const { records } = scan(kernel, header({ type, size: 9 }));
      const expected = bodies[type] ?? (/[1-6]/.test(type) ? 0 : 9);
      assert.equal(records[0]?.size, expected, `${kernel.kind}: ${JSON.stringify(type)}`);
    }
    assert.equal(scan(kernel, header({ name: "old/", type: "\0", size: 9 })).records[0]?.size, 0);
    assert.equal(scan(kernel, header({ name: "", type: "\0", size: 9 })).records[0]?.size, 9);
    const long = "x".repeat(99);
    assert.equal(scan(kernel, header({ name: `${long}/`, type: "\0" })).records[0]?.size, 0);
  }
});

test("a wrong checksum stops the scan at its header", () => {
  for (const kernel of KERNELS) {
    for (const at of [0, 100, 148, 153, 156, 500]) {
      const bad = header({ name: "bad", size: 3 });
      bad[at] = (bad[at] ?? 0) ^ 0x41;
      const { records, stop, offset } = scan(kernel, join(header({}), bad, header({})));
      assert.deepEqual([records.length, stop, offset], [1, "bad-checksum", 512], `byte ${at}`);
    }
    const latin = header({ name: "caf\u00e9", signed: true });
    assert.equal(scan(kernel, latin).records.length, 1, "a signed checksum");
    // What follows the NUL of the checksum is no part of it, nor of the sum.
    latin[155] = 0xff;
    assert.equal(scan(kernel, latin).records.length, 1, "a byte behind a signed checksum");
  }
});

test("a scan reads sizes as Go's table of numbers says", async () => {
  interface Row {
    readonly in: string | { readonly hex: string };
    readonly ok: boolean;
    readonly want: number | string;
  }
  const { parseNumeric } = await corpusJSON<{ parseNumeric: Row[] }>("tables/tar-numeric.json");
  assert.ok(parseNumeric.length > 30);
  for (const { in: input, ok, want } of parseNumeric) {
    const text = typeof input === "string" ? new TextEncoder().encode(input) : decodeHex(input.hex);
    // The row has a width of its own; those that fill the field mean the same in it.
    if (text.length > 12) continue;
    const isBinary = ((text[0] ?? 0) & 0x80) !== 0;
    if (isBinary && text.length !== 12) continue;
    const isGood = ok && Number(want) >= 0 && Number(want) <= Number.MAX_SAFE_INTEGER;
    for (const kernel of KERNELS) {
      const { records, stop } = scan(kernel, header({ size: text }));
      const what = `${kernel.kind}: ${JSON.stringify(input)}`;
      if (isGood) assert.equal(records[0]?.size, Number(want), what);
      else assert.equal(stop, "bad-size", what);
    }
  }
});

test("sizes up to 2^53 are exact, larger and negative ones are refused", () => {
  const binary = (value: bigint): Uint8Array =>
    Uint8Array.from({ length: 12 }, (_, at) => {
      const byte = Number(BigInt.asUintN(8, value >> BigInt(8 * (11 - at))));
      return at === 0 ? byte | 0x80 : byte;
    });
  for (const kernel of KERNELS) {
    for (const size of [0n, 511n, 2n ** 31n - 1n, 2n ** 32n, 2n ** 32n + 1n, 2n ** 53n - 513n]) {
      const { records, offset } = scan(kernel, header({ size: binary(size) }));
      assert.equal(records[0]?.size, Number(size), `${kernel.kind}: ${size}`);
      assert.equal(offset, 512);
    }
    for (
      const size of [
        2n ** 53n - 512n,
        2n ** 53n,
        2n ** 63n,
        2n ** 64n,
        2n ** 90n,
        -1n,
        -512n,
        -(2n ** 94n),
      ]
    ) {
      const { stop } = scan(kernel, header({ size: binary(size) }));
      assert.equal(stop, "bad-size", `${kernel.kind}: ${size}`);
    }
  }
});

test("a scan of more headers than fit in its buffer loses none", () => {
  const archive = join(...Array.from({ length: 1000 }, (_, at) => header({ name: `f${at}` })));
  for (const kernel of KERNELS) {
    for (const cut of [700, 100_000, archive.length]) {
      const { records } = scan(kernel, archive, cut);
      assert.equal(records.length, 1000, `${kernel.kind}, cut ${cut}`);
      assert.ok(records.every(({ offset }, at) => offset === at * 512));
    }
    const first = kernel.tarScanner().scan(archive.subarray(0, 200 * 512));
    assert.deepEqual([first.stop, first.records.length, first.used], ["full", 128, 128 * 512]);
  }
});

test("the kernels find the same headers in every tar of the corpus, however it is cut", async () => {
  const next = randomNumbers(9);
  const folders = ["go-archive-tar", "libarchive", "made-by-gnu-tar", "made-by-bsdtar", "cpython"];
  const files = (await Promise.all(folders.map(corpusList))).flat()
    .filter((file) => file.endsWith(".tar"));
  assert.ok(files.length > 60, `${files.length} archives`);
  const [wasm, js] = KERNELS;
  assert.ok(wasm !== undefined && js !== undefined);
  let records = 0;
  for (const file of files) {
    const archive = await corpusBytes(file);
    const whole = scan(wasm, archive);
    records += whole.records.length;
    assert.deepEqual(scan(js, archive, 4096), whole, file);
    assert.deepEqual(scan(wasm, archive, () => 1 + next() % 2000), whole, file);
  }
  assert.ok(records > 300, `${records} headers`);
});
