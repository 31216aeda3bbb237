import { test } from "node:test";
import assert from "node:assert/strict";
import { crc32 } from "../../lib/hash/mod.ts";

/** The definition, one bit at a time (RFC 1952 §8). */
function slowCRC32(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc & 1) !== 0 ? crc >>> 1 ^ 0xedb88320 : crc >>> 1;
  }
  return ~crc >>> 0;
}

test("crc32() has the known check values", () => {
  const encoder = new TextEncoder();
  assert.equal(crc32(encoder.encode("123456789")), 0xcbf43926);
  assert.equal(crc32(encoder.encode("")), 0);
  assert.equal(crc32(encoder.encode("a")), 0xe8b7be43);
  assert.equal(crc32(new Uint8Array(32).fill(255)), 0xff6cab0b);
});

test("crc32() is the definition for every length, offset and split", () => {
  const bytes = Uint8Array.from({ length: 100 }, (_, index) => index * index * 7 + 3);
  for (let start = 0; start < 10; start++) {
    for (let end = start; end <= bytes.length; end++) {
      const piece = bytes.subarray(start, end);
      const expected = slowCRC32(piece);
      assert.equal(crc32(piece), expected, `${start} to ${end}`);
      const half = piece.length >> 1;
      const split = crc32(piece.subarray(half), crc32(piece.subarray(0, half)));
      assert.equal(split, expected, `${start} to ${end}, split`);
    }
  }
});
