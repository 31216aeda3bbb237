// deno-fmt-ignore-file: the formatter drops the decorators of AssemblyScript
// Blocks of deflate (RFC 1951 §3.2.3): their headers, stored blocks, and the code lengths of
// dynamic ones. Symbols are decoded in symbols.ts.
import { alignToByte, bitCount, bits, inputEnd, need, next, take } from "./bit_reader";
import { buildDistanceTable, buildLiteralTable } from "./code_tables";
import {
  FIXED_LENGTHS,
  LENGTH_COUNTS,
  LENGTH_OFFSETS,
  LENGTHS,
  PRECODE_LENGTHS,
  PRECODE_TABLE,
  WINDOW_LIMIT,
} from "./memory";
import { reversedCode } from "./reversed_code";
import {
  BAD_BLOCK_TYPE,
  BAD_DISTANCE_CODE,
  BAD_LITERAL_CODE,
  BAD_PRECODE,
  BAD_REPEAT,
  BAD_STORED_LENGTH,
  BLOCK_BOUNDARY,
  ENDED,
  NEED_INPUT,
  NO_END_OF_BLOCK,
  TOO_MANY_CODES,
  WINDOW_FULL,
} from "./status";
import {
  endMember,
  fieldBytes,
  isLastBlock,
  isRaw,
  out,
  resumeBit,
  State,
  state,
  tellsBoundaries,
} from "./stream";

const STORED: u32 = 0;
const FIXED: u32 = 1;
const DYNAMIC: u32 = 2;

const END_OF_BLOCK: u32 = 256;
const PRECODE_SYMBOLS: u32 = 19;
const PRECODE_MAX_BITS: u32 = 7;
const PRECODE_ENTRIES: u32 = 1 << PRECODE_MAX_BITS;

// RFC 1951 §3.2.7: the order in which the lengths of the code length code come.
// deno-fmt-ignore
const PRECODE_ORDER: usize = memory.data<u8>([
  16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15,
]);

/** Bytes of the stored block that are left. */
let storedBytes: u32 = 0;
let literalCodes: u32 = 0;
let distanceCodes: u32 = 0;
let precodeCodes: u32 = 0;
/** Code lengths read so far, first of the precode and then of the block. */
let lengthsRead: u32 = 0;

// Every function here gives a status: ENDED when it is done with its part and another follows.

export function readResumed(): i32 {
  if (!need(8)) return NEED_INPUT;
  take(resumeBit);
  state = State.BlockHeader;
  return ENDED;
}

export function readBlockHeader(): i32 {
  if (!need(3)) return NEED_INPUT;
  isLastBlock = take(1) === 1;
  switch (take(2)) {
    case STORED:
      alignToByte();
      state = State.StoredLengths;
      return ENDED;
    case FIXED:
      buildFixedCode();
      state = State.Symbols;
      return ENDED;
    case DYNAMIC:
      state = State.Counts;
      return ENDED;
    default:
      return BAD_BLOCK_TYPE;
  }
}

export function readStoredLengths(): i32 {
  if (!need(32)) return NEED_INPUT;
  const length = take(16);
  if (take(16) !== (length ^ 0xffff)) return BAD_STORED_LENGTH;
  storedBytes = length;
  state = State.Stored;
  return ENDED;
}

export function copyStored(): i32 {
  while (storedBytes > 0) {
    const room = <u32>(WINDOW_LIMIT - out);
    if (out >= WINDOW_LIMIT) return WINDOW_FULL;
    // The bit buffer holds whole bytes that come first.
    if (bitCount > 0) {
      store<u8>(out++, <u8>take(8));
      storedBytes--;
      continue;
    }
    const bytes = min(min(storedBytes, room), <u32>(inputEnd - next));
    if (bytes === 0) return NEED_INPUT;
    memory.copy(out, next, bytes);
    next += bytes;
    out += bytes;
    storedBytes -= bytes;
  }
  return endBlock();
}

export function endBlock(): i32 {
  if (!isLastBlock) {
    state = State.BlockHeader;
    return tellsBoundaries ? BLOCK_BOUNDARY : ENDED;
  }
  alignToByte();
  fieldBytes = 0;
  if (isRaw) endMember();
  state = isRaw ? State.Zeros : State.Trailer;
  return ENDED;
}

function buildFixedCode(): void {
  memory.copy(LENGTHS, FIXED_LENGTHS, 320);
  buildLiteralTable(288, isLastBlock);
  buildDistanceTable(LENGTHS + 288, 32);
}

/** RFC 1951 §3.2.7. As zlib, refuses codes for symbols that have no meaning. */
export function readCounts(): i32 {
  if (!need(14)) return NEED_INPUT;
  literalCodes = take(5) + 257;
  distanceCodes = take(5) + 1;
  precodeCodes = take(4) + 4;
  if (literalCodes > 286 || distanceCodes > 30) return TOO_MANY_CODES;
  memory.fill(PRECODE_LENGTHS, 0, PRECODE_SYMBOLS);
  lengthsRead = 0;
  state = State.Precode;
  return ENDED;
}

export function readPrecode(): i32 {
  for (; lengthsRead < precodeCodes; lengthsRead++) {
    if (!need(3)) return NEED_INPUT;
    store<u8>(PRECODE_LENGTHS + <usize>load<u8>(PRECODE_ORDER + lengthsRead), <u8>take(3));
  }
  if (!buildPrecodeTable()) return BAD_PRECODE;
  lengthsRead = 0;
  state = State.Lengths;
  return ENDED;
}

/** An entry is symbol << 3 | length. `false` when the lengths make no complete code. */
function buildPrecodeTable(): bool {
  memory.fill(LENGTH_COUNTS, 0, (PRECODE_MAX_BITS + 1) << 2);
  for (let symbol: u32 = 0; symbol < PRECODE_SYMBOLS; symbol++) {
    const at = LENGTH_COUNTS + (<u32>load<u8>(PRECODE_LENGTHS + symbol) << 2);
    store<u32>(at, load<u32>(at) + 1);
  }
  let code: u32 = 0;
  for (let length: u32 = 1; length <= PRECODE_MAX_BITS; length++) {
    store<u32>(LENGTH_OFFSETS + (length << 2), code);
    code = (code + load<u32>(LENGTH_COUNTS + (length << 2))) << 1;
  }
  // `code` is now twice the code after the last one: exactly 2^8 when the code is complete.
  if (code !== PRECODE_ENTRIES << 1) return false;
  for (let symbol: u32 = 0; symbol < PRECODE_SYMBOLS; symbol++) {
    const length = <u32>load<u8>(PRECODE_LENGTHS + symbol);
    if (length === 0) continue;
    const at = LENGTH_OFFSETS + (length << 2);
    const next = load<u32>(at);
    store<u32>(at, next + 1);
    for (let index = reversedCode(next, length); index < PRECODE_ENTRIES; index += 1 << length) {
      store<u8>(PRECODE_TABLE + index, <u8>(symbol << 3 | length));
    }
  }
  return true;
}

export function readLengths(): i32 {
  const total = literalCodes + distanceCodes;
  while (lengthsRead < total) {
    // A symbol of 7 bits and its 7 extra bits at most; with less at the end of the input, the
    // zeros above the bits that are there can only make the entry longer than they are.
    need(14);
    const entry = <u32>load<u8>(PRECODE_TABLE + (<u32>bits & (PRECODE_ENTRIES - 1)));
    const length = entry & 7;
    const symbol = entry >> 3;
    if (symbol < 16) {
      if (length > bitCount) return NEED_INPUT;
      take(length);
      store<u8>(LENGTHS + lengthsRead++, <u8>symbol);
      continue;
    }
    const extraBits: u32 = symbol === 16 ? 2 : symbol === 17 ? 3 : 7;
    if (length + extraBits > bitCount) return NEED_INPUT;
    take(length);
    const repeats = take(extraBits) + (symbol === 18 ? 11 : 3);
    if (lengthsRead + repeats > total) return BAD_REPEAT;
    let repeated: u8 = 0;
    if (symbol === 16) {
      if (lengthsRead === 0) return BAD_REPEAT;
      repeated = load<u8>(LENGTHS + lengthsRead - 1);
    }
    // In vectors; what is too much is overwritten by the next lengths, or is behind the last one.
    const end = lengthsRead + repeats;
    const vector = i8x16.splat(repeated);
    for (; lengthsRead < end; lengthsRead += 16) v128.store(LENGTHS + lengthsRead, vector);
    lengthsRead = end;
  }
  if (load<u8>(LENGTHS + END_OF_BLOCK) === 0) return NO_END_OF_BLOCK;
  if (!buildLiteralTable(literalCodes, isLastBlock)) return BAD_LITERAL_CODE;
  if (!buildDistanceTable(LENGTHS + literalCodes, distanceCodes)) return BAD_DISTANCE_CODE;
  state = State.Symbols;
  return ENDED;
}
