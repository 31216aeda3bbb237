import { test } from "node:test";
import assert from "node:assert/strict";
import { HuffmanCode } from "../../lib/kernel/js_huffman.ts";

/** What part of all bit strings the codes take: 1 for a complete code. */
function space(lengths: Uint8Array): number {
  return lengths.reduce((sum, length) => sum + (length === 0 ? 0 : 2 ** -length), 0);
}

test("frequencies that would give longer codes are given codes up to the limit", () => {
  for (const [limit, symbols] of [[15, 22], [7, 15]] as const) {
    const code = new HuffmanCode(symbols, limit);
    let [small, large] = [1, 1];
    for (let symbol = 0; symbol < symbols; symbol++) {
      code.counts[symbol] = small;
      [small, large] = [large, small + large];
    }
    code.make();
    assert.equal(Math.max(...code.lengths), limit);
    assert.equal(space(code.lengths), 1);
    for (let symbol = 1; symbol < symbols; symbol++) {
      assert.ok((code.lengths[symbol] ?? 0) <= (code.lengths[symbol - 1] ?? 0), `${symbol}`);
    }
  }
});

test("codes are complete, whatever occurs, and those of one symbol have two", () => {
  for (let used = 0; used <= 19; used++) {
    const code = new HuffmanCode(19, 7);
    for (let symbol = 19 - used; symbol < 19; symbol++) code.counts[symbol] = symbol * symbol + 1;
    code.make();
    assert.equal(space(code.lengths), 1, `${used} symbols`);
    assert.equal(code.lengths.filter((length) => length > 0).length, Math.max(used, 2));
  }
});

test("codes are canonical and sent from their first bit on", () => {
  const code = new HuffmanCode(8, 15);
  // RFC 1951 §3.2.2: lengths (3, 3, 3, 3, 3, 2, 4, 4) for A to H.
  code.lengths.set([3, 3, 3, 3, 3, 2, 4, 4]);
  code.assign();
  const sent = [...code.codes].map((bits, symbol) =>
    bits.toString(2).padStart(code.lengths[symbol] ?? 0, "0").split("").reverse().join("")
  );
  assert.deepEqual(sent, ["010", "011", "100", "101", "110", "00", "1110", "1111"]);
});
