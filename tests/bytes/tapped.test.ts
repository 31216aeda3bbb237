import { test } from "node:test";
import assert from "node:assert/strict";
import { feedOf, tapped } from "../../lib/bytes/feed.ts";
import type { Bytes } from "../../lib/model/bytes.ts";
import { probe } from "./probe.ts";

const PIECES: readonly Bytes[] = [Uint8Array.of(1), Uint8Array.of(2)];

test("tapped() hands a piece on, and the end, when who looks has done so", async () => {
  const seen: string[] = [];
  const later = async (what: string): Promise<void> => {
    await new Promise((resolve) => setTimeout(resolve, 1));
    seen.push(what);
  };
  const feed = tapped(feedOf(probe([...PIECES]).stream), {
    piece: ([byte]) => later(`piece ${byte}`),
    end: () => later("end"),
  });
  assert.deepEqual(await feed.next(), PIECES[0]);
  assert.deepEqual(seen, ["piece 1"]);
  assert.deepEqual(await feed.next(), PIECES[1]);
  assert.equal(await feed.next(), undefined);
  assert.deepEqual(seen, ["piece 1", "piece 2", "end"]);
});

test("tapped() cancels the source when who looks fails, at once or later", async () => {
  const reason = new Error("seen enough");
  const ways = [
    () => {
      throw reason;
    },
    () => Promise.reject(reason),
  ];
  for (const piece of ways) {
    const source = probe([...PIECES]);
    const feed = tapped(feedOf(source.stream), { piece });
    await assert.rejects(async () => await feed.next(), reason);
    assert.deepEqual(source.cancels, [reason]);
  }
});
