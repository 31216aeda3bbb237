import { test } from "node:test";
import assert from "node:assert/strict";
import { layerPath } from "../../lib/image/layer_path.ts";
import { decodeName, encodeName } from "../../lib/image/_lossless_name.ts";
import { LimitExceededError } from "../../lib/model/errors.ts";

test("names that are no UTF-8 keep what is UTF-8 in them, and their bytes", () => {
  const rows: readonly (readonly [readonly number[], string])[] = [
    [[0x61, 0xff, 0x62], "a\udcffb"],
    [[0xc3, 0xa9, 0xc3], "é\udcc3"],
    [[0xc0, 0xaf], "\udcc0\udcaf"],
    [[0xe0, 0x80, 0xaf], "\udce0\udc80\udcaf"],
    [[0xed, 0xa0, 0x80], "\udced\udca0\udc80"],
    [[0xed, 0x9f, 0xbf, 0x80], "\ud7ff\udc80"],
    [[0xf0, 0x9f, 0x98, 0x80, 0xf0, 0x9f, 0x98], "😀\udcf0\udc9f\udc98"],
    [[0xf4, 0x90, 0x80, 0x80], "\udcf4\udc90\udc80\udc80"],
    [[0xf0, 0x8f, 0xbf, 0xbf, 0x41], "\udcf0\udc8f\udcbf\udcbfA"],
    [[0xef, 0xbb, 0xbf, 0xfe], "\ufeff\udcfe"],
  ];
  for (const [bytes, text] of rows) {
    const name = Uint8Array.from(bytes);
    assert.equal(decodeName(name), text, bytes.join());
    assert.deepEqual(encodeName(text), name, bytes.join());
  }
});

test("every two bytes make a name of their own", () => {
  const seen = new Set<string>();
  for (let first = 0; first < 256; first++) {
    for (let second = 0; second < 256; second++) {
      const name = Uint8Array.of(first, second);
      const text = decodeName(name);
      seen.add(text);
      assert.deepEqual(encodeName(text), name, `${first} ${second}`);
    }
  }
  assert.equal(seen.size, 65_536);
});

test("a decoder is not asked about each byte of a name, nor about names that are too long", () => {
  const { decode } = TextDecoder.prototype;
  let bytes = 0;
  TextDecoder.prototype.decode = function (input, options) {
    bytes += input?.byteLength ?? 0;
    calls++;
    return decode.call(this, input, options);
  };
  let calls = 0;
  try {
    assert.equal(decodeName(new Uint8Array(4000).fill(0xff)).length, 4000);
    assert.ok(calls < 10, `${calls} calls`);
    bytes = 0;
    const long = new Uint8Array(1_000_000).fill(0xff);
    assert.throws(() => layerPath(long), LimitExceededError);
    assert.ok(bytes < 10_000, `${bytes} bytes`);
  } finally {
    TextDecoder.prototype.decode = decode;
  }
});
