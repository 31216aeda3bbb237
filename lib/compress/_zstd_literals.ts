// Writes the literals of a block in the shortest way: as they are, as one byte that repeats, or with
// a Huffman code (RFC 8878 §3.1.1.3.1).
import { HuffmanCode } from "../kernel/js_huffman.ts";
import { BitWriter } from "./_backward_bits.ts";
import {
  encodeSymbol,
  firstState,
  flushState,
  fseTable,
  normalize,
  tableLog,
  writeTable,
} from "./_fse_table.ts";

const RAW = 0;
const RLE = 1;
const COMPRESSED = 2;

// RFC 8878 §4.2.1
const MAX_CODE_BITS = 11;
const MAX_WEIGHT_LOG = 6;
const MAX_DIRECT_WEIGHTS = 128;
/** Up to so many literals are one stream. */
const ONE_STREAM_LITERALS = 255;
/** Fewer literals than these are not made shorter by a code of their own. */
const MIN_LITERALS = 32;
const JUMP_TABLE_BYTES = 6;

export class LiteralsWriter {
  readonly #code = new HuffmanCode(256, MAX_CODE_BITS);
  /** The bits of the codes: zstd has others than deflate for the same lengths. */
  readonly #codes = new Uint16Array(256);
  readonly #weights = new BitWriter(256);

  /** Writes the section. */
  write(literals: Uint8Array, bits: BitWriter): void {
    const counts = this.#code.counts.fill(0);
    for (let at = 0; at < literals.length; at++) (counts[literals[at] as number] as number)++;
    const first = literals[0];
    if (first !== undefined && counts[first] === literals.length) {
      writePlainHeader(RLE, literals.length, bits);
      return bits.put(first, 8);
    }
    if (literals.length < MIN_LITERALS || !this.#writeCompressed(literals, bits)) {
      writePlainHeader(RAW, literals.length, bits);
      bits.putBytes(literals);
    }
  }

  #writeCompressed(literals: Uint8Array, bits: BitWriter): boolean {
    const count = literals.length;
    this.#code.make();
    // What a code saves has to be more than its description takes.
    if ((this.#code.bits() >> 3) + (count >> 6) >= count || !this.#describe()) return false;
    this.#assign();
    const hasOneStream = count <= ONE_STREAM_LITERALS;
    const sizeBits = count < 1024 ? 10 : count < 16384 ? 14 : 18;
    const header = (4 + 2 * sizeBits) >> 3;
    const start = bits.length;
    bits.length += header;
    bits.putBytes(this.#weights.bytes.subarray(0, this.#weights.length));
    if (hasOneStream) {
      this.#writeStream(literals, 0, count, bits);
    } else {
      this.#writeStreams(literals, bits);
    }
    const size = bits.length - start - header;
    if (size >= count) {
      bits.length = start;
      return false;
    }
    // RFC 8878 §3.1.1.3.1.1: up to 40 bits.
    const format = hasOneStream ? 0 : sizeBits === 10 ? 1 : sizeBits === 14 ? 2 : 3;
    const end = bits.length;
    bits.length = start;
    bits.put(COMPRESSED | format << 2, 4);
    bits.put(count, sizeBits);
    bits.put(size, sizeBits);
    bits.length = end;
    return true;
  }

  /** Describes the code by the weights of all symbols but the last; RFC 8878 §4.2.1. */
  #describe(): boolean {
    const lengths = this.#code.lengths;
    let last = 255;
    while (lengths[last] === 0) last--;
    const longest = lengths.reduce((longest, length) => Math.max(longest, length));
    const weights = Array.from(
      lengths.subarray(0, last),
      (length) => length === 0 ? 0 : longest + 1 - length,
    );
    const bits = this.#weights;
    const direct = last + 1 >> 1;
    bits.clear();
    bits.put(0, 8);
    const size = compressWeights(weights, bits) ? bits.length - 1 : 0;
    if (size > 0 && size < 128 && (size < direct || last > MAX_DIRECT_WEIGHTS)) {
      bits.bytes[0] = size;
      return true;
    }
    if (last > MAX_DIRECT_WEIGHTS) return false;
    bits.clear();
    bits.put(127 + last, 8);
    for (let at = 0; at < last; at += 2) {
      bits.put((weights[at] as number) << 4 | (weights[at + 1] ?? 0), 8);
    }
    return true;
  }

  /** Gives each symbol its code: the longest come first. */
  #assign(): void {
    const next = new Uint16Array(MAX_CODE_BITS + 2);
    for (const length of this.#code.lengths) (next[length] as number)++;
    let code = 0;
    for (let length = MAX_CODE_BITS; length > 0; length--) {
      const symbols = next[length] as number;
      next[length] = code;
      code = code + symbols >> 1;
    }
    this.#code.lengths.forEach((length, symbol) => {
      this.#codes[symbol] = length === 0 ? 0 : (next[length] as number)++;
    });
  }

  /** Four streams of the same number of literals, the last may have fewer, behind their sizes. */
  #writeStreams(literals: Uint8Array, bits: BitWriter): void {
    const table = bits.length;
    bits.length += JUMP_TABLE_BYTES;
    const part = literals.length + 3 >> 2;
    for (let stream = 0; stream < 4; stream++) {
      const start = bits.length;
      const first = stream * part;
      this.#writeStream(literals, first, Math.min(first + part, literals.length), bits);
      if (stream === 3) break;
      const size = bits.length - start;
      bits.bytes[table + 2 * stream] = size;
      bits.bytes[table + 2 * stream + 1] = size >> 8;
    }
  }

  /** Writes literals, the last first. */
  #writeStream(literals: Uint8Array, start: number, end: number, bits: BitWriter): void {
    const lengths = this.#code.lengths;
    const codes = this.#codes;
    const bytes = bits.bytes;
    let length = bits.length;
    let waiting = 0;
    let count = 0;
    for (let at = end - 1; at >= start; at--) {
      const symbol = literals[at] as number;
      waiting |= (codes[symbol] as number) << count;
      count += lengths[symbol] as number;
      if (count >= 16) {
        bytes[length++] = waiting;
        bytes[length++] = waiting >>> 8;
        waiting >>>= 16;
        count -= 16;
      }
    }
    bits.length = length;
    bits.put(waiting, count);
    bits.close();
  }
}

function writePlainHeader(type: number, count: number, bits: BitWriter): void {
  if (count < 32) bits.put(type | count << 3, 8);
  else if (count < 4096) bits.put(type | 1 << 2 | count << 4, 16);
  else bits.put(type | 3 << 2 | count << 4, 24);
}

/** Writes weights with two states that take turns; tells whether that can be done. §4.2.1.2 */
function compressWeights(weights: readonly number[], bits: BitWriter): boolean {
  const counts = new Uint16Array(MAX_CODE_BITS + 1);
  for (const weight of weights) (counts[weight] as number)++;
  if (weights.length < 3 || counts.some((count) => count === weights.length)) return false;
  let symbols = counts.length;
  while (counts[symbols - 1] === 0) symbols--;
  const used = counts.subarray(0, symbols);
  const log = tableLog(weights.length, symbols, MAX_WEIGHT_LOG);
  const parts = normalize(used, weights.length, log);
  const table = fseTable(parts, log);
  writeTable(parts, log, bits);
  // The state of the first weight is the last to be written.
  const states = [0, 0];
  const last = weights.length - 1;
  for (let at = last; at >= 0; at--) {
    const weight = weights[at] as number;
    states[at & 1] = at > last - 2
      ? firstState(table, weight)
      : encodeSymbol(table, states[at & 1] as number, weight, bits);
  }
  flushState(table, states[1] as number, bits);
  flushState(table, states[0] as number, bits);
  bits.close();
  return true;
}
