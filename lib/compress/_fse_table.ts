// Finite State Entropy, the table-driven asymmetric coder of zstd (RFC 8878 §4.1). The state is
// kept with the size of the table added, so that the bits that leave it are its low ones.
import type { BitWriter } from "./_backward_bits.ts";

/** Fractions of a bit in which costs are counted. */
export const COST_UNIT = 256;
const MAX_TABLE_LOG = 9;
const MIN_TABLE_LOG = 5;

/** Binary logarithms in parts of COST_UNIT. Squared, not computed by the host: all have the same. */
const LOG2 = Uint16Array.from({ length: (1 << MAX_TABLE_LOG) + 1 }, (_, value) => {
  if (value === 0) return 0;
  const whole = 31 - Math.clz32(value);
  let fraction = value / (1 << whole);
  let log = whole;
  for (let part = 2; part <= COST_UNIT; part *= 2) {
    fraction *= fraction;
    log *= 2;
    if (fraction >= 2) {
      fraction /= 2;
      log++;
    }
  }
  return log;
});

/** A table to encode with. */
export interface FSETable {
  readonly log: number;
  /** The probabilities of the symbols in parts of 2 ^ `log`; -1 is less than one. */
  readonly parts: ArrayLike<number>;
  /** The next states, those of one symbol next to each other. */
  readonly next: Uint16Array;
  /** Where the next states of a symbol begin, less its part. */
  readonly starts: Int32Array;
  /** Bits that leave the state << 16, less the least state that loses that many. */
  readonly widths: Int32Array;
}

/**
 * Chooses the accuracy of a table for symbols that come `total` times in all: what a finer one
 * saves is less than what it takes to describe.
 */
export function tableLog(total: number, symbols: number, maxLog: number): number {
  const most = Math.max(Math.min(maxLog, 29 - Math.clz32(total - 1)), MIN_TABLE_LOG);
  return Math.min(Math.max(most, 33 - Math.clz32(symbols)), maxLog);
}

/** Turns counts into parts of 2 ^ `log`: none is 0 that occurs. Two symbols must occur. */
export function normalize(counts: ArrayLike<number>, total: number, log: number): Int16Array {
  const size = 1 << log;
  const parts = new Int16Array(counts.length);
  let left = size;
  for (let symbol = 0; symbol < counts.length; symbol++) {
    const count = counts[symbol] as number;
    if (count === 0) continue;
    const part = Math.max(Math.floor(count * size / total + 0.5), 1);
    parts[symbol] = part;
    left -= part;
  }
  // What is over or missing goes where it changes the cost least.
  for (; left !== 0; left -= Math.sign(left)) {
    let chosen = 0;
    let best = left > 0 ? -1 : Infinity;
    for (let symbol = 0; symbol < parts.length; symbol++) {
      const part = parts[symbol] as number;
      const count = counts[symbol] as number;
      const gain = left > 0 ? count / (part + 0.5) : count / (part - 0.5);
      if (left > 0 ? part > 0 && gain > best : part > 1 && gain < best) {
        best = gain;
        chosen = symbol;
      }
    }
    parts[chosen] = (parts[chosen] as number) + Math.sign(left);
  }
  return parts;
}

/** The bits that symbols take with a table, in parts of COST_UNIT; infinite where it lacks one. */
export function costOf(
  counts: ArrayLike<number>,
  parts: ArrayLike<number>,
  log: number,
): number {
  let cost = 0;
  for (let symbol = 0; symbol < counts.length; symbol++) {
    const count = counts[symbol] as number;
    if (count === 0) continue;
    const part = parts[symbol] ?? 0;
    if (part === 0) return Infinity;
    cost += count * (log * COST_UNIT - (LOG2[Math.abs(part)] as number));
  }
  return cost;
}

/** Makes a table of the parts. RFC 8878 §4.1.1. */
export function fseTable(parts: ArrayLike<number>, log: number): FSETable {
  const size = 1 << log;
  const symbols = spread(parts, log);
  const starts = new Int32Array(parts.length);
  const widths = new Int32Array(parts.length);
  const places = new Int32Array(parts.length);
  let first = 0;
  for (let symbol = 0; symbol < parts.length; symbol++) {
    const part = Math.abs(parts[symbol] as number);
    if (part === 0) continue;
    const width = log - (part === 1 ? 0 : 31 - Math.clz32(part - 1));
    widths[symbol] = (width << 16) - (part === 1 ? size : part << width);
    starts[symbol] = first - part;
    places[symbol] = first;
    first += part;
  }
  const next = new Uint16Array(size);
  symbols.forEach((symbol, state) => {
    next[(places[symbol] as number)++] = size + state;
  });
  return { log, parts, next, starts, widths };
}

/** Gives each state its symbol. */
function spread(parts: ArrayLike<number>, log: number): Uint8Array {
  const size = 1 << log;
  const symbols = new Uint8Array(size);
  let high = size - 1;
  for (let symbol = 0; symbol < parts.length; symbol++) {
    if (parts[symbol] === -1) symbols[high--] = symbol;
  }
  const step = (size >> 1) + (size >> 3) + 3;
  let state = 0;
  for (let symbol = 0; symbol < parts.length; symbol++) {
    for (let left = parts[symbol] as number; left > 0; left--) {
      symbols[state] = symbol;
      do state = state + step & size - 1; while (state > high);
    }
  }
  return symbols;
}

/** The state that a symbol starts with: the one that takes the fewest bits. */
export function firstState({ next, starts, widths }: FSETable, symbol: number): number {
  const delta = widths[symbol] as number;
  const width = delta + 0x8000 >> 16;
  const state = (width << 16) - delta;
  return next[(state >> width) + (starts[symbol] as number)] as number;
}

/** Writes the bits that leave a state for a symbol, and gives the next one. */
export function encodeSymbol(
  { next, starts, widths }: FSETable,
  state: number,
  symbol: number,
  bits: BitWriter,
): number {
  const width = state + (widths[symbol] as number) >> 16;
  bits.put(state & (1 << width) - 1, width);
  return next[(state >> width) + (starts[symbol] as number)] as number;
}

/** Writes the last state. */
export function flushState({ log }: FSETable, state: number, bits: BitWriter): void {
  bits.put(state & (1 << log) - 1, log);
}

/** Describes a table. RFC 8878 §4.1.1: what no probability needs any more shortens the next ones. */
export function writeTable(parts: ArrayLike<number>, log: number, bits: BitWriter): void {
  bits.put(log - MIN_TABLE_LOG, 4);
  let left = (1 << log) + 1;
  let threshold = 1 << log;
  let width = log + 1;
  for (let symbol = 0; left > 1;) {
    const part = parts[symbol++] as number;
    left -= Math.abs(part);
    const free = 2 * threshold - 1 - left - Math.abs(part);
    let value = part + 1;
    if (value >= threshold) value += free;
    bits.put(value, value < free ? width - 1 : width);
    if (part === 0) symbol = writeZeros(parts, symbol, bits);
    while (left < threshold) {
      threshold >>= 1;
      width--;
    }
  }
  bits.align();
}

/** Writes how many more zeros follow a zero, in steps of three. */
function writeZeros(parts: ArrayLike<number>, symbol: number, bits: BitWriter): number {
  let zeros = 0;
  while (parts[symbol + zeros] === 0) zeros++;
  let left = zeros;
  for (; left >= 3; left -= 3) bits.put(3, 2);
  bits.put(left, 2);
  return symbol + zeros;
}
