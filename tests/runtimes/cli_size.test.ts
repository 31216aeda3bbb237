import { test } from "node:test";
import assert from "node:assert/strict";
import { formatSize, parseSize } from "../../lib/cli/size.ts";

test("sizes are written for people", () => {
  const rows: readonly (readonly [number, string])[] = [
    [0, "0 B"],
    [999, "999 B"],
    [1000, "1.0 kB"],
    [3_641_000, "3.6 MB"],
    [999_600, "1.0 MB"],
    [123_400_000, "123 MB"],
    [5e15, "5000 TB"],
  ];
  for (const [bytes, text] of rows) assert.equal(formatSize(bytes), text);
});

test("sizes are read as people write them", () => {
  const rows: readonly (readonly [string, number | undefined])[] = [
    ["0B", 0],
    ["12b", 12],
    ["500MB", 500_000_000],
    ["500 mb", 500_000_000],
    ["1kB", 1000],
    ["1KiB", 1024],
    ["2GiB", 2 * 1024 ** 3],
    ["3tib", 3 * 1024 ** 4],
    ["1", undefined],
    ["", undefined],
    ["GB", undefined],
    ["-1GB", undefined],
    ["1.5GB", undefined],
    ["1iB", undefined],
    ["1G", undefined],
    ["1000000000B", undefined],
    ["999999999B", 999_999_999],
    ["1 000B", undefined],
  ];
  for (const [text, bytes] of rows) assert.equal(parseSize(text), bytes, text);
});
