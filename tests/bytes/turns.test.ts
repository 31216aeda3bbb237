import { test } from "node:test";
import assert from "node:assert/strict";
import { noteWork, turnOfOthers } from "../../lib/bytes/turns.ts";

test("those who wait for others go on together, but in edge workers each by itself", async () => {
  await turnOfOthers();
  assert.equal(turnOfOthers(), undefined);
  noteWork(4 * 1024 * 1024);
  const [one, other] = [turnOfOthers(), turnOfOthers()];
  assert.ok(one !== undefined && other !== undefined);
  assert.equal(one === other, !("WebSocketPair" in globalThis));
  let isTimeOfOthers = false;
  setTimeout(() => isTimeOfOthers = true, 0);
  await Promise.all([one, other]);
  assert.equal(turnOfOthers(), undefined);
  // The work of one turn is not that of the next.
  for (let turns = 0; turns < 100_000 && !isTimeOfOthers; turns++) {
    noteWork(4 * 1024 * 1024);
    const turn = turnOfOthers();
    assert.ok(turn !== undefined);
    await turn;
  }
  assert.ok(isTimeOfOthers);
});
