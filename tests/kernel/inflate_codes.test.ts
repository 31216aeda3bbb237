// Streams made bit by bit, of codes that no compressor chooses.
import { test } from "node:test";
import assert from "node:assert/strict";
import type { Bytes } from "../../lib/model/bytes.ts";
import { inflate, KERNELS, randomNumbers } from "./_kernels.ts";

/** Writes bits as deflate does: numbers from their lowest bit, codes from their highest. */
class BitWriter {
  readonly #bytes: number[] = [];
  #count = 0;

  get count(): number {
    return this.#count;
  }

  number(value: number, bits: number): void {
    for (let bit = 0; bit < bits; bit++) this.#bit(value >> bit & 1);
  }

  code(value: number, bits: number): void {
    for (let bit = bits - 1; bit >= 0; bit--) this.#bit(value >> bit & 1);
  }

  #bit(bit: number): void {
    const at = this.#count++ >> 3;
    this.#bytes[at] = (this.#bytes[at] ?? 0) | bit << (this.#count - 1 & 7);
  }

  bytes(): Bytes {
    return Uint8Array.from(this.#bytes);
  }
}

/** Lengths of codes by symbol. */
type Lengths = ReadonlyMap<number, number>;

/** The canonical codes of lengths (RFC 1951 §3.2.2). */
function codesOf(lengths: Lengths): (symbol: number) => [code: number, bits: number] {
  const codes = new Map<number, [number, number]>();
  let code = 0;
  for (let bits = 1; bits <= 15; bits++, code <<= 1) {
    for (const symbol of [...lengths.keys()].sort((a, b) => a - b)) {
      if (lengths.get(symbol) === bits) codes.set(symbol, [code++, bits]);
    }
  }
  return (symbol) => codes.get(symbol) ?? assert.fail(`no code for ${symbol}`);
}

/** Writes the header of a block of a dynamic code, whose lengths are written one by one. */
function writeDynamic(
  writer: BitWriter,
  literals: Lengths,
  distances: Lengths,
  { isLast = true } = {},
): void {
  writer.number(isLast ? 0b101 : 0b100, 3);
  writer.number(286 - 257, 5);
  writer.number(30 - 1, 5);
  writer.number(19 - 4, 4);
  // The lengths 0 to 15 have codes of 4 bits, in the order of RFC 1951 §3.2.7; repeats have none.
  for (let index = 0; index < 19; index++) writer.number(index < 3 ? 0 : 4, 3);
  for (let symbol = 0; symbol < 286; symbol++) writer.code(literals.get(symbol) ?? 0, 4);
  for (let symbol = 0; symbol < 30; symbol++) writer.code(distances.get(symbol) ?? 0, 4);
}

const END = 256;
/** Match lengths 227 to 257, with 5 extra bits, and distances 24577 to 32768, with 13. */
const LONG_LENGTHS = 284;
const FAR_DISTANCES = 29;

test("symbols with the longest codes inflate, however the input is cut", () => {
  const literals = new Map(Array.from({ length: 13 }, (_, at) => [97 + at, at + 1]));
  literals.set(END, 14).set(LONG_LENGTHS, 15).set(250, 15);
  const distances = new Map(Array.from({ length: 14 }, (_, at) => [at, at + 1]));
  distances.set(28, 15).set(FAR_DISTANCES, 15);
  const literalCode = codesOf(literals);
  const distanceCode = codesOf(distances);
  const writer = new BitWriter();
  const expected: number[] = [];
  const literal = (symbol: number) => {
    writer.code(...literalCode(symbol));
    expected.push(symbol);
  };
  writeDynamic(writer, literals, distances);
  const next = randomNumbers(15);
  while (expected.length < 32_768) literal(97 + Math.clz32(next() | 1 << 19) % 13);
  for (let turn = 0; turn < 400; turn++) {
    // Two literals of 11 bits and a match of 48: as many bits as one turn of the kernel takes.
    literal(107);
    literal(107);
    const [length, distance] = [227 + next() % 31, 24_577 + next() % 8192];
    writer.code(...literalCode(LONG_LENGTHS));
    writer.number(length - 227, 5);
    writer.code(...distanceCode(FAR_DISTANCES));
    writer.number(distance - 24_577, 13);
    for (let count = 0; count < length; count++) expected.push(expected.at(-distance) ?? 0);
  }
  writer.code(...literalCode(END));
  const input = writer.bytes();
  const output = Uint8Array.from(expected);
  for (const kernel of KERNELS) {
    for (const cut of [...Array.from({ length: 40 }, (_, at) => at + 8), input.length]) {
      const { bytes, error } = inflate(kernel, input, { format: "deflate-raw", cut });
      assert.equal(error, undefined, `${kernel.kind}, cut ${cut}`);
      assert.deepEqual(bytes, output, `${kernel.kind}, cut ${cut}`);
    }
  }
});

test("of two literals that are decoded at once, the first is given where the input ends", () => {
  const literals = new Map([[97, 1], [98, 2], [99, 3], [100, 4], [101, 5], [END, 5]]);
  const code = codesOf(literals);
  const writer = new BitWriter();
  // In the last block of a stream, literals are decoded one by one.
  writeDynamic(writer, literals, new Map(), { isLast: false });
  const start = Math.ceil(writer.count / 8);
  const next = randomNumbers(2);
  const content = Array.from({ length: 300 }, () => 97 + next() % 5);
  const ends = content.map((symbol) => {
    writer.code(...code(symbol));
    return writer.count;
  });
  const input = writer.bytes();
  for (const kernel of KERNELS) {
    // The bits behind the last literal would be literals too.
    for (let length = start; length < input.length; length++) {
      const expected = content.slice(0, ends.findIndex((end) => end > 8 * length));
      for (const cut of [1, 7, length]) {
        const what = `${kernel.kind}, ${length} bytes, cut ${cut}`;
        const cutShort = input.subarray(0, length);
        const { bytes, error } = inflate(kernel, cutShort, { format: "deflate-raw", cut });
        assert.match(String(error), /cut short/, what);
        assert.deepEqual([...bytes], expected, what);
      }
    }
  }
});

test("a length in a block without distances is refused at the bits behind it, not before", () => {
  const literals = new Map([[97, 2], [98, 2], [END, 2], [257, 2]]);
  const code = codesOf(literals);
  const writer = new BitWriter();
  writeDynamic(writer, literals, new Map());
  do writer.code(...code(97)); while (writer.count % 8 !== 6);
  const letters = writer.count;
  writer.code(...code(257));
  assert.equal(writer.count, letters + 2);
  const short = writer.bytes();
  writer.number(0, 8);
  const whole = writer.bytes();
  for (const kernel of KERNELS) {
    for (const cut of [1, 7, whole.length]) {
      const format = "deflate-raw";
      const what = `${kernel.kind}, cut ${cut}`;
      assert.match(String(inflate(kernel, short, { format, cut }).error), /it is cut short$/, what);
      assert.match(
        String(inflate(kernel, whole, { format, cut }).error),
        /a distance code is invalid$/,
        what,
      );
    }
  }
});
