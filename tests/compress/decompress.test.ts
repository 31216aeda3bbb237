import { test } from "node:test";
import assert from "node:assert/strict";
import { concatBytes, noteOwnedChunks, readAll, streamOf } from "../../lib/bytes/mod.ts";
import { decompress, gzip, loadKernel, unzstd } from "../../lib/compress/mod.ts";
import type { Bytes } from "../../lib/model/bytes.ts";
import { corpusBytes } from "../support/corpus.ts";
import { drain, observed, sample, settle } from "./_streams.ts";

/** A skippable frame, and one of two bytes (RFC 8878). */
const ZSTD_BLOCKS = Uint8Array.from([
  ...[0x50, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3],
  ...[0x28, 0xb5, 0x2f, 0xfd, 0x20, 2, 0x11, 0, 0, 0x68, 0x69],
]);

async function compressed(bytes: Bytes): Promise<Bytes> {
  return await readAll(gzip(streamOf(bytes)), { maxBytes: 2 ** 24 });
}

test("decompress() decompresses gzip and zstd, and passes what is neither", async () => {
  // In single bytes all of it takes long.
  const content = sample(30_000);
  const zstd = await corpusBytes("libarchive/test_compat_zstd_1.tar.zst");
  const rows: readonly [what: string, input: Bytes, expected: Bytes][] = [
    ["gzip", await compressed(content), content],
    ["zstd", zstd, (await drain(unzstd(streamOf(zstd)))).bytes],
    ["none", content, content],
    ["empty", new Uint8Array(0), new Uint8Array(0)],
    ["one byte", Uint8Array.of(0x1f), Uint8Array.of(0x1f)],
    ["nine bytes", sample(9), sample(9)],
    ["ten bytes", sample(10), sample(10)],
  ];
  for (const [what, input, expected] of rows) {
    for (const size of [1, 3, 1000, 1 << 20]) {
      const { bytes, error } = await drain(decompress(observed(input, size).stream));
      assert.equal(error, undefined, `${what}, cut ${size}`);
      assert.deepEqual(bytes, expected, `${what}, cut ${size}`);
    }
  }
});

test("chunks that are freed once the next is asked for are not looked at again", async () => {
  for (const size of [1, 3, 7, 1000, 1 << 20]) {
    // To free a chunk takes Node 20 long.
    const content = sample(size < 1000 ? 20_000 : 300_000);
    const rows: readonly [what: string, input: Bytes, expected: Bytes][] = [
      ["gzip", await compressed(content), content],
      ["zstd", ZSTD_BLOCKS, new TextEncoder().encode("hi")],
      ["none", content, content],
    ];
    for (const kind of ["wasm", "js"] as const) {
      const kernel = loadKernel({ kind });
      for (const [what, input, expected] of rows) {
        const { stream } = observed(input, size);
        noteOwnedChunks(stream);
        const { bytes, error } = await drain(decompress(stream, { kernel }));
        assert.equal(error, undefined, `${kind}, ${what}, cut ${size}`);
        assert.deepEqual(bytes, expected, `${kind}, ${what}, cut ${size}`);
      }
    }
  }
});

test("decompress() uses the kernel that it is given", async () => {
  const content = sample(1000);
  let used = 0;
  const js = loadKernel({ kind: "js" });
  const kernel = {
    ...js,
    inflater: () => {
      used++;
      return js.inflater();
    },
  };
  const { bytes } = await drain(decompress(streamOf(await compressed(content)), { kernel }));
  assert.deepEqual(bytes, content);
  assert.equal(used, 1);
});

test("decompress() refuses bzip2 and xz and cancels the source", async () => {
  const files = {
    "go-archive-tar/pax-bad-hdr-large.tar.bz2": "application/x-bzip2",
    "skopeo/systemtest/testdata/docker-two-images.tar.xz": "application/x-xz",
  };
  for (const [file, mediaType] of Object.entries(files)) {
    const source = observed(await corpusBytes(file), 100);
    const { error } = await drain(decompress(source.stream));
    assert.equal(error?.name, "UnsupportedMediaTypeError", file);
    assert.equal((error as { mediaType?: string } | undefined)?.mediaType, mediaType);
    await settle();
    assert.equal(source.cancels(), 1);
    assert.equal(source.pulled(), 1);
  }
});

/** A zstd frame with one block that is stored (RFC 8878 §3.1.1), of less than 64 KiB. */
function zstdOf(content: Bytes): Bytes {
  const { length } = content;
  const block = length << 3 | 1;
  return concatBytes([
    Uint8Array.of(0x28, 0xb5, 0x2f, 0xfd, 0xa0, length & 255, length >> 8, 0, 0),
    Uint8Array.of(block & 255, block >> 8 & 255, block >> 16),
    content,
  ]);
}

test("decompress() refuses content that is compressed twice", async () => {
  const inner = await compressed(sample(1000));
  const inputs: Readonly<Record<string, Bytes>> = {
    "gzip of gzip": await compressed(inner),
    "gzip of zstd": await compressed(await corpusBytes("libarchive/test_compat_zstd_1.tar.zst")),
    "gzip of xz": await compressed(
      await corpusBytes("skopeo/systemtest/testdata/docker-two-images.tar.xz"),
    ),
    "zstd of gzip": zstdOf(inner),
    "zstd of zstd": zstdOf(zstdOf(sample(100))),
    "a file that unpacks to itself": await corpusBytes("libarchive/test_read_too_many_filters.gz"),
  };
  const once = await drain(decompress(observed(zstdOf(sample(1000)), 64).stream));
  assert.deepEqual(once.bytes, sample(1000));
  for (const [what, input] of Object.entries(inputs)) {
    const source = observed(concatBytes([input]), 64);
    const { bytes, error } = await drain(decompress(source.stream));
    assert.equal(error?.name, "LimitExceededError", what);
    assert.equal((error as { unit?: string } | undefined)?.unit, "levels");
    assert.equal(bytes.length, 0, what);
  }
});

test("decompress() bounds its output", async () => {
  const bomb = await corpusBytes("made-by-gzip-tools/zeros-100MiB.gz");
  const source = observed(bomb, 512);
  const { bytes, error } = await drain(decompress(source.stream, { maxOutputBytes: 2 ** 20 }));
  assert.equal(error?.name, "LimitExceededError");
  assert.ok(bytes.length <= 2 ** 20);
  await settle();
  assert.equal(source.cancelled(), error);
  assert.throws(() => decompress(streamOf(bomb), { maxOutputBytes: -1 }), RangeError);
});

test("decompress() reads nothing before it is read, and cancels its source once", async () => {
  for (const input of [await compressed(sample(100_000)), sample(100_000)]) {
    for (const reads of [0, 1, 2]) {
      const source = observed(input, 64);
      const reader = decompress(source.stream).getReader();
      await settle();
      assert.equal(source.pulled(), 0);
      for (let read = 0; read < reads; read++) await reader.read();
      await reader.cancel("enough");
      await settle();
      assert.equal(source.cancelled(), "enough", `after ${reads} reads`);
      assert.equal(source.cancels(), 1, `after ${reads} reads`);
    }
  }
});

test("decompress() hands on an error of its source as the same object, wherever it comes", async () => {
  const failure = new Error("the connection was lost");
  for (const input of [await compressed(sample(1000)), sample(1000)]) {
    for (const length of [0, 1, 5, 200]) {
      const source = observed(input.subarray(0, length), 50, failure);
      const { error } = await drain(decompress(source.stream));
      assert.equal(error, failure, `after ${length} bytes`);
    }
  }
});
