import { test } from "node:test";
import assert from "node:assert/strict";
import type { InflateBoundary, Kernel } from "../../lib/kernel/mod.ts";
import type { Bytes } from "../../lib/model/bytes.ts";
import { type Cut, deflate, inflate, join, KERNELS, pieces, randomNumbers } from "./_kernels.ts";

/** Text, noise and zeros in turn: blocks of every type, at any bit. */
function mixed(length: number): Bytes {
  const next = randomNumbers(length);
  return Uint8Array.from({ length }, (_, at) => {
    const part = Math.floor(at / 20_000) % 3;
    return part === 0 ? "boundaries "[at * at % 11]?.charCodeAt(0) ?? 0 : part === 1 ? next() : 0;
  });
}

interface Found extends Omit<InflateBoundary, "history"> {
  readonly history: Bytes;
}

function boundaries(kernel: Kernel, input: Uint8Array, cut: Cut): Found[] {
  const found: Found[] = [];
  const inflater = kernel.inflater({
    onBoundary: (boundary) => found.push({ ...boundary, history: boundary.history() }),
  });
  for (const piece of pieces(input, cut)) {
    inflater.push(piece);
    while (inflater.read() !== undefined);
  }
  inflater.end();
  while (inflater.read() !== undefined);
  inflater.close();
  return found;
}

function sample(): { plain: Bytes; stored: Bytes } {
  const [kernel = assert.fail()] = KERNELS;
  const parts = [mixed(200_000), mixed(10), mixed(0), mixed(150_000)];
  const members = parts.map((part, index) => deflate(kernel, part, { level: index === 3 ? 1 : 6 }));
  return { plain: join(...parts), stored: join(...members) };
}

test("an inflater tells of the same boundaries with every kernel, however its input is cut", () => {
  const { plain, stored } = sample();
  const [kernel = assert.fail()] = KERNELS;
  const expected = boundaries(kernel, stored, stored.length);
  assert.equal(expected.filter(({ isMember }) => isMember).length, 4);
  assert.ok(expected.filter(({ isMember }) => !isMember).length > 8, `${expected.length}`);
  for (const { offset, history } of expected) {
    assert.deepEqual(history, plain.slice(Math.max(offset - 32_768, 0), offset), `at ${offset}`);
  }
  const next = randomNumbers(3);
  for (const other of KERNELS) {
    for (const cut of [stored.length, 1, 13, 4096, () => 1 + next() % 9000]) {
      const found = boundaries(other, stored, cut);
      assert.deepEqual(found, expected, `${other.kind}, cut ${String(cut)}`);
    }
  }
});

test("a member's boundary is its first byte, and a block's its first bit", () => {
  const { stored } = sample();
  for (const kernel of KERNELS) {
    for (const { compressedOffset, bit, isMember } of boundaries(kernel, stored, 777)) {
      if (isMember) assert.equal(stored[compressedOffset], 0x1f);
      assert.ok(bit >= 0 && bit < (isMember ? 1 : 8));
    }
  }
});

test("every kernel goes on at each block, where any kernel found it", () => {
  const { plain, stored } = sample();
  const [kernel = assert.fail()] = KERNELS;
  const found = boundaries(kernel, stored, 4096);
  const bits = new Set<number>();
  for (const [index, resume] of found.entries()) {
    if (resume.isMember) continue;
    bits.add(resume.bit);
    const nextMember = found.slice(index).find(({ isMember }) => isMember);
    const end = nextMember?.offset ?? plain.length;
    // The trailer of the member is none of a raw stream's.
    const input = stored.subarray(
      resume.compressedOffset,
      (nextMember?.compressedOffset ?? stored.length) - 8,
    );
    for (const other of KERNELS) {
      for (const cut of [input.length, 1]) {
        const { bytes, error } = inflate(other, input, { format: "deflate-raw", resume, cut });
        assert.equal(error, undefined, `${other.kind} at ${resume.offset}`);
        assert.deepEqual(bytes, plain.slice(resume.offset, end), `${other.kind} ${resume.offset}`);
      }
    }
  }
  assert.ok(bits.size > 3, `only the bits ${[...bits]} were tried`);
});

test("a stream goes on behind the history it is given, whatever the memory was used for before", () => {
  const [kernel = assert.fail()] = KERNELS;
  const next = randomNumbers(5);
  // Of seven letters in no order: each block is full of distances into those before.
  const plain = Uint8Array.from({ length: 300_000 }, () => next() % 7);
  const stored = deflate(kernel, plain);
  const blocks = boundaries(kernel, stored, 4096).filter(({ isMember }) => !isMember);
  assert.ok(blocks.length > 3, `${blocks.length} blocks`);
  for (const other of KERNELS) {
    for (const resume of blocks) {
      inflate(other, stored.subarray(0, stored.length >> 1), { cut: 4096 });
      const input = stored.subarray(resume.compressedOffset, -8);
      const { bytes, error } = inflate(other, input, { format: "deflate-raw", resume });
      assert.equal(error, undefined, `${other.kind} at ${resume.offset}`);
      const rest = plain.subarray(resume.offset);
      assert.equal(bytes.length, rest.length, `${other.kind} at ${resume.offset}`);
      const wrong = bytes.filter((byte, at) => byte !== rest[at]).length;
      assert.equal(wrong, 0, `${other.kind} at ${resume.offset}`);
    }
  }
});

test("a stream that was resumed reaches no further back than the history it was given", () => {
  const [kernel = assert.fail()] = KERNELS;
  const next = randomNumbers(4);
  const plain = Uint8Array.from({ length: 300_000 }, () => next() % 7);
  const stored = deflate(kernel, plain);
  const blocks = boundaries(kernel, stored, 4096).filter(({ isMember }) => !isMember);
  for (const other of KERNELS) {
    let refused = 0;
    for (const { compressedOffset, bit, offset } of blocks) {
      // What was inflated before in the same memory must not show through.
      inflate(other, stored, { cut: 4096 });
      const resume = { bit, history: new Uint8Array(0) };
      const input = stored.subarray(compressedOffset);
      const { bytes, error } = inflate(other, input, { format: "deflate-raw", resume });
      if (/distance/.test(error?.message ?? "")) refused++;
      assert.deepEqual(bytes, plain.slice(offset, offset + bytes.length), other.kind);
    }
    assert.ok(refused > 3, `${refused} of ${blocks.length} with ${other.kind}`);
  }
});

test("an inflater refuses to resume where no block can begin", () => {
  const history = new Uint8Array(32_769);
  for (const kernel of KERNELS) {
    const resume = { bit: 0, history: new Uint8Array(0) };
    assert.throws(() => kernel.inflater({ resume }), TypeError);
    const format = "deflate-raw";
    assert.throws(() => kernel.inflater({ format, resume: { bit: 8, history } }), RangeError);
    assert.throws(() => kernel.inflater({ format, resume: { bit: 0, history } }), RangeError);
  }
});

test("what is thrown at a boundary is thrown by the read that came to it, and by all behind it", () => {
  const { stored } = sample();
  for (const kernel of KERNELS) {
    const reason = new Error("enough");
    let isThrown = false;
    const inflater = kernel.inflater({
      onBoundary({ isMember }) {
        if (isMember || isThrown) return;
        isThrown = true;
        throw reason;
      },
    });
    inflater.push(stored);
    assert.throws(() => {
      while (inflater.read() !== undefined);
    }, (error) => error === reason);
    // What that read came to is lost: going on would leave it out.
    assert.throws(() => inflater.read(), (error) => error === reason);
    inflater.close();
  }
});
