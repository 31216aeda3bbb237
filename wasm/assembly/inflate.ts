// deno-fmt-ignore-file: the formatter drops the decorators of AssemblyScript
// Inflate
// =======
//
// Decompresses gzip files of any number of members (RFC 1952), or a raw deflate stream (RFC 1951),
// from pieces of input of any size, in fixed memory.
//
// The host writes a piece to INPUT, calls inflateInput, and then inflateRun until that gives
// NEED_INPUT. A run ends when the input is used up, when the window is full, when the stream has
// ended, or at an error; what it has put out so far lies at inflateOutput and stays there until the
// next run. After the last piece the host calls inflateEnd and runs again until ENDED.
//
// The stream is a state machine. Each state takes from the bit buffer what it needs in one go, or
// waits without having taken anything: that is what makes any split of the input give the same
// output. The bit buffer of 64 bits is the only place where input is carried from one piece to the
// next; a piece is always used up before more is asked for. (A buffer that keeps unread bytes of
// the last piece has to hand bytes back when a stored block or a trailer begins, which goes wrong
// when the piece before was tiny. There is nothing to hand back here: stored blocks and trailers
// begin with what the bit buffer still holds.)
//
// Symbols, which are nearly all of the work, have two loops (symbols.ts). The fast one runs while
// 16 bytes of input are left, which is more than one turn can use, so that it does not look at the
// end of the input but once a turn; and the window has enough slack behind its end that it does not
// look at the end of the output but once a turn either. The careful one does the last bytes of
// each piece. The fast loop is libdeflate's, fitted to WebAssembly:
//
//   - A table entry holds all that decoding a symbol needs (code_tables.ts), so that a turn is: one
//     load, one shift, and a branch on what the entry is.
//   - A refill has no branch: load eight bytes at the read pointer, shift them behind the bits that
//     are there, OR, and advance by the whole bytes that fitted. What did not fit is loaded again.
//   - The bit buffer is kept shifted left by two. Masked, it is then the offset of the entry, not
//     its index, which saves a shift for every symbol.
//   - Two literals with short codes are decoded as one symbol, and up to three entries of literals
//     between two refills.
//   - The entry behind that of literals is loaded before it is asked whether they are literals, so
//     that a processor that guessed wrong has it all the same.
//   - Matches are copied in three vectors at once, without looking whether the others are needed;
//     those of a distance below 16 are a pattern that fills a vector.
//
// The window is the 32 KiB of history that distances may reach, and 128 KiB of output. When a run
// has filled it, the next run first moves the last 32 KiB to the front. A distance is checked
// against the start of its member, so that nothing of the member before, or of the stream before
// in the same memory, can be read.
//
// The CRC-32 is taken of a full window, and of what there is at a trailer: long pieces take less time
// and are still in the cache. Where the host has an instruction for it that WebAssembly lacks, the
// host does that instead, run by run; a run then ends with each member, so that its output is of one
// member and the host's CRC is there when the trailer is read.
//
// A host that asks for it is told of boundaries, where a block or a member begins: a run ends there.
// The position, the bits that are left of its last byte and the 32 KiB before it are all it takes to
// go on from there later, in a stream of its own.
//
// The limits: a window of 32 KiB, fields of gzip headers of 64 KiB. Code tables are bounded by the
// number of symbols. What is accepted and refused is what zlib accepts and refuses, except that
// zeros may follow the last member, and that header CRCs are always checked.
import { bitsLeft, position, resetInput, setInput } from "./bit_reader";
import {
  copyStored,
  readBlockHeader,
  readCounts,
  readLengths,
  readPrecode,
  readResumed,
  readStoredLengths,
} from "./blocks";
import { checkOutput, readHeader, readMagic, readTrailer, skipZeros } from "./member";
import { HISTORY_BYTES, WINDOW, WINDOW_LIMIT, WINDOW_OUTPUT } from "./memory";
import { ENDED, NEED_INPUT, TRAILING_BYTES, TRUNCATED } from "./status";
import {
  checked,
  fieldBytes,
  given,
  goodBytes,
  isCheckedByHost,
  isEnded,
  memberCrc,
  members,
  memberStart,
  out,
  resetStream,
  resumeStream,
  State,
  state,
} from "./stream";
import { decodeSymbols } from "./symbols";

/**
 * Begins a new stream: gzip, or raw deflate when `raw` is 1. When `checkedByHost` is 1 the host
 * takes the CRC-32 of the output itself, and gives it with inflateSetCrc after each run. When
 * `boundaries` is 1 a run also ends at each boundary.
 */
export function inflateStart(raw: u32, checkedByHost: u32, boundaries: u32): void {
  resetInput();
  resetStream(raw !== 0, checkedByHost !== 0, boundaries !== 0);
}

/**
 * Goes on in a raw stream just begun, at a block. The host writes the history before inflateOutput;
 * the input begins with the byte that the block begins in, behind `bit` bits.
 */
export function inflateResume(bit: u32, historyBytes: u32): void {
  resumeStream(bit, historyBytes);
}

/** The bits of the last byte of inflatePosition that are still to be used. */
export function inflateBitsLeft(): u32 {
  return bitsLeft();
}

/** The CRC-32 of the member at work, as far as its output was checked. */
export function inflateCrc(): u32 {
  return memberCrc;
}

export function inflateSetCrc(crc: u32): void {
  memberCrc = crc;
}

/** Says that the host has written `bytes` bytes to INPUT. The input before was used up. */
export function inflateInput(bytes: u32): void {
  setInput(bytes);
}

/** Says that there is no more input. */
export function inflateEnd(): void {
  isEnded = true;
}

/** Where the output of the last run lies, and how long it is. */
export function inflateOutput(): u32 {
  return <u32>given;
}

export function inflateOutputBytes(): u32 {
  return <u32>(out - given);
}

/** Bytes of the stream that were used, and those up to the end of the last good member. */
export function inflatePosition(): f64 {
  return <f64>position();
}

export function inflateGoodBytes(): f64 {
  return <f64>goodBytes;
}

/** Members that ended well; 1 when a raw stream has. */
export function inflateMembers(): u32 {
  return members;
}

/** Runs until there is something for the host to do; gives a status. */
export function inflateRun(): i32 {
  given = out;
  if (out >= WINDOW_LIMIT) slide();
  let status = ENDED;
  while (status === ENDED) status = step();
  if (status === NEED_INPUT && isEnded) status = atEnd();
  if (isCheckedByHost) checkOutput();
  return status;
}

/** Moves the history to the front of the window. */
function slide(): void {
  checkOutput();
  const distance = out - WINDOW_OUTPUT;
  memory.copy(WINDOW, out - HISTORY_BYTES, HISTORY_BYTES);
  out = WINDOW_OUTPUT;
  given = WINDOW_OUTPUT;
  checked = WINDOW_OUTPUT;
  memberStart = max(memberStart - distance, WINDOW);
}

/** Whether the stream may end where it is. */
function atEnd(): i32 {
  if (state === State.Zeros) return ENDED;
  if (state === State.Magic && members > 0) return fieldBytes === 0 ? ENDED : TRAILING_BYTES;
  return TRUNCATED;
}

/** Does one state; ENDED when another one follows. */
function step(): i32 {
  switch (state) {
    case State.Magic:
      return readMagic();
    case State.Trailer:
      return readTrailer();
    case State.Zeros:
      return skipZeros();
    case State.Resumed:
      return readResumed();
    case State.BlockHeader:
      return readBlockHeader();
    case State.StoredLengths:
      return readStoredLengths();
    case State.Stored:
      return copyStored();
    case State.Counts:
      return readCounts();
    case State.Precode:
      return readPrecode();
    case State.Lengths:
      return readLengths();
    case State.Symbols:
      return decodeSymbols();
    default:
      return readHeader();
  }
}
