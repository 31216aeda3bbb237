import core from "#wasm";
import { test } from "node:test";
import assert from "node:assert/strict";
import { sha256Hasher } from "../../lib/hash/mod.ts";
import { LaneTrial } from "../../lib/kernel/_lane_trial.ts";
import { Sha256Lanes } from "../../lib/kernel/_sha256_lanes.ts";
import { WasmHasher } from "../../lib/kernel/_wasm_hasher.ts";
import { WasmInstances } from "../../lib/kernel/_wasm_instances.ts";
import type { Bytes } from "../../lib/model/bytes.ts";
import { encodeHex } from "../../lib/model/mod.ts";
import { randomNumbers } from "./_kernels.ts";

/** Hashes each time in the same way. */
class Always extends LaneTrial {
  readonly #isSideBySide: boolean;
  /** Messages of each time. */
  readonly seen: number[] = [];

  constructor(isSideBySide: boolean) {
    super();
    this.#isSideBySide = isSideBySide;
  }

  override run(messages: number, _pages: number, hash: (isSideBySide: boolean) => void): void {
    this.seen.push(messages);
    hash(this.#isSideBySide);
  }
}

/** Makes hashers of one realm. */
function company(trial: LaneTrial): (state?: Uint8Array) => WasmHasher {
  const instances = new WasmInstances(core ?? assert.fail("WebAssembly is not there"));
  const lanes = new Sha256Lanes(instances, trial);
  return (state) => new WasmHasher(instances, lanes, "sha256", state);
}

const next = randomNumbers(11);
const content = Uint8Array.from({ length: 1 << 20 }, () => next() & 0xff);

/** Random bytes of a random place. */
function cut(most: number): Bytes {
  const at = next() % content.length;
  return content.slice(at, at + next() % most);
}

function plainDigest(chunks: readonly Bytes[]): string {
  const hasher = sha256Hasher();
  for (const chunk of chunks) hasher.update(chunk);
  return encodeHex(hasher.digest());
}

interface Message {
  hasher: WasmHasher;
  readonly chunks: Bytes[];
}

test("hashes of messages in company are right, however they take turns", () => {
  for (const isSideBySide of [true, false]) {
    const trial = new Always(isSideBySide);
    const start = company(trial);
    for (let most = 1; most <= 9; most++) {
      const messages: Message[] = [];
      for (let turn = 0; turn < 60; turn++) {
        if (messages.length < most) messages.push({ hasher: start(), chunks: [] });
        const message = messages[next() % messages.length] ?? assert.fail();
        const { hasher, chunks } = message;
        const chunk = cut(turn % 3 === 0 ? 200_000 : turn % 3 === 1 ? 40_000 : 100);
        hasher.update(chunk);
        chunks.push(chunk.slice());
        // What a hasher has taken in is its own.
        chunk.fill(0);
        if (next() % 8 === 0) message.hasher = start(hasher.exportState());
        if (next() % 10 > 0) continue;
        messages.splice(messages.indexOf(message), 1);
        assert.equal(encodeHex(message.hasher.digest()), plainDigest(chunks));
      }
      for (const { hasher, chunks } of messages) {
        assert.equal(encodeHex(hasher.digest()), plainDigest(chunks), `of ${most}`);
      }
    }
    // There was company of three and of four.
    assert.deepEqual([...new Set(trial.seen)].sort(), [3, 4]);
  }
});

test("one message, or two, do not wait for others", () => {
  const trial = new Always(true);
  const start = company(trial);
  const hashers = [start(), start()];
  for (const hasher of hashers) {
    for (let turn = 0; turn < 4; turn++) hasher.update(content);
  }
  const expected = plainDigest([content, content, content, content]);
  for (const hasher of hashers) assert.equal(encodeHex(hasher.digest()), expected);
  assert.deepEqual(trial.seen, []);
});

test("a hasher whose state was taken, or that has ended, is no company", () => {
  const instances = new WasmInstances(core ?? assert.fail("WebAssembly is not there"));
  const lanes = new Sha256Lanes(instances, new Always(true));
  const hashers = [0, 1, 2].map(() => new WasmHasher(instances, lanes, "sha256"));
  const [first = assert.fail(), second = assert.fail()] = hashers;
  assert.equal(lanes.hasCompany, false, "nobody has begun");
  for (const hasher of hashers) hasher.update(content);
  assert.equal(lanes.hasCompany, true);
  first.exportState();
  assert.equal(lanes.hasCompany, false, "the first has been left");
  first.update(content);
  assert.equal(lanes.hasCompany, true, "the first goes on");
  second.digest();
  assert.equal(lanes.hasCompany, false, "the second has ended");
  assert.equal(encodeHex(first.digest()), plainDigest([content, content]));
});

test("hashers that nobody ends leave no more than their share of the room, and the others work", () => {
  const start = company(new Always(true));
  for (let abandoned = 0; abandoned < 100; abandoned++) start().update(cut(50_000));
  const chunks = Array.from({ length: 30 }, () => cut(200_000));
  const hasher = start();
  for (const chunk of chunks) hasher.update(chunk);
  assert.equal(encodeHex(hasher.digest()), plainDigest(chunks));
});

test("a message that stays as it is while others go on is right when it goes on", () => {
  const start = company(new Always(true));
  const slow = start();
  const hashers = [start(), start(), start(), start()];
  slow.update(content.subarray(0, 70_001));
  for (let turn = 0; turn < 10; turn++) {
    for (const hasher of hashers) hasher.update(content.subarray(0, 150_000));
  }
  slow.update(content.subarray(70_001));
  assert.equal(encodeHex(slow.digest()), plainDigest([content]));
  const expected = plainDigest(Array.from({ length: 10 }, () => content.slice(0, 150_000)));
  for (const hasher of hashers) assert.equal(encodeHex(hasher.digest()), expected);
});

test("when the kernel fails, no message whose bytes waited has a digest, and new ones work", () => {
  const start = company(new Always(true));
  const broken = { length: 10, subarray: () => ({ length: 2 ** 32 }) } as unknown as Uint8Array;
  for (let turn = 0; turn < 3; turn++) {
    const hashers = [start(), start(), start()];
    for (const hasher of hashers) hasher.update(content.subarray(0, 1000));
    const [first, second, third] = hashers;
    // The third is the first that waits.
    second?.update(content.subarray(0, 1000));
    assert.throws(() => third?.update(broken), { code: "KERNEL_FAILED" });
    assert.throws(() => second?.digest(), { code: "KERNEL_FAILED" });
    assert.throws(() => third?.update(content), { code: "KERNEL_FAILED" });
    assert.throws(() => third?.digest(), { code: "KERNEL_FAILED" });
    const expected = plainDigest([content.slice(0, 1000)]);
    assert.equal(encodeHex((first ?? assert.fail()).digest()), expected);
  }
});

test("the way that takes less time by the clock is chosen, and tried again later and later", () => {
  const rates = { sideBySide: 3, alone: 1 };
  let time = 0;
  const trial = new LaneTrial(() => time);
  const run = (messages: number): boolean => {
    let chosen = false;
    trial.run(messages, 2, (isSideBySide) => {
      chosen = isSideBySide;
      time += 2 * (isSideBySide ? rates.sideBySide : rates.alone * messages);
    });
    return chosen;
  };
  const sideBySide = (messages: number, times: number): number =>
    Array.from({ length: times }, () => run(messages)).filter((chosen) => chosen).length;
  assert.equal(sideBySide(4, 12), 6, "a trial");
  assert.equal(sideBySide(4, 4), 4, "four messages take less time side by side");
  assert.equal(sideBySide(3, 4), 0, "three do not");
  rates.sideBySide = 5;
  for (const term of [16, 32, 64, 128, 128, 128]) {
    assert.equal(sideBySide(4, 12), 6, "another trial");
    assert.equal(sideBySide(4, term), 0, "four do not any more");
  }
});

test("where the clock stands still, messages are hashed one after the other", () => {
  const trial = new LaneTrial(() => 0);
  const chosen: boolean[] = [];
  for (let turn = 0; turn < 20; turn++) trial.run(4, 1, (way) => void chosen.push(way));
  assert.ok(chosen.slice(12).every((isSideBySide) => !isSideBySide));
});
