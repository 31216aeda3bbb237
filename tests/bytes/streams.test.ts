import { test } from "node:test";
import assert from "node:assert/strict";
import {
  concatBytes,
  isReplayable,
  iterate,
  limited,
  openSource,
  readAll,
  streamFrom,
  streamOf,
  withSignal,
} from "../../lib/bytes/mod.ts";
import { readPrefix } from "../../lib/bytes/read_prefix.ts";
import { LimitExceededError } from "../../lib/model/errors.ts";
import type { Bytes } from "../../lib/model/bytes.ts";
import { probe } from "./probe.ts";

const bytes = (...values: number[]): Bytes => new Uint8Array(values);

/** A source that gives chunks as they are, empty ones too. */
function pulling(chunks: Iterator<Bytes>): UnderlyingDefaultSource<Bytes> {
  return {
    pull(controller) {
      const { done, value } = chunks.next();
      if (done) controller.close();
      else controller.enqueue(value);
    },
  };
}

test("readAll() joins the chunks of a stream", async () => {
  const stream = streamFrom([bytes(1, 2), bytes(), bytes(3)]);
  assert.deepEqual(await readAll(stream, { maxBytes: 3 }), bytes(1, 2, 3));
});

test("readAll() of an empty stream gives no bytes", async () => {
  assert.deepEqual(await readAll(streamOf(bytes()), { maxBytes: 0 }), bytes());
});

test("readAll() joins single bytes while they come: a chunk takes more memory than they do", async () => {
  const count = 5000;
  const first = bytes(0);
  let looks = 0;
  Object.defineProperty(first, "byteLength", { get: () => ++looks && 1 });
  const seen: number[] = [];
  const source = function* (): Generator<Bytes> {
    yield first;
    for (let i = 1; i < count; i++) {
      seen.push(looks);
      yield bytes(i);
    }
  };
  const read = readAll(new ReadableStream(pulling(source())), { maxBytes: count });
  assert.deepEqual(await read, Uint8Array.from({ length: count }, (_, i) => i));
  assert.ok(Number(seen.at(-1)) > Number(seen[0]), "the first byte was only looked at as it came");
});

test("readAll() takes any number of empty chunks", async () => {
  const source = [...Array.from({ length: 3000 }, () => bytes()), bytes(1), bytes()];
  const read = await readAll(new ReadableStream(pulling(source.values())), { maxBytes: 1 });
  assert.deepEqual(read, bytes(1));
});

test("readAll() refuses one byte more than the limit and cancels the stream", async () => {
  const source = probe([bytes(1, 2), bytes(3), bytes(4)]);
  await assert.rejects(
    readAll(source.stream, { maxBytes: 2, what: "the manifest" }),
    (error: unknown) =>
      error instanceof LimitExceededError && error.limit === 2 && error.unit === "bytes" &&
      error.message.includes("the manifest"),
  );
  assert.equal(source.cancels.length, 1);
  assert.equal(source.pulls, 2);
});

test("readAll() rejects with the signal's reason while it waits, and cancels the stream", async () => {
  const source = probe([bytes(1)], { stall: true });
  const controller = new AbortController();
  const reading = readAll(source.stream, { maxBytes: 10, signal: controller.signal });
  const reason = new Error("enough");
  setTimeout(() => controller.abort(reason), 5);
  await assert.rejects(reading, (error: unknown) => error === reason);
  assert.deepEqual(source.cancels, [reason]);
});

test("readAll() with a signal that has aborted reads nothing", async () => {
  const source = probe([bytes(1)]);
  const signal = AbortSignal.abort("no");
  await assert.rejects(
    readAll(source.stream, { maxBytes: 10, signal }),
    (e: unknown) => e === "no",
  );
  assert.equal(source.cancels.length, 1);
});

test("iterate() cancels the stream once when the loop is left early", async () => {
  const source = probe([bytes(1), bytes(2), bytes(3)]);
  for await (const chunk of iterate(source.stream)) {
    assert.deepEqual(chunk, bytes(1));
    break;
  }
  assert.equal(source.cancels.length, 1);
  assert.equal(source.pulls, 1);
});

test("iterate() cancels the stream when the loop throws", async () => {
  const source = probe([bytes(1), bytes(2)]);
  const boom = new Error("boom");
  await assert.rejects(async () => {
    for await (const _ of iterate(source.stream)) throw boom;
  }, (error: unknown) => error === boom);
  assert.equal(source.cancels.length, 1);
});

test("iterate() passes the error of the stream on as the same object", async () => {
  const boom = new Error("boom");
  const source = probe([bytes(1)], { error: boom });
  const seen: Bytes[] = [];
  await assert.rejects(async () => {
    for await (const chunk of iterate(source.stream)) seen.push(chunk);
  }, (error: unknown) => error === boom);
  assert.deepEqual(seen, [bytes(1)]);
  assert.equal(source.cancels.length, 0);
});

test("streamFrom() takes nothing before it is read, and one chunk per read", async () => {
  let taken = 0;
  async function* chunks(): AsyncGenerator<Bytes> {
    for (let i = 0; i < 10; i++) {
      taken++;
      yield bytes(i);
    }
  }
  const reader = streamFrom(chunks()).getReader();
  await new Promise((resolve) => setTimeout(resolve, 5));
  assert.equal(taken, 0);
  await reader.read();
  await new Promise((resolve) => setTimeout(resolve, 5));
  assert.equal(taken, 1);
  await reader.cancel();
});

test("streamFrom() ends the iteration when the stream is cancelled", async () => {
  let ended = false;
  async function* chunks(): AsyncGenerator<Bytes> {
    try {
      yield bytes(1);
      yield bytes(2);
    } finally {
      ended = true;
      await undefined;
    }
  }
  const reader = streamFrom(chunks()).getReader();
  await reader.read();
  await reader.cancel();
  assert.ok(ended);
});

test("limited() lets exactly the limit pass", async () => {
  const stream = limited(streamFrom([bytes(1), bytes(2)]), 2, "x");
  assert.deepEqual(await readAll(stream, { maxBytes: 9 }), bytes(1, 2));
});

test("limited() errors past the limit, hands on nothing of that chunk and cancels", async () => {
  const source = probe([bytes(1), bytes(2, 3), bytes(4)]);
  const reader = limited(source.stream, 2, "the layer").getReader();
  assert.deepEqual((await reader.read()).value, bytes(1));
  await assert.rejects(reader.read(), LimitExceededError);
  assert.equal(source.cancels.length, 1);
});

test("limited() refuses a limit that is no number", () => {
  assert.throws(() => limited(streamOf(bytes(1)), NaN, "x"), RangeError);
});

test("openSource() opens bytes, streams and functions", async () => {
  for (const source of [bytes(7), streamOf(bytes(7)), () => streamOf(bytes(7))]) {
    assert.deepEqual(await readAll(await openSource(source), { maxBytes: 9 }), bytes(7));
  }
});

test("isReplayable() is true of bytes and functions only", () => {
  assert.ok(isReplayable(bytes(1)));
  assert.ok(isReplayable(() => streamOf(bytes(1))));
  assert.ok(!isReplayable(streamOf(bytes(1))));
});

test("concatBytes() copies", () => {
  const part = bytes(1);
  const all = concatBytes([part]);
  part[0] = 9;
  assert.deepEqual(all, bytes(1));
});

test("withSignal() errors a waiting read with the reason and cancels the source once", async () => {
  const source = probe([bytes(1)], { stall: true });
  const controller = new AbortController();
  const reader = withSignal(source.stream, controller.signal).getReader();
  await reader.read();
  const waiting = reader.read();
  const reason = new Error("enough");
  controller.abort(reason);
  await assert.rejects(waiting, (error: unknown) => error === reason);
  assert.deepEqual(source.cancels, [reason]);
});

test("withSignal() passes everything on when nothing aborts", async () => {
  const { signal } = new AbortController();
  const stream = withSignal(streamFrom([bytes(1), bytes(2)]), signal);
  assert.deepEqual(await readAll(stream, { maxBytes: 9 }), bytes(1, 2));
});

test("withSignal() ignores an abort after the end", async () => {
  const source = probe([bytes(1)]);
  const controller = new AbortController();
  await readAll(withSignal(source.stream, controller.signal), { maxBytes: 9 });
  controller.abort();
  assert.equal(source.cancels.length, 0);
});

test("readPrefix() gives what has come of a text, and never fails", async () => {
  const text = new TextEncoder().encode("aé");
  const cases = [
    { name: "whole", source: probe([text, text]), wanted: "aéaé", cancels: 0 },
    { name: "too long", source: probe([text, text]), wanted: "aéa", maxBytes: 4, cancels: 1 },
    { name: "broken", source: probe([text], { error: new Error("cut") }), wanted: "aé" },
    { name: "silent", source: probe([text], { stall: true }), wanted: "aé", ms: 5, cancels: 1 },
  ];
  for (const { name, source, wanted, maxBytes = 100, ms, cancels = 0 } of cases) {
    let isStopped = false;
    const read = await readPrefix(source.stream, maxBytes, (onEnd) => {
      const timer = ms === undefined ? undefined : setTimeout(onEnd, ms);
      return () => {
        clearTimeout(timer);
        isStopped = true;
      };
    });
    assert.equal(read, wanted, name);
    assert.equal(source.cancels.length, cancels, name);
    assert.ok(isStopped, name);
  }
});
