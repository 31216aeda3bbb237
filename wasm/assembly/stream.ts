// deno-fmt-ignore-file: the formatter drops the decorators of AssemblyScript
// The state of the stream that is being inflated, apart from its bits.
import { position } from "./bit_reader";
import { WINDOW_OUTPUT } from "./memory";

export const enum State {
  // gzip (RFC 1952)
  Magic,
  FixedHeader,
  ExtraLength,
  Extra,
  Name,
  Comment,
  HeaderCrc,
  Trailer,
  Zeros,
  // deflate (RFC 1951)
  Resumed,
  BlockHeader,
  StoredLengths,
  Stored,
  Counts,
  Precode,
  Lengths,
  Symbols,
}

export let state: State = State.Magic;
export let isRaw: bool = false;
/** The host takes the CRC-32 of the output itself. */
export let isCheckedByHost: bool = false;
/** The host wants to be told of boundaries. */
export let tellsBoundaries: bool = false;
/** Bits of the first byte that are before the block to go on at. */
export let resumeBit: u32 = 0;
/** The host has no more input. */
export let isEnded: bool = false;
/** Bytes of the present header field, or of magic or trailer, that were taken. */
export let fieldBytes: u32 = 0;
export let isLastBlock: bool = false;

/** Where the next byte of output goes. */
export let out: usize = WINDOW_OUTPUT;
/** The output up to here was given to the host, and up to there is in the CRC. */
export let given: usize = WINDOW_OUTPUT;
export let checked: usize = WINDOW_OUTPUT;
/** The first byte that a distance may reach: the member's first, as far as the window has it. */
export let memberStart: usize = WINDOW_OUTPUT;

export let memberCrc: u32 = 0;
export let memberBytes: u32 = 0;
export let members: u32 = 0;
/** The end of the last member that ended well, in bytes of the stream. */
export let goodBytes: u64 = 0;

/** Takes note that everything up to here was good. */
export function endMember(): void {
  members++;
  goodBytes = position();
}

export function resetStream(raw: bool, checkedByHost: bool, boundaries: bool): void {
  state = raw ? State.BlockHeader : State.Magic;
  isRaw = raw;
  isCheckedByHost = checkedByHost;
  tellsBoundaries = boundaries;
  isEnded = false;
  fieldBytes = 0;
  isLastBlock = false;
  out = WINDOW_OUTPUT;
  given = WINDOW_OUTPUT;
  checked = WINDOW_OUTPUT;
  memberStart = WINDOW_OUTPUT;
  memberCrc = 0;
  memberBytes = 0;
  members = 0;
  goodBytes = 0;
}

/** Goes on at a block that begins behind `bit` bits, with `historyBytes` bytes before the output. */
export function resumeStream(bit: u32, historyBytes: u32): void {
  state = State.Resumed;
  resumeBit = bit;
  memberStart = WINDOW_OUTPUT - historyBytes;
}
