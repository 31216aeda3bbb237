import { test } from "node:test";
import assert from "node:assert/strict";
import { type Compression, detectCompression } from "../../lib/compress/mod.ts";
import { decodeHex } from "../../lib/model/mod.ts";
import { corpusBytes } from "../support/corpus.ts";

test("detectCompression() tells formats by their first bytes", () => {
  const rows: readonly [hex: string, expected: Compression][] = [
    ["1f8b", "gzip"],
    ["1f8b0800000000000003", "gzip"],
    ["1f8c", "none"],
    ["1f", "none"],
    ["", "none"],
    ["28b52ffd", "zstd"],
    ["28b52f", "none"],
    ["502a4d1804000000", "zstd"],
    ["5f2a4d18", "zstd"],
    ["602a4d18", "none"],
    ["4f2a4d18", "none"],
    ["fd377a585a00", "xz"],
    ["fd377a585a", "none"],
    ["425a6839314159265359", "bzip2"],
    ["425a6831177245385090", "bzip2"],
    ["425a6830314159265359", "none"],
    ["425a6839", "none"],
    ["7573746172", "none"],
  ];
  for (const [hex, expected] of rows) {
    assert.equal(detectCompression(decodeHex(hex)), expected, hex);
  }
  const name = new TextEncoder().encode("BZh9 is the name of a file\0\0\0");
  assert.equal(detectCompression(name), "none");
});

test("detectCompression() tells the files of the corpus apart", async () => {
  const files: Readonly<Record<string, Compression>> = {
    "go-archive-tar/gnu.tar": "none",
    "go-archive-tar/pax-bad-hdr-large.tar.bz2": "bzip2",
    "skopeo/systemtest/testdata/docker-two-images.tar.xz": "xz",
    "libarchive/test_compat_zstd_1.tar.zst": "zstd",
    "libarchive/test_compat_zstd_2.tar.zst": "zstd",
    "made-by-estargz/layer.esgz.tar.gz": "gzip",
  };
  for (const [file, expected] of Object.entries(files)) {
    assert.equal(detectCompression(await corpusBytes(file)), expected, file);
  }
});
