// How the reader gives entries to lading itself: without promises where nothing is waited for.
import { test } from "node:test";
import assert from "node:assert/strict";
import type { Feed } from "../../lib/bytes/feed.ts";
import type { Bytes } from "../../lib/model/bytes.ts";
import { eachEntry, type EntryFeed, openedFeed } from "../../lib/tar/entry_feed.ts";
import { EntryReader } from "../../lib/tar/entry_reader.ts";
import type { FoundEntry } from "../../lib/tar/found_entry.ts";
import { BLOCK, encode, END, header, join, member, pax } from "./blocks.ts";

const ARCHIVE = join(
  member({ name: "a" }, encode("first")),
  pax({ path: "b", uid: "7" }),
  member({ name: "short" }, encode("second")),
  header({ name: "c", type: "5" }),
  END,
);

interface Pieces extends Feed {
  /** The reasons it was cancelled with. */
  readonly cancelled: readonly unknown[];
}

/** Gives pieces, each at once or after a while. */
function pieces(all: readonly Bytes[], isLate = false): Pieces {
  const waiting = [...all];
  const cancelled: unknown[] = [];
  return {
    lends: false,
    cancelled,
    next: () => isLate ? Promise.resolve(waiting.shift()) : waiting.shift(),
    cancel: (reason) => Promise.resolve(void cancelled.push(reason)),
  };
}

/** Reads the first entry: only to open an archive may take time. */
async function opened(feed: Feed): Promise<{ reader: EntryReader; first: FoundEntry }> {
  const reader = new EntryReader(() => feed, {});
  const first = await reader.next();
  assert.ok(first !== undefined);
  return { reader, first };
}

function atHand<Item>(item: Item | Promise<Item>): Item {
  assert.ok(!(item instanceof Promise), "it is at hand");
  return item;
}

test("entries that are at hand come without a promise, whatever was read of those before", async () => {
  const { reader, first } = await opened(pieces([ARCHIVE]));
  const read: string[] = [];
  const take = (piece: Bytes): void => void read.push(String.fromCharCode(...piece));
  assert.equal(first.lend(take), undefined);
  const second = atHand(reader.next()) ?? assert.fail("there is a second one");
  assert.deepEqual([second.path, second.uid, second.size], ["b", 7, 6]);
  const third = atHand(reader.next()) ?? assert.fail("there is a third one");
  assert.deepEqual([third.path, third.type, third.size], ["c", "directory", 0]);
  assert.equal(third.lend(take), undefined);
  assert.equal(await reader.next(), undefined);
  assert.equal(atHand(reader.next()), undefined);
  assert.deepEqual(reader.summary, { entries: 3, truncatedTrailer: false });
  assert.deepEqual(read, ["first"]);
});

test("entries come with a promise where the archive does, however it is cut", async () => {
  for (const length of [1, 100, BLOCK, 700]) {
    const cut = Array.from(
      { length: Math.ceil(ARCHIVE.length / length) },
      (_, index) => ARCHIVE.slice(index * length, (index + 1) * length),
    );
    for (const isLate of [true, false]) {
      const found: string[] = [];
      await eachEntry(new EntryReader(() => pieces(cut, isLate), {}), async (entry) => {
        let text = "";
        await entry.lend((piece) => void (text += String.fromCharCode(...piece)));
        found.push(`${entry.path} ${text}`);
      });
      assert.deepEqual(found, ["a first", "b second", "c "], `${length} ${isLate}`);
    }
  }
});

test("each entry comes with the block of its own header", async () => {
  const sparse = join(
    pax({ "GNU.sparse.map": "0,1", "GNU.sparse.numblocks": "1", "GNU.sparse.size": "9" }),
    member({ name: "s" }, encode("x")),
  );
  const reader = new EntryReader(() => pieces([join(sparse, ARCHIVE)], true), {});
  const names: string[] = [];
  await eachEntry(reader, () => {
    assert.equal(reader.block.length, BLOCK);
    names.push(String.fromCharCode(...reader.block.subarray(0, reader.block.indexOf(0))));
  });
  assert.deepEqual(names, ["s", "a", "short", "c"]);
});

test("the block of a sparse file stays when its map is read into the same memory", async () => {
  const records = pax({
    "GNU.sparse.major": "1",
    "GNU.sparse.minor": "0",
    "GNU.sparse.name": "real",
    "GNU.sparse.realsize": "9",
  });
  const map = encode("1\n0\n1\n".padEnd(BLOCK, "\0"));
  const whole = join(records, member({ name: "stand-in" }, join(map, encode("x"))), END);
  const memory = new Uint8Array(records.length + BLOCK);
  let at = 0;
  const feed: Feed = {
    lends: true,
    next() {
      const part = whole.subarray(at, at += memory.length);
      memory.fill(0).set(part);
      return part.length === 0 ? undefined : memory.subarray(0, part.length);
    },
    cancel: () => Promise.resolve(),
  };
  const { reader, first } = await opened(feed);
  assert.equal(first.path, "real");
  assert.equal(String.fromCharCode(...reader.block.subarray(0, 9)), "stand-in\0");
});

test("a content is lent to one at a time, and is free again when lending has ended or failed", async () => {
  const { first } = await opened(pieces([ARCHIVE]));
  const busy = /it is being read already/;
  let release = () => {};
  const lending = first.lend(() => new Promise((resolve) => release = resolve));
  assert.ok(lending instanceof Promise);
  assert.throws(() => first.lend(() => {}), busy);
  await assert.rejects(first.bytes(), busy);
  release();
  await lending;
  assert.equal(first.lend(() => assert.fail("nothing is left")), undefined);

  const other = (await opened(pieces([ARCHIVE]))).first;
  const failure = new Error("no room");
  assert.throws(() => other.lend(() => assert.fail(failure)), failure);
  assert.equal(other.lend(() => {}), undefined);
  const late = (await opened(pieces([ARCHIVE]))).first;
  await assert.rejects(async () => await late.lend(() => Promise.reject(failure)), failure);
  assert.equal(late.lend(() => {}), undefined);
});

test("no piece of a content is lent before the one before was taken", async () => {
  const content = encode("0123456789".repeat(200));
  const whole = join(member({}, content), END);
  const cut = [whole.slice(0, 600), whole.slice(600, 1200), whole.slice(1200)];
  for (const isLate of [true, false]) {
    const { first } = await opened(pieces(cut, isLate));
    const events: number[] = [];
    await first.lend(async (piece) => {
      events.push(piece.length);
      await new Promise((resolve) => setTimeout(resolve, 2));
      events.push(-piece.length);
    });
    assert.deepEqual(events, [88, -88, 600, -600, 1312, -1312]);
  }
});

test("a content is not lent while its stream is read by somebody", async () => {
  const { first } = await opened(pieces([ARCHIVE]));
  const reader = first.body.getReader();
  await assert.rejects(async () => await first.lend(() => assert.fail("it is read")), TypeError);
  reader.releaseLock();
  let length = 0;
  await first.lend((piece) => void (length += piece.length));
  assert.equal(length, "first".length);
});

test("a reader that is cancelled cancels the archive once, and gives nothing more", async () => {
  const feed = pieces([ARCHIVE]);
  const { reader, first } = await opened(feed);
  await reader.cancel("enough");
  await reader.cancel("again");
  assert.deepEqual(feed.cancelled, ["enough"]);
  assert.equal(atHand(reader.next()), undefined);
  await assert.rejects(async () => await first.lend(() => {}), { code: "INVALID_TAR" });
});

test("a reader that fails has cancelled the archive, and gives nothing more", async () => {
  const bad = header({ name: "b", size: 1 }).fill(0x39, 148, 156);
  for (const isLate of [true, false]) {
    const feed = pieces([join(member({ name: "a" }, encode("first")), bad, END)], isLate);
    const { reader } = await opened(feed);
    let failure: unknown;
    await assert.rejects(async () => await reader.next(), (error) => {
      failure = error;
      return /checksum/.test(String(error));
    });
    assert.deepEqual(feed.cancelled, [failure]);
    assert.equal(atHand(reader.next()), undefined);
  }
  const stubborn: Feed = {
    lends: false,
    next: () => bad,
    cancel: () => Promise.reject(new Error("it does not stop")),
  };
  await assert.rejects(async () => await new EntryReader(() => stubborn, {}).next(), /checksum/);
  const refused = new Error("no archive");
  const reader = new EntryReader(() => Promise.reject(refused), {});
  await assert.rejects(async () => await reader.next(), refused);
  assert.equal(atHand(reader.next()), undefined);
});

test("headers of metadata are read one after another, however many are at hand", async () => {
  // Each in the one before would be more calls in one another than any runtime takes.
  const many = Array(16_384).fill(member({ type: "L" }, encode("name")));
  const { reader } = await opened(pieces([join(member({}, encode("x")), ...many, ARCHIVE)]));
  assert.equal(atHand(reader.next())?.path, "name");
});

test("who fails with an entry cancels its source, and the failure is what is seen", async () => {
  const failure = new Error("no room");
  for (const fail of [() => assert.fail(failure), () => Promise.reject(failure)]) {
    const feed = pieces([ARCHIVE]);
    await assert.rejects(eachEntry(new EntryReader(() => feed, {}), fail), failure);
    assert.deepEqual(feed.cancelled, [failure]);
    const stubborn: EntryFeed<number> = {
      next: () => 1,
      cancel: () => Promise.reject(new Error("it does not stop")),
    };
    await assert.rejects(eachEntry(stubborn, fail), failure);
  }
});

test("a feed that is opened later is opened once, by who asks first, and never when it is cancelled", async () => {
  let count = 0;
  const reasons: unknown[] = [];
  const open = (): Promise<EntryFeed<number>> => {
    count++;
    const left = [1, 2];
    return Promise.resolve({
      next: () => left.shift(),
      cancel: (reason) => Promise.resolve(void reasons.push(reason)),
    });
  };
  const feed = openedFeed(open);
  assert.equal(count, 0);
  assert.equal(await feed.next(), 1);
  assert.equal(atHand(feed.next()), 2);
  assert.equal(atHand(feed.next()), undefined);
  await feed.cancel("enough");
  assert.deepEqual([count, ...reasons], [1, "enough"]);
  await openedFeed(open).cancel();
  assert.equal(count, 1);
});
