// Writes the sequences of a block: three numbers each, with an FSE table for each kind of number
// (RFC 8878 §3.1.1.3.2).
import { BitWriter } from "./_backward_bits.ts";
import {
  COST_UNIT,
  costOf,
  encodeSymbol,
  firstState,
  flushState,
  type FSETable,
  fseTable,
  normalize,
  tableLog,
  writeTable,
} from "./_fse_table.ts";
import {
  type Codes,
  LITERAL_LENGTH_CODES,
  literalLengthCode,
  MATCH_LENGTH_CODES,
  matchLengthCode,
  OFFSET_CODES,
  offsetCode,
} from "./_zstd_codes.ts";

/** What a block is made of: literals, a match, literals, a match … and literals. */
export interface Sequences {
  count: number;
  readonly literalLengths: Int32Array;
  readonly matchLengths: Int32Array;
  readonly offsets: Int32Array;
}

const PREDEFINED = 0;
const RLE = 1;
const COMPRESSED = 2;

/** The codes of one kind of number in a block. */
class CodeStream {
  readonly codes: Codes;
  readonly symbols: Uint8Array;
  readonly description = new BitWriter(64);
  readonly #counts: Uint32Array;
  readonly #predefined: FSETable;

  constructor(codes: Codes, capacity: number) {
    this.codes = codes;
    this.symbols = new Uint8Array(capacity);
    this.#counts = new Uint32Array(codes.extraBits.length);
    this.#predefined = fseTable(codes.predefined, codes.predefinedLog);
  }

  /** Chooses the table that is cheapest together with its description. */
  choose(count: number): { mode: number; table: FSETable } {
    const counts = this.#counts.fill(0);
    for (let at = 0; at < count; at++) (counts[this.symbols[at] as number] as number)++;
    const { description } = this;
    description.clear();
    const first = this.symbols[0] as number;
    const { predefined, predefinedLog, maxLog } = this.codes;
    const predefinedCost = costOf(counts, predefined, predefinedLog);
    if (counts[first] === count) {
      if (predefinedCost <= 8 * COST_UNIT) return { mode: PREDEFINED, table: this.#predefined };
      description.put(first, 8);
      return { mode: RLE, table: constantTable(first) };
    }
    let symbols = counts.length;
    while (counts[symbols - 1] === 0) symbols--;
    const log = tableLog(count, symbols, maxLog);
    const parts = normalize(counts.subarray(0, symbols), count, log);
    writeTable(parts, log, description);
    const cost = costOf(counts, parts, log) + description.length * 8 * COST_UNIT;
    if (predefinedCost > cost) return { mode: COMPRESSED, table: fseTable(parts, log) };
    description.clear();
    return { mode: PREDEFINED, table: this.#predefined };
  }
}

/** A table of one state, which no bits leave. */
function constantTable(symbol: number): FSETable {
  return {
    log: 0,
    parts: [],
    next: Uint16Array.of(1),
    starts: new Int32Array(symbol + 1).fill(-1),
    widths: new Int32Array(symbol + 1).fill(-1),
  };
}

export class SequencesWriter {
  readonly #literalLengths: CodeStream;
  readonly #matchLengths: CodeStream;
  readonly #offsets: CodeStream;
  readonly #values: Int32Array;
  /** The last three offsets, at the end of the block before. */
  readonly #repeats = Int32Array.of(1, 4, 8);
  readonly #nextRepeats = new Int32Array(3);

  constructor(capacity: number) {
    this.#literalLengths = new CodeStream(LITERAL_LENGTH_CODES, capacity);
    this.#matchLengths = new CodeStream(MATCH_LENGTH_CODES, capacity);
    this.#offsets = new CodeStream(OFFSET_CODES, capacity);
    this.#values = new Int32Array(capacity);
  }

  /** Writes the section. */
  write(sequences: Sequences, bits: BitWriter): void {
    const { count } = sequences;
    this.#nextRepeats.set(this.#repeats);
    writeCount(count, bits);
    if (count === 0) return;
    this.#findCodes(sequences);
    const literalLengths = this.#literalLengths.choose(count);
    const offsets = this.#offsets.choose(count);
    const matchLengths = this.#matchLengths.choose(count);
    bits.put(literalLengths.mode << 6 | offsets.mode << 4 | matchLengths.mode << 2, 8);
    for (const { description } of [this.#literalLengths, this.#offsets, this.#matchLengths]) {
      bits.putBytes(description.bytes.subarray(0, description.length));
    }
    this.#writeCodes(sequences, literalLengths.table, offsets.table, matchLengths.table, bits);
  }

  /** Says that the block was written so: its offsets may be repeated. */
  commit(): void {
    this.#repeats.set(this.#nextRepeats);
  }

  #findCodes({ count, literalLengths, matchLengths, offsets }: Sequences): void {
    const values = this.#values;
    const repeats = this.#nextRepeats;
    let [first = 0, second = 0, third = 0] = repeats;
    for (let at = 0; at < count; at++) {
      const literals = literalLengths[at] as number;
      const offset = offsets[at] as number;
      // RFC 8878 §3.1.1.5: without literals the numbers of repeats stand for others.
      let value = offset + 3;
      if (offset === first && literals > 0) value = 1;
      else if (offset === second) value = literals > 0 ? 2 : 1;
      else if (offset === third) value = literals > 0 ? 3 : 2;
      else if (literals === 0 && offset === first - 1) value = 3;
      // The number decides, not the offset: the third may be the first once more.
      const place = value > 3 ? 3 : value - Number(literals > 0);
      if (place > 1) third = second;
      if (place > 0) {
        second = first;
        first = offset;
      }
      values[at] = value;
      this.#literalLengths.symbols[at] = literalLengthCode(literals);
      this.#matchLengths.symbols[at] = matchLengthCode(matchLengths[at] as number);
      this.#offsets.symbols[at] = offsetCode(value);
    }
    repeats.set([first, second, third]);
  }

  #writeCodes(
    { count, literalLengths, matchLengths }: Sequences,
    literalTable: FSETable,
    offsetTable: FSETable,
    matchTable: FSETable,
    bits: BitWriter,
  ): void {
    const values = this.#values;
    const literalSymbols = this.#literalLengths.symbols;
    const matchSymbols = this.#matchLengths.symbols;
    const offsetSymbols = this.#offsets.symbols;
    let literalState = 0;
    let offsetState = 0;
    let matchState = 0;
    // What is written last is read first.
    for (let at = count - 1; at >= 0; at--) {
      const literal = literalSymbols[at] as number;
      const match = matchSymbols[at] as number;
      const offset = offsetSymbols[at] as number;
      if (at === count - 1) {
        matchState = firstState(matchTable, match);
        offsetState = firstState(offsetTable, offset);
        literalState = firstState(literalTable, literal);
      } else {
        offsetState = encodeSymbol(offsetTable, offsetState, offset, bits);
        matchState = encodeSymbol(matchTable, matchState, match, bits);
        literalState = encodeSymbol(literalTable, literalState, literal, bits);
      }
      putExtra(LITERAL_LENGTH_CODES, literal, literalLengths[at] as number, bits);
      putExtra(MATCH_LENGTH_CODES, match, matchLengths[at] as number, bits);
      putExtra(OFFSET_CODES, offset, values[at] as number, bits);
    }
    flushState(matchTable, matchState, bits);
    flushState(offsetTable, offsetState, bits);
    flushState(literalTable, literalState, bits);
    bits.close();
  }
}

function putExtra(codes: Codes, code: number, value: number, bits: BitWriter): void {
  bits.put(value - (codes.base[code] as number), codes.extraBits[code] as number);
}

/** RFC 8878 §3.1.1.3.2.1 */
function writeCount(count: number, bits: BitWriter): void {
  if (count < 128) return bits.put(count, 8);
  if (count < 0x7f00) {
    bits.put((count >> 8) + 128, 8);
    return bits.put(count & 255, 8);
  }
  bits.put(255, 8);
  bits.put(count - 0x7f00, 16);
}
