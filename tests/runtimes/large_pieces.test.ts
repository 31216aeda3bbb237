import { test } from "node:test";
import assert from "node:assert/strict";
import { largePieces } from "../../lib/runtime/_large_pieces.ts";

const SIZE = 1_000_000;
const URL = "http://127.0.0.1/";

/** An answer whose body comes in pieces of 4 KiB. */
function answer(headers: Record<string, string>, cancelled: (reason: unknown) => void = () => {}) {
  let sent = 0;
  const body = new ReadableStream({
    type: "bytes",
    pull(controller) {
      const piece = Uint8Array.from({ length: Math.min(4096, SIZE - sent) }, (_, i) => sent + i);
      sent += piece.length;
      controller.enqueue(piece);
      if (sent === SIZE) controller.close();
    },
    cancel: cancelled,
  }, { highWaterMark: SIZE });
  return new Response(body, { status: 206, headers });
}

const LONG = { "content-length": String(SIZE), "x-other": "kept" };

test("long answers come in large pieces, whole and with their heads", async () => {
  const response = await largePieces(() => Promise.resolve(answer(LONG)))(new Request(URL));
  assert.equal(response.status, 206);
  assert.equal(response.headers.get("x-other"), "kept");
  const bytes = new Uint8Array(await response.arrayBuffer());
  assert.equal(bytes.length, SIZE);
  assert.ok(bytes.every((byte, at) => byte === (at & 255)));
});

test("a long answer that is not wanted any more is given back", async () => {
  let reason: unknown;
  const send = largePieces(() => Promise.resolve(answer(LONG, (cause) => reason = cause)));
  const response = await send(new Request(URL));
  await response.body?.cancel("enough");
  assert.equal(reason, "enough");
});

test("answers without a length, encoded ones and those to other methods stay as they are", async () => {
  for (
    const [method, headers] of [
      ["GET", {}],
      ["GET", { "content-length": "10" }],
      ["GET", { ...LONG, "content-encoding": "gzip" }],
      ["PUT", LONG],
    ] as const
  ) {
    const response = answer(headers);
    const sent = await largePieces(() => Promise.resolve(response))(new Request(URL, { method }));
    assert.equal(sent, response);
  }
});
