import { test } from "node:test";
import assert from "node:assert/strict";
import { spanOf } from "../../lib/bytes/span.ts";

test("spanOf() cuts a range at the end of the content", () => {
  const rows: [range: { start: number; end?: number } | undefined, size: number, span: string][] = [
    [undefined, 10, "0-10"],
    [undefined, 0, "0-0"],
    [{ start: 0 }, 10, "0-10"],
    [{ start: 9 }, 10, "9-10"],
    [{ start: 0, end: 0 }, 10, "0-1"],
    [{ start: 2, end: 5 }, 10, "2-6"],
    [{ start: 2, end: 9 }, 10, "2-10"],
    [{ start: 2, end: 10 }, 10, "2-10"],
    [{ start: 2, end: Number.MAX_SAFE_INTEGER }, 10, "2-10"],
  ];
  for (const [range, size, expected] of rows) {
    const { start, end } = spanOf(range, size);
    assert.equal(`${start}-${end}`, expected, JSON.stringify([range, size]));
  }
});

test("spanOf() refuses what is no range, or starts behind the content", () => {
  const rows: [range: { start: number; end?: number }, size: number][] = [
    [{ start: 10 }, 10],
    [{ start: 0 }, 0],
    [{ start: 0, end: 0 }, 0],
    [{ start: -1 }, 10],
    [{ start: 0.5 }, 10],
    [{ start: NaN }, 10],
    [{ start: 5, end: 4 }, 10],
    [{ start: 5, end: 6.5 }, 10],
    [{ start: 5, end: Infinity }, 10],
    [{ start: Number.MAX_SAFE_INTEGER + 1 }, 10],
  ];
  for (const [range, size] of rows) {
    assert.throws(() => spanOf(range, size), RangeError, JSON.stringify([range, size]));
  }
});
