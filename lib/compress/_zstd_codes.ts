// The codes of lengths and offsets in zstd sequences, and their predefined distributions: RFC 8878
// §3.1.1.3.2.1.1 and §3.1.1.3.2.2.

/** Numbers that are written as a code, which an FSE state has, and bits behind it. */
export interface Codes {
  /** The first number of each code. */
  readonly base: Int32Array;
  readonly extraBits: Uint8Array;
  /** The probabilities of the predefined table, in parts of 2 ^ `predefinedLog`; -1 is less than one. */
  readonly predefined: readonly number[];
  readonly predefinedLog: number;
  /** The most that the accuracy of a table of a block may be. */
  readonly maxLog: number;
}

/** Numbers up to this one have a code each, the next ones are few enough for a table. */
const TABLE_NUMBERS = 256;

function codes(
  first: number,
  extraBits: readonly number[],
  predefined: readonly number[],
): Codes {
  const base = new Int32Array(extraBits.length);
  let next = first;
  extraBits.forEach((bits, code) => {
    base[code] = next;
    next += 1 << bits;
  });
  return { base, extraBits: Uint8Array.from(extraBits), predefined, predefinedLog: 6, maxLog: 9 };
}

// deno-fmt-ignore
export const LITERAL_LENGTH_CODES: Codes = codes(
  0,
  [
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 3, 3, 4, 6, 7, 8, 9, 10, 11, 12,
    13, 14, 15, 16,
  ],
  [
    4, 3, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 1, 1, 1, 2, 2, 2, 2, 2, 2, 2, 2, 2, 3, 2, 1, 1, 1, 1, 1,
    -1, -1, -1, -1,
  ],
);

/** The shortest match that a sequence has. */
export const MIN_MATCH_BYTES = 3;

// deno-fmt-ignore
export const MATCH_LENGTH_CODES: Codes = codes(
  MIN_MATCH_BYTES,
  [
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
    1, 1, 1, 1, 2, 2, 3, 3, 4, 4, 5, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16,
  ],
  [
    1, 4, 3, 2, 2, 2, 2, 2, 2, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
    1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, -1, -1, -1, -1, -1, -1, -1,
  ],
);

// An offset value has as many bits as its code says.
export const OFFSET_CODES: Codes = {
  base: Int32Array.from({ length: 29 }, (_, code) => 1 << code),
  extraBits: Uint8Array.from({ length: 29 }, (_, code) => code),
  // deno-fmt-ignore
  predefined: [
    1, 1, 1, 1, 1, 1, 2, 2, 2, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, -1, -1, -1, -1, -1,
  ],
  predefinedLog: 5,
  maxLog: 8,
};

function shortCodes({ base, extraBits }: Codes): Uint8Array {
  const table = new Uint8Array(TABLE_NUMBERS);
  base.forEach((first, code) =>
    table.fill(code, first, first + (1 << (extraBits[code] as number)))
  );
  return table;
}

const LITERAL_LENGTH_CODE = shortCodes(LITERAL_LENGTH_CODES);
const MATCH_LENGTH_CODE = shortCodes(MATCH_LENGTH_CODES);

/** The code of a number of literals. */
export function literalLengthCode(length: number): number {
  return length < TABLE_NUMBERS ? LITERAL_LENGTH_CODE[length] as number : 50 - Math.clz32(length);
}

/** The code of the length of a match. */
export function matchLengthCode(length: number): number {
  if (length < TABLE_NUMBERS) return MATCH_LENGTH_CODE[length] as number;
  return 67 - Math.clz32(length - MIN_MATCH_BYTES);
}

/** The code of an offset value. */
export function offsetCode(value: number): number {
  return 31 - Math.clz32(value);
}
