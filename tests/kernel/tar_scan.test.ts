import { test } from "node:test";
import assert from "node:assert/strict";
import {
  GID_FIELD,
  GROUP_END_FIELD,
  LINK_END_FIELD,
  MODE_FIELD,
  NAME_END_FIELD,
  PREFIX_END_FIELD,
  readTarNumber,
  SIZE_FIELD,
  TIME_FIELD,
  TYPE_FIELD,
  UID_FIELD,
  USER_END_FIELD,
} from "../../lib/kernel/tar_rules.ts";
import { TarScan } from "../../lib/kernel/tar_scan.ts";
import type { Bytes } from "../../lib/model/bytes.ts";
import { decodeHex, isLadingError } from "../../lib/model/mod.ts";
import { corpusBytes, corpusJSON, corpusList } from "../support/corpus.ts";
import { join, KERNELS, randomNumbers } from "./_kernels.ts";
import { fieldsOf, headersIn, inWindows } from "./_tar_headers.ts";

interface Fields {
  readonly name?: string;
  readonly type?: string;
  readonly size?: number | Uint8Array;
}

const encoder = new TextEncoder();

const TYPES = "012345670\0xgLKS";

/** Writes the checksum of a header. */
function seal(block: Bytes): Bytes {
  block.fill(0x20, 148, 156);
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.set(encoder.encode(`${sum.toString(8).padStart(6, "0")}\0 `), 148);
  return block;
}

/** A header of V7 with a right checksum. */
function header({ name = "file", type = "0", size = 0 }: Fields): Bytes {
  const block = new Uint8Array(512);
  block.set(encoder.encode(name));
  const text = typeof size === "number" ? `${size.toString(8).padStart(11, "0")}\0` : "";
  block.set(typeof size === "number" ? encoder.encode(text) : size, 124);
  block.set(encoder.encode(type), 156);
  return seal(block);
}

/** Has the headers of an archive of one window read in it by each kernel. */
function eachWindow(archive: Bytes, take: (window: Bytes, what: string) => void): void {
  for (const kernel of KERNELS) {
    let count = 0;
    inWindows(kernel, archive, (window) => {
      count++;
      take(window, kernel.kind);
    });
    assert.equal(count, 1, "all of it is in one window");
  }
}

test("each field of a header is read, where a kernel inflated it to and elsewhere", () => {
  const block = new Uint8Array(512);
  const put = (at: number, text: string): void => block.set(encoder.encode(text), at);
  put(0, "a/name");
  put(100, "0000644\0");
  put(108, "0001750\0");
  put(116, "0000062\0");
  put(124, "00000001000\0");
  put(136, "14000000000\0");
  put(156, "2");
  put(157, "a/target");
  put(257, "ustar\u000000");
  put(265, "owner");
  put(297, "groups");
  put(345, "the/prefix");
  const expected = {
    [SIZE_FIELD]: 512,
    [MODE_FIELD]: 0o644,
    [UID_FIELD]: 1000,
    [GID_FIELD]: 50,
    [TIME_FIELD]: 0o14000000000,
    [TYPE_FIELD]: 0x32,
    [NAME_END_FIELD]: 6,
    [LINK_END_FIELD]: 157 + 8,
    [USER_END_FIELD]: 265 + 5,
    [GROUP_END_FIELD]: 297 + 6,
    [PREFIX_END_FIELD]: 345 + 10,
  };
  const archive = seal(block);
  const check = (window: Bytes, what: string): void => {
    const scan = new TarScan();
    assert.equal(scan.read(window, 0), true, what);
    for (const [field, value] of Object.entries(expected)) {
      assert.equal(scan.field(Number(field)), value, `${what}: field ${field}`);
    }
  };
  check(archive, "elsewhere");
  eachWindow(archive, check);
});

test("headers of every archive of the corpus say the same in the memory of a kernel", async () => {
  const folders = ["go-archive-tar", "libarchive", "made-by-gnu-tar", "made-by-bsdtar", "cpython"];
  const files = (await Promise.all(folders.map(corpusList))).flat()
    .filter((file) => file.endsWith(".tar"));
  assert.ok(files.length > 60, `${files.length} archives`);
  let headers = 0;
  for (const file of files) {
    const archive = (await corpusBytes(file)).slice(0, 500_000);
    for (const kernel of KERNELS) {
      inWindows(kernel, archive, (window) => {
        const found = headersIn(window);
        assert.deepEqual(found, headersIn(window.slice()), `${file}, ${kernel.kind}`);
        headers += found.length;
      });
    }
  }
  assert.ok(headers > 900, `${headers} headers`);
});

test("blocks of any bytes with a right checksum say the same in the memory of a kernel", () => {
  const next = randomNumbers(20);
  const blocks = Array.from({ length: 200 }, (_, index) => {
    const block = header({ name: "x".repeat(next() % 101), type: TYPES[index % 15] ?? "" });
    for (let times = next() % 12; times > 0; times--) block[next() % 512] = next();
    // Numbers are read to their last digit, and by their first byte.
    const field = [100, 108, 116, 124, 136][next() % 5] ?? 0;
    for (let at = 0; at < 12; at++) {
      block[field + at] = [0x30, 0x37, 0x20, 0, 0xff][next() % 5] ?? 0;
    }
    return seal(block);
  });
  eachWindow(join(...blocks), (window, what) => {
    for (let at = 0; at < window.length; at += 512) {
      const inMemory = new TarScan();
      const elsewhere = new TarScan();
      const block = window.subarray(at, at + 512);
      assert.equal(inMemory.read(block, 0), elsewhere.read(block.slice(), 0), `${what}: ${at}`);
      assert.deepEqual(fieldsOf(inMemory), fieldsOf(elsewhere), `${what}: ${at}`);
    }
  });
});

test("numbers are read as Go's table of numbers says, in the memory of a kernel too", async () => {
  interface Row {
    readonly in: string | { readonly hex: string };
    readonly ok: boolean;
    readonly want: number | string;
  }
  const { parseNumeric } = await corpusJSON<{ parseNumeric: Row[] }>("tables/tar-numeric.json");
  assert.ok(parseNumeric.length > 30);
  for (const { in: input, ok, want } of parseNumeric) {
    const text = typeof input === "string" ? encoder.encode(input) : decodeHex(input.hex);
    const value = readTarNumber(text, 0, text.length);
    const what = JSON.stringify(input);
    const isExact = ok && Number.isSafeInteger(Number(want));
    assert.equal(Number.isSafeInteger(value), isExact, what);
    if (isExact) assert.equal(value, Number(want), what);
    // The row has a width of its own; those that fill the field mean the same in it.
    const isBinary = ((text[0] ?? 0) & 0x80) !== 0;
    if (text.length > 12 || isBinary && text.length !== 12) continue;
    eachWindow(header({ size: text }), (window, kind) => {
      const scan = new TarScan();
      assert.equal(scan.read(window, 0), true);
      assert.deepEqual(scan.field(SIZE_FIELD), value, `${kind}: ${what}`);
    });
  }
});

test("more headers than the kernel's buffer holds are all found", () => {
  const archive = join(
    ...Array.from({ length: 200 }, (_, at) => header({ name: "n".repeat(at % 99) })),
  );
  eachWindow(archive, (window, what) => {
    const found = headersIn(window);
    assert.equal(found.length, 200, what);
    found.forEach((fields, at) => assert.equal(fields[NAME_END_FIELD], at % 99, `${what}: ${at}`));
  });
});

test("a header is read where it is asked for, not where the one before it says", () => {
  const content = header({ name: "a file in the file", size: 1 });
  const archive = join(
    header({ size: 0 }),
    content,
    header({ name: "third" }),
    new Uint8Array(512),
  );
  eachWindow(archive, (window, what) => {
    const scan = new TarScan();
    const at = (index: number): Bytes => window.subarray(512 * index, 512 * index + 512);
    assert.equal(scan.read(at(0), 1536), true, what);
    // By pax the first one is longer than its header says.
    assert.equal(scan.read(at(2), 512), true, what);
    assert.equal(scan.field(NAME_END_FIELD), 5, what);
    assert.equal(scan.read(at(1), 1024), true, what);
    assert.equal(scan.field(NAME_END_FIELD), 18, what);
    assert.equal(scan.read(at(3), 0), false, what);
    assert.equal(scan.read(at(0), 1536), true, what);
    assert.equal(scan.field(NAME_END_FIELD), 4, what);
  });
});

test("what was found ahead is forgotten when the memory gets other content", () => {
  eachWindow(join(header({ name: "one" }), header({ name: "two" })), (window, what) => {
    const scan = new TarScan();
    const second = window.subarray(512);
    assert.equal(scan.read(window.subarray(0, 512), 512), true, what);
    second.set(header({ name: "other" }));
    scan.forget();
    assert.equal(scan.read(second, 0), true, what);
    assert.equal(scan.field(NAME_END_FIELD), 5, what);
    second.fill(1);
    scan.forget();
    assert.equal(scan.read(second, 0), false, what);
  });
});

test("a kernel that fails at a scan says so, and nobody gets its instance again", () => {
  const [kernel] = KERNELS;
  assert.ok(kernel !== undefined);
  // The header has the scan look for the next one behind the end of the memory.
  const archive = header({ size: 64 * 1024 * 1024 });
  const buffers = new Set<ArrayBufferLike>();
  for (let round = 0; round < 6; round++) {
    inWindows(kernel, archive, (window) => {
      assert.equal(buffers.has(window.buffer), false);
      buffers.add(window.buffer);
      assert.throws(() => new TarScan().read(window, 2 ** 30), (error) => {
        return isLadingError(error) && error.code === "KERNEL_FAILED" &&
          error.cause instanceof WebAssembly.RuntimeError;
      });
    });
  }
  assert.equal(buffers.size, 6);
});
