/** The side of a thread that asks, against threads that do as they are told here. */
import { test } from "node:test";
import assert from "node:assert/strict";
import { streamFrom } from "../../lib/bytes/mod.ts";
import type { Bytes, ByteStream } from "../../lib/model/bytes.ts";
import { CorruptStreamError, LadingError } from "../../lib/model/errors.ts";
import type { HostThread } from "../../lib/runtime/_host_thread.ts";
import { ThreadFeed } from "../../lib/runtime/_thread_feed.ts";
import { ThreadHasher } from "../../lib/runtime/_thread_hasher.ts";
import { failureOf, type FromThread, type ToThread } from "../../lib/runtime/_thread_messages.ts";

interface Scene {
  readonly feed: ThreadFeed;
  readonly told: ToThread[];
  /** Whether the thread was given back as good, as often as it was. */
  readonly left: boolean[];
  readonly counted: number[];
  say(message: FromThread): void;
  die(cause: unknown): void;
}

function play(stored: ByteStream, signal?: AbortSignal): Scene {
  const told: ToThread[] = [];
  const left: boolean[] = [];
  const counted: number[] = [];
  const thread: HostThread = {
    listener: { message() {}, died() {} },
    post: (message) => void told.push(message),
    hold() {},
    end() {},
  };
  const handlers = { stored: (bytes: number) => void counted.push(bytes) };
  const feed = new ThreadFeed(
    thread,
    stored,
    {},
    handlers,
    { signal },
    (isGood) => left.push(isGood),
  );
  return {
    feed,
    told,
    left,
    counted,
    say: (message) => thread.listener.message(message),
    die: (cause) => thread.listener.died(cause),
  };
}

/** Lets what was started go on as far as it can. */
async function settled(): Promise<void> {
  for (let round = 0; round < 100; round++) await Promise.resolve();
  await new Promise((resolve) => setTimeout(resolve, 0));
}

interface Source {
  readonly stream: ByteStream;
  readonly cancelled: unknown[];
  taken(): number;
}

/** A source without an end, of chunks of ten bytes. */
function endless(): Source {
  const cancelled: unknown[] = [];
  let taken = 0;
  const stream = new ReadableStream<Bytes>({
    pull(controller) {
      taken++;
      controller.enqueue(new Uint8Array(10));
    },
    cancel: (reason) => void cancelled.push(reason),
  }, { highWaterMark: 0 });
  return { stream, cancelled, taken: () => taken };
}

const pieces = (...all: (readonly [length: number, stored: number])[]): FromThread => ({
  type: "pieces",
  buffer: new ArrayBuffer(64),
  pieces: all.map(([length, stored]) => ({ length, stored })),
});

test("a thread gets no more of a source than it has room for", async () => {
  const { stream, taken } = endless();
  const { told, say, feed } = play(stream);
  await settled();
  const chunks = () => told.filter(({ type }) => type === "chunk").length;
  assert.equal(chunks(), 4);
  assert.ok(taken() <= 5);
  say({ type: "used" });
  await settled();
  assert.equal(chunks(), 5);
  // Deno looks at each element of a view that is sent: a hundred times as slow as the work itself.
  assert.ok(!told.some((message) => Object.values(message).some(ArrayBuffer.isView)));
  await feed.cancel("enough");
});

test("a buffer goes back to its thread when all of its pieces were used", async () => {
  const { feed, told, counted, say } = play(endless().stream);
  say(pieces([10, 3], [20, 0]));
  say(pieces([5, 7]));
  const back = () => told.filter(({ type }) => type === "buffer").length;
  const lengths = [];
  for (let count = 0; count < 3; count++) {
    lengths.push((await feed.next())?.length);
    assert.equal(back(), count === 2 ? 1 : 0);
  }
  assert.deepEqual(lengths, [10, 20, 5]);
  assert.deepEqual(counted, [3, 7]);
  await feed.cancel("enough");
});

test("the end comes after what was sent before it, and frees the thread then", async () => {
  const { feed, left, say } = play(streamFrom([]));
  const summary = { digest: "sha256:abc", compression: "gzip" } as const;
  say(pieces([1, 1]));
  say({ type: "end", stored: 0, end: { type: "done", summary } });
  assert.equal((await feed.next())?.length, 1);
  assert.deepEqual(left, []);
  assert.equal(await feed.next(), undefined);
  assert.equal(await feed.next(), undefined);
  assert.deepEqual(left, [true]);
});

test("who waits for a thread that dies gets an error, and the source is cancelled", async () => {
  const { stream, cancelled } = endless();
  const { feed, left, die } = play(stream);
  const waiting = Promise.resolve(feed.next());
  const cause = new Error("out of memory");
  die(cause);
  const isRight = (error: unknown) =>
    error instanceof LadingError && error.code === "THREAD_FAILED" && error.cause === cause;
  await assert.rejects(waiting, isRight);
  await assert.rejects(async () => await feed.next(), isRight);
  await settled();
  assert.equal(cancelled.length, 1);
  assert.deepEqual(left, [false]);
});

test("an abort reaches who waits at once, and the thread is not used again", async () => {
  const { stream, cancelled } = endless();
  const controller = new AbortController();
  const { feed, left } = play(stream, controller.signal);
  const waiting = Promise.resolve(feed.next());
  controller.abort("no more");
  await assert.rejects(waiting, (error) => error === "no more");
  await settled();
  assert.deepEqual([cancelled, left], [["no more"], [false]]);
});

test("what the thread finds wrong counts before a source that fails behind it", async () => {
  const error = new Error("the network is gone");
  const source = streamFrom((function* () {
    yield new Uint8Array(10);
    throw error;
  })());
  const { feed, told, left, say } = play(source);
  await settled();
  assert.deepEqual(told.map(({ type }) => type), ["read", "chunk", "break"]);
  const failure = failureOf(new CorruptStreamError("damaged", { offset: 3 }));
  say({ type: "end", stored: 10, end: { type: "failed", failure } });
  await assert.rejects(
    async () => await feed.next(),
    (found) => found instanceof CorruptStreamError && found.offset === 3,
  );
  assert.deepEqual(left, [true]);
});

/** A hasher whose thread is played here. */
function playHasher() {
  const told: ToThread[] = [];
  const thread: HostThread = {
    listener: { message() {}, died() {} },
    post: (message) => void told.push(message),
    hold() {},
    end() {},
  };
  const hasher = new ThreadHasher(thread, "sha256");
  const say = (message: FromThread) => thread.listener.message(message);
  return { hasher, told, say, die: (cause: unknown) => thread.listener.died(cause) };
}

test("a hasher in a thread copies what it is given, and waits while the thread has enough", async () => {
  const { hasher, told, say } = playHasher();
  const chunk = new Uint8Array(100).fill(1);
  for (let count = 0; count < 4; count++) assert.equal(hasher.update(chunk), undefined);
  chunk.fill(2);
  const sent = () => told.flatMap((message) => message.type === "chunk" ? [message] : []);
  assert.deepEqual(sent().map(({ buffer, length }) => [length, new Uint8Array(buffer)[0]]), [
    [100, 1],
    [100, 1],
    [100, 1],
    [100, 1],
  ]);
  const waiting = hasher.update(chunk);
  assert.ok(waiting instanceof Promise);
  assert.equal(sent().length, 4);
  const buffer = sent()[0]?.buffer ?? new ArrayBuffer(0);
  say({ type: "used", buffer });
  await waiting;
  assert.equal(sent().length, 5);
  assert.equal(sent()[4]?.buffer, buffer);
  const digest = hasher.digest();
  assert.equal(told.at(-1)?.type, "end");
  assert.equal(hasher.isDone, false);
  const hash = Uint8Array.of(1, 2, 3);
  say({ type: "end", stored: 0, end: { type: "hashed", hash } });
  assert.deepEqual(await digest, hash);
  assert.ok(hasher.isDone);
});

test("a hasher whose thread dies says so to who waits, and to who comes later", async () => {
  const isRight = (error: unknown) =>
    error instanceof LadingError && error.code === "THREAD_FAILED";
  const { hasher, die } = playHasher();
  const chunk = new Uint8Array(1);
  for (let count = 0; count < 4; count++) hasher.update(chunk);
  const waiting = Promise.resolve(hasher.update(chunk));
  die("out of memory");
  await assert.rejects(waiting, isRight);
  assert.throws(() => hasher.update(chunk), isRight);
  await assert.rejects(hasher.digest(), isRight);
  const other = playHasher();
  const digest = other.hasher.digest();
  other.die("out of memory");
  await assert.rejects(digest, isRight);
});
