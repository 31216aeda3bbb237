// Writes a block in the shortest of the three ways: the twin of wasm/assembly/block_writer.ts and
// bit_writer.ts. The two write the same bits.
import type { Bytes } from "../model/bytes.ts";
import { HuffmanCode } from "./js_huffman.ts";
import {
  DISTANCE_EXTRA_BITS,
  DISTANCE_START,
  DISTANCE_SYMBOLS,
  distanceSymbol,
  END_OF_BLOCK,
  FIRST_LENGTH,
  type Items,
  LENGTH_EXTRA_BITS,
  LENGTH_START,
  lengthSymbol,
  LITERAL_SYMBOLS,
  MIN_LENGTH,
} from "./_js_items.ts";
import { DISTANCE_SHIFT, LENGTH_MASK } from "./_js_match_finder.ts";

const STORED = 0;
const FIXED = 1;
const DYNAMIC = 2;

const FIXED_LITERAL_SYMBOLS = 288;
const RUN_SYMBOLS = 19;
const MAX_CODE_BITS = 15;
const MAX_RUN_CODE_BITS = 7;
const MAX_STORED_BYTES = 0x7e00;
const STORED_LENGTHS_BITS = 32;

// RFC 1951 §3.2.7: the order in which the lengths of the code length code come.
const RUN_ORDER = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15] as const;

function runExtraBits(symbol: number): number {
  return symbol < 16 ? 0 : symbol === 16 ? 2 : symbol === 17 ? 3 : 7;
}

/** How the two codes of a block are described. */
interface Description {
  readonly literals: number;
  readonly distances: number;
  readonly runLengths: number;
  /** Symbol, and extra bits << 5. */
  readonly runs: readonly number[];
  readonly bits: number;
}

/** Writes blocks of items. */
export class BlockWriter {
  readonly #literals = new HuffmanCode(LITERAL_SYMBOLS, MAX_CODE_BITS);
  readonly #distances = new HuffmanCode(DISTANCE_SYMBOLS, MAX_CODE_BITS);
  readonly #runs = new HuffmanCode(RUN_SYMBOLS, MAX_RUN_CODE_BITS);
  #fixed: readonly [HuffmanCode, HuffmanCode] | undefined;
  readonly #output: Bytes;
  #written = 0;
  #waiting = 0;
  #waitingBits = 0;

  /** @param maxItems The most items of a block. One of the fixed code has at most 31 bits. */
  constructor(maxItems: number) {
    this.#output = new Uint8Array(maxItems * 4 + 1024);
  }

  /** Gives what was written since the last call; a view, until the next block. */
  take(): Bytes {
    const bytes = this.#output.subarray(0, this.#written);
    this.#written = 0;
    return bytes;
  }

  /** Fills the last byte with zeros and writes it. */
  align(): void {
    this.#put(0, -this.#waitingBits & 7);
    for (; this.#waitingBits > 0; this.#waitingBits -= 8, this.#waiting >>>= 8) {
      this.#output[this.#written++] = this.#waiting;
    }
  }

  /** Writes items, which stand for `source`; that is `undefined` when it has left the window. */
  write(items: Items, source: Uint8Array | undefined, isLast: boolean): void {
    const literals = this.#literals;
    const distances = this.#distances;
    literals.counts.set(items.literals);
    distances.counts.set(items.distances);
    literals.make();
    distances.make();
    const extraBits = this.#extraBits();
    const description = this.#describe();
    const dynamicBits = description.bits + literals.bits() + distances.bits() + extraBits;
    const fixedBits = this.#fixedBits() + extraBits;

    const canBeStored = source !== undefined && source.length <= MAX_STORED_BYTES;
    if (canBeStored && this.#storedBits(source.length) < Math.min(fixedBits, dynamicBits)) {
      this.#writeStored(source, isLast);
    } else if (fixedBits <= dynamicBits) {
      this.#put(Number(isLast) | FIXED << 1, 3);
      this.#writeItems(items.all, ...(this.#fixed ??= fixedCodes()));
    } else {
      this.#put(Number(isLast) | DYNAMIC << 1, 3);
      this.#writeCodes(description);
      this.#writeItems(items.all, literals, distances);
    }
  }

  /** Writes up to 16 bits; fewer than 16 wait. */
  #put(value: number, count: number): void {
    this.#waiting |= value << this.#waitingBits;
    this.#waitingBits += count;
    if (this.#waitingBits < 16) return;
    this.#output[this.#written++] = this.#waiting;
    this.#output[this.#written++] = this.#waiting >>> 8;
    this.#waiting >>>= 16;
    this.#waitingBits -= 16;
  }

  #extraBits(): number {
    let bits = 0;
    LENGTH_EXTRA_BITS.forEach((extra, symbol) => {
      bits += extra * (this.#literals.counts[FIRST_LENGTH + symbol] as number);
    });
    DISTANCE_EXTRA_BITS.forEach((extra, symbol) => {
      bits += extra * (this.#distances.counts[symbol] as number);
    });
    return bits;
  }

  #fixedBits(): number {
    const [literals, distances] = this.#fixed ??= fixedCodes();
    let bits = 0;
    this.#literals.counts.forEach((count, symbol) => {
      bits += count * (literals.lengths[symbol] as number);
    });
    this.#distances.counts.forEach((count, symbol) => {
      bits += count * (distances.lengths[symbol] as number);
    });
    return bits;
  }

  #storedBits(bytes: number): number {
    const fillBits = 7 - (this.#waitingBits + 2 & 7);
    return fillBits + STORED_LENGTHS_BITS + bytes * 8;
  }

  #describe(): Description {
    let literals = LITERAL_SYMBOLS;
    while (literals > FIRST_LENGTH && this.#literals.lengths[literals - 1] === 0) literals--;
    let distances = DISTANCE_SYMBOLS;
    while (this.#distances.lengths[distances - 1] === 0) distances--;
    const lengths = [
      ...this.#literals.lengths.subarray(0, literals),
      ...this.#distances.lengths.subarray(0, distances),
    ];
    const code = this.#runs;
    const runs = findRuns(lengths);
    code.counts.fill(0);
    for (const run of runs) (code.counts[run & 31] as number)++;
    code.make();
    let runLengths = RUN_SYMBOLS;
    while (code.lengths[RUN_ORDER[runLengths - 1] as number] === 0) runLengths--;
    let bits = 5 + 5 + 4 + 3 * runLengths + code.bits();
    for (const run of runs) bits += runExtraBits(run & 31);
    return { literals, distances, runLengths, runs, bits };
  }

  #writeCodes({ literals, distances, runLengths, runs }: Description): void {
    this.#put(literals - 257 | distances - 1 << 5 | runLengths - 4 << 10, 14);
    const code = this.#runs;
    for (const symbol of RUN_ORDER.slice(0, runLengths)) {
      this.#put(code.lengths[symbol] as number, 3);
    }
    for (const run of runs) {
      const symbol = run & 31;
      const bits = code.lengths[symbol] as number;
      const value = (code.codes[symbol] as number) | run >> 5 << bits;
      this.#put(value, bits + runExtraBits(symbol));
    }
  }

  #writeStored(bytes: Uint8Array, isLast: boolean): void {
    this.#put(Number(isLast) | STORED << 1, 3);
    this.align();
    this.#put(bytes.length, 16);
    this.#put(bytes.length ^ 0xffff, 16);
    this.#output.set(bytes, this.#written);
    this.#written += bytes.length;
  }

  #writeItems(items: Uint32Array, literals: HuffmanCode, distances: HuffmanCode): void {
    for (const item of items) {
      if (item < 256) {
        this.#put(literals.codes[item] as number, literals.lengths[item] as number);
        continue;
      }
      const length = (item & LENGTH_MASK) - MIN_LENGTH;
      const extended = lengthSymbol(length);
      const literal = FIRST_LENGTH + extended;
      this.#put(literals.codes[literal] as number, literals.lengths[literal] as number);
      const lengthExtra = LENGTH_EXTRA_BITS[extended] as number;
      this.#put(length - (LENGTH_START[extended] as number), lengthExtra);
      const distance = (item >>> DISTANCE_SHIFT) - 1;
      const symbol = distanceSymbol(distance);
      this.#put(distances.codes[symbol] as number, distances.lengths[symbol] as number);
      const distanceExtra = DISTANCE_EXTRA_BITS[symbol] as number;
      this.#put(distance - (DISTANCE_START[symbol] as number), distanceExtra);
    }
    this.#put(literals.codes[END_OF_BLOCK] as number, literals.lengths[END_OF_BLOCK] as number);
  }
}

/** RFC 1951 §3.2.6 */
function fixedCodes(): readonly [HuffmanCode, HuffmanCode] {
  const literals = new HuffmanCode(FIXED_LITERAL_SYMBOLS, MAX_CODE_BITS);
  literals.lengths.fill(8).fill(9, 144, 256).fill(7, 256, 280);
  literals.assign();
  const distances = new HuffmanCode(DISTANCE_SYMBOLS, MAX_CODE_BITS);
  distances.lengths.fill(5);
  distances.assign();
  return [literals, distances];
}

/** Gives lengths as runs: 16 repeats the length before, 17 and 18 are zeros. RFC 1951 §3.2.7. */
function findRuns(lengths: readonly number[]): number[] {
  const runs: number[] = [];
  for (let at = 0; at < lengths.length;) {
    const value = lengths[at] as number;
    let left = 1;
    while (lengths[at + left] === value) left++;
    at += left;
    if (value === 0) {
      for (; left >= 11; left -= Math.min(left, 138)) runs.push(18 | Math.min(left, 138) - 11 << 5);
      if (left >= 3) {
        runs.push(17 | left - 3 << 5);
        left = 0;
      }
    } else if (left >= 4) {
      runs.push(value);
      for (left--; left >= 3; left -= Math.min(left, 6)) runs.push(16 | Math.min(left, 6) - 3 << 5);
    }
    for (; left > 0; left--) runs.push(value);
  }
  return runs;
}
