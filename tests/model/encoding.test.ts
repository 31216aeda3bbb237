import { test } from "node:test";
import assert from "node:assert/strict";
import {
  decodeBase64,
  decodeBase64Url,
  decodeHex,
  encodeBase64,
  encodeBase64Url,
  encodeHex,
} from "../../lib/model/mod.ts";

test("hex goes both ways, in lower case only", () => {
  const bytes = Uint8Array.from({ length: 256 }, (_, index) => index);
  assert.equal(encodeHex(bytes.subarray(8, 18)), "08090a0b0c0d0e0f1011");
  assert.deepEqual(decodeHex(encodeHex(bytes)), bytes);
  for (const text of ["0", "0g", "AB", "00 ", "0x", "é0"]) {
    assert.throws(() => decodeHex(text), TypeError, text);
  }
});

// RFC 4648 §10.
const VECTORS = [
  ["", ""],
  ["f", "Zg=="],
  ["fo", "Zm8="],
  ["foo", "Zm9v"],
  ["foob", "Zm9vYg=="],
  ["fooba", "Zm9vYmE="],
  ["foobar", "Zm9vYmFy"],
] as const;

test("base64 has the vectors of RFC 4648", () => {
  for (const [text, encoded] of VECTORS) {
    const bytes = new TextEncoder().encode(text);
    assert.equal(encodeBase64(bytes), encoded);
    assert.deepEqual([...decodeBase64(encoded)], [...bytes], encoded);
    const bare = encoded.replace(/=+$/, "");
    assert.equal(encodeBase64Url(bytes), bare);
    assert.deepEqual([...decodeBase64Url(bare)], [...bytes], bare);
  }
});

test("base64 goes both ways for every length and digit", () => {
  for (let length = 0; length < 70; length++) {
    const bytes = Uint8Array.from({ length }, (_, index) => index * 73 + length * 41);
    assert.deepEqual(decodeBase64(encodeBase64(bytes)), bytes, String(length));
    assert.deepEqual(decodeBase64Url(encodeBase64Url(bytes)), bytes, String(length));
  }
  assert.equal(encodeBase64(Uint8Array.of(251, 255, 191)), "+/+/");
  assert.equal(encodeBase64Url(Uint8Array.of(251, 255, 191)), "-_-_");
});

test("base64 is refused when it is not the one text for its bytes", () => {
  for (
    const text of [
      "Zg",
      "Zg=",
      "Zg===",
      "Zh==",
      "Zm9=",
      "Z===",
      "Zm9v\n",
      "-_-_",
      "Z g=",
      "=",
      "====",
    ]
  ) {
    assert.throws(() => decodeBase64(text), TypeError, JSON.stringify(text));
  }
  for (const text of ["Zg==", "Z", "Zh", "+/+/", "Zm9v "]) {
    assert.throws(() => decodeBase64Url(text), TypeError, JSON.stringify(text));
  }
});
