import { test } from "node:test";
import assert from "node:assert/strict";
import core from "#wasm";
import { deflateSync } from "fflate";
import { crc32 } from "../../lib/hash/mod.ts";
import { wasmKernel } from "../../lib/kernel/mod.ts";
import type { Bytes } from "../../lib/model/bytes.ts";
import { corpusBytes } from "../support/corpus.ts";
import { inflate, join, KERNELS, randomNumbers } from "./_kernels.ts";

const EMPTY_DEFLATE = Uint8Array.of(3, 0);

function header(flags: number): Bytes {
  return Uint8Array.of(0x1f, 0x8b, 8, flags, 0, 0, 0, 0, 0, 255);
}

function word(value: number, bytes: 2 | 4): Bytes {
  return Uint8Array.from({ length: bytes }, (_, at) => value >>> 8 * at & 0xff);
}

function trailer(content: Uint8Array): Bytes {
  return join(word(crc32(content), 4), word(content.length, 4));
}

/** An empty member with header fields of the given lengths and a right header CRC. */
function withFields(fields: { extra?: number; name?: number; comment?: number }): Bytes {
  const { extra, name, comment } = fields;
  const flags = 2 | (extra === undefined ? 0 : 4) | (name === undefined ? 0 : 8) |
    (comment === undefined ? 0 : 16);
  const head = join(
    header(flags),
    extra === undefined ? new Uint8Array(0) : join(word(extra, 2), new Uint8Array(extra)),
    name === undefined
      ? new Uint8Array(0)
      : join(new Uint8Array(name).fill(0x6e), Uint8Array.of(0)),
    comment === undefined
      ? new Uint8Array(0)
      : join(new Uint8Array(comment).fill(0x63), Uint8Array.of(0)),
  );
  return join(head, word(crc32(head) & 0xffff, 2), EMPTY_DEFLATE, new Uint8Array(8));
}

test("header fields are bounded at 64 KiB each", () => {
  for (const kernel of KERNELS) {
    for (const cut of [5000, 1 << 20]) {
      const good = [
        {},
        { name: 0 },
        { extra: 0, name: 1, comment: 0 },
        { extra: 65535, name: 65536, comment: 65536 },
      ];
      for (const fields of good) {
        const result = inflate(kernel, withFields(fields), { cut });
        assert.equal(result.error, undefined, `${kernel.kind}: ${JSON.stringify(fields)}`);
        assert.equal(result.members, 1);
      }
      for (const length of [65537, 655360]) {
        for (const fields of [{ name: length }, { comment: length }]) {
          const { error } = inflate(kernel, withFields(fields), { cut });
          assert.equal(error?.name, "LimitExceededError", `${kernel.kind}: ${length}`);
        }
      }
    }
  }
});

test("a wrong header CRC and each reserved flag are refused", () => {
  const good = withFields({ name: 5 });
  const wrong = good.slice();
  wrong[12] = 0x6f;
  for (const kernel of KERNELS) {
    assert.equal(inflate(kernel, good).error, undefined);
    assert.match(String(inflate(kernel, wrong).error?.message), /CRC of the header/);
    for (const flag of [0x20, 0x40, 0x80]) {
      const input = join(header(flag), EMPTY_DEFLATE, new Uint8Array(8));
      assert.match(String(inflate(kernel, input).error?.message), /reserved flags/);
    }
  }
});

test("behind a member come others, then zeros, and nothing else", () => {
  const member = withFields({ name: 3 });
  const zeros = new Uint8Array(600);
  const bad: Readonly<Record<string, Uint8Array>> = {
    "half of a magic": Uint8Array.of(0x1f),
    "half of a magic and a zero": Uint8Array.of(0x1f, 0),
    "half of a magic and zeros": join(Uint8Array.of(0x1f), zeros),
    "a byte": Uint8Array.of(1),
    "zeros and a byte": join(zeros, Uint8Array.of(1)),
    "zeros and a member": join(zeros, member),
    "a zero and a member": join(Uint8Array.of(0), member),
  };
  for (const kernel of KERNELS) {
    for (const cut of [1, 7, 1000]) {
      for (const good of [member, join(member, zeros), join(member, member, zeros)]) {
        assert.equal(inflate(kernel, good, { cut }).error, undefined, kernel.kind);
      }
      for (const [name, rest] of Object.entries(bad)) {
        const { error } = inflate(kernel, join(member, member, rest), { cut });
        const what = `${kernel.kind}, cut ${cut}: ${name}`;
        assert.match(String(error), /other bytes than zeros follow the end$/, what);
        assert.equal(error?.offset, 2 * member.length, what);
      }
    }
  }
});

test("a distance cannot reach the member before", () => {
  const secret = new TextEncoder().encode("the member before this one");
  const first = join(header(0), deflateSync(secret), trailer(secret));
  // A fixed block: literal "a", then length 3 at distance 2, one byte before the member.
  const tooFar = Uint8Array.of(0x4b, 0x04, 0x22, 0x00);
  const alone = join(header(0), tooFar, new Uint8Array(8));
  for (const kernel of KERNELS) {
    for (const input of [alone, join(first, alone)]) {
      for (const cut of [1, 1000]) {
        const { error, bytes } = inflate(kernel, input, { cut });
        assert.match(String(error?.message), /a distance points before/, kernel.kind);
        assert.ok(!new TextDecoder().decode(bytes.subarray(secret.length)).includes("e"));
      }
    }
  }
});

/** A last block of the fixed code: a match of 3 bytes, 24577 to 32768 bytes back. */
function farMatch(distance: number): Bytes {
  const bits: number[] = [1, 1, 0];
  // Huffman codes come from their top bit, extra bits from their lowest (RFC 1951 §3.1.1).
  const code = (value: number, length: number) => {
    for (let bit = length - 1; bit >= 0; bit--) bits.push(value >> bit & 1);
  };
  code(0b0000001, 7);
  code(29, 5);
  for (let bit = 0; bit < 13; bit++) bits.push(distance - 24577 >> bit & 1);
  code(0, 7);
  const bytes = new Uint8Array(Math.ceil(bits.length / 8));
  bits.forEach((bit, at) => bytes[at >> 3] = (bytes[at >> 3] ?? 0) | bit << (at & 7));
  return bytes;
}

test("a distance cannot reach the member before when the window has moved between", () => {
  const before = new Uint8Array(120_000).fill(0x73);
  const first = join(header(0), deflateSync(before), trailer(before));
  for (const length of [24_577, 25_000, 30_000]) {
    const content = new Uint8Array(length).fill(0x61);
    const stored = join(
      Uint8Array.of(0),
      word(length, 2),
      word(length ^ 0xffff, 2),
      content,
    );
    const whole = new Uint8Array(length + 3).fill(0x61);
    for (const kernel of KERNELS) {
      for (const cut of [1000, 1 << 20]) {
        const what = `${kernel.kind}: ${length}, cut ${cut}`;
        const good = join(first, header(0), stored, farMatch(length), trailer(whole));
        assert.equal(inflate(kernel, good, { cut }).error, undefined, what);
        const bad = join(first, header(0), stored, farMatch(length + 1), trailer(whole));
        const { error, bytes } = inflate(kernel, bad, { cut });
        assert.match(String(error?.message), /a distance points before/, what);
        assert.equal(bytes.length, before.length + length, what);
      }
    }
  }
});

test("nothing of the stream before is seen in the next one", () => {
  const secret = new Uint8Array(200_000).fill(0x73);
  const good = join(header(0), deflateSync(secret), trailer(secret));
  // Distance 32768 right at the start.
  const blocks = Uint8Array.of(0x4b, 0x04, 0xde, 0xff, 0x0f);
  const probes = [
    { format: "gzip", probe: join(header(0), blocks, new Uint8Array(8)) },
    { format: "deflate-raw", probe: blocks },
  ] as const;
  for (const kernel of KERNELS) {
    for (let turn = 0; turn < 10; turn++) {
      for (const { format, probe } of probes) {
        assert.equal(inflate(kernel, good).bytes.length, secret.length);
        const { error, bytes } = inflate(kernel, probe, { format });
        assert.match(String(error?.message), /a distance points before/, format);
        assert.ok(!bytes.includes(0x73), "a byte of the stream before");
      }
    }
  }
});

test("good input inflates right after bad input, ten thousand times", async () => {
  const good = await corpusBytes("go-gunzip-tests/05-gettysburg.gz");
  const expected = crc32(inflate(KERNELS[1] ?? assert.fail(), good).bytes);
  const next = randomNumbers(2026);
  for (const kernel of KERNELS) {
    let refused = 0;
    for (let turn = 0; turn < 10_000; turn++) {
      const bad = good.slice(0, 1 + next() % good.length);
      bad[next() % bad.length] = next() & 0xff;
      if (inflate(kernel, bad).error !== undefined) refused++;
      const result = inflate(kernel, good);
      if (result.error !== undefined || crc32(result.bytes) !== expected) {
        assert.fail(`${kernel.kind}: turn ${turn}: ${result.error}`);
      }
    }
    assert.ok(refused > 9_900, `${refused} refused`);
  }
});

test("the memory of the kernel does not grow by inflating, and has an end", async () => {
  assert.ok(core !== undefined);
  const exports = new WebAssembly.Instance(core).exports as unknown as {
    memory: WebAssembly.Memory;
    INPUT: WebAssembly.Global;
    setup(): void;
    inflateStart(raw: number, checkedByHost: number, boundaries: number): void;
    inflateInput(bytes: number): void;
    inflateRun(): number;
    inflateOutputBytes(): number;
  };
  const { memory } = exports;
  const before = memory.buffer;
  assert.equal(before.byteLength, 7 * 65536);
  exports.setup();
  exports.inflateStart(0, 0, 0);
  const input = await corpusBytes("made-by-gzip-tools/zeros-100MiB.gz");
  new Uint8Array(memory.buffer, exports.INPUT.value as number).set(input);
  exports.inflateInput(input.length);
  let total = 0;
  for (let status = 1; status === 1; total += exports.inflateOutputBytes()) {
    status = exports.inflateRun();
  }
  assert.equal(total, 104_857_600);
  assert.equal(memory.buffer, before);
  // Where messages wait to be hashed it has 13 pages.
  assert.throws(() => memory.grow(7), RangeError);
  assert.deepEqual(WebAssembly.Module.imports(core), []);
});

test("an instance that fails is dropped, the error is lading's, and the next stream works", async () => {
  assert.ok(core !== undefined);
  const good = await corpusBytes("go-gunzip-tests/05-gettysburg.gz");
  const kernel = wasmKernel(core, { host: false });
  // What a broken caller may pass: its bytes cannot be copied into the kernel.
  const broken = {
    length: 10,
    subarray: () => ({ length: 2 ** 32 }),
  } as unknown as Uint8Array;
  for (let turn = 0; turn < 8; turn++) {
    const inflater = kernel.inflater();
    inflater.push(broken);
    for (const _ of ["the first time", "and from then on"]) {
      assert.throws(() => inflater.read(), { name: "CorruptStreamError", code: "CORRUPT_STREAM" });
    }
    inflater.close();
    assert.equal(inflate(kernel, good).error, undefined);
    assert.throws(() => kernel.crc32(broken), { code: "KERNEL_FAILED" });
    assert.equal(kernel.crc32(good), crc32(good));
  }
});

test("many inflaters work side by side", async () => {
  const input = await corpusBytes("made-by-gzip-tools/gzip-rsyncable.gz");
  for (const kernel of KERNELS) {
    const expected = crc32(inflate(kernel, input).bytes);
    const inflaters = Array.from({ length: 20 }, () => ({ inflater: kernel.inflater(), crc: 0 }));
    for (let at = 0; at < input.length; at += 1000) {
      for (const item of inflaters) {
        item.inflater.push(input.subarray(at, at + 1000));
        let view = item.inflater.read();
        for (; view !== undefined; view = item.inflater.read()) item.crc = crc32(view, item.crc);
      }
    }
    for (const { inflater, crc } of inflaters) {
      inflater.end();
      assert.equal(inflater.read(), undefined);
      assert.equal(crc, expected);
      inflater.close();
    }
  }
});
