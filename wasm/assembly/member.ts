// deno-fmt-ignore-file: the formatter drops the decorators of AssemblyScript
// Gzip members (RFC 1952 §2.3): headers byte by byte, trailers, and what follows the last one.
import { need, take, takeByte } from "./bit_reader";
import { crc32 } from "./crc32";
import { PRECODE_LENGTHS } from "./memory";
import {
  BAD_CRC,
  BAD_HEADER_CRC,
  BAD_LENGTH,
  BAD_MAGIC,
  BAD_METHOD,
  CHECK_DUE,
  ENDED,
  FIELD_TOO_LONG,
  MEMBER_BOUNDARY,
  NEED_INPUT,
  RESERVED_FLAGS,
  TRAILING_BYTES,
} from "./status";
import {
  checked,
  endMember,
  fieldBytes,
  isCheckedByHost,
  isRaw,
  memberBytes,
  memberCrc,
  members,
  memberStart,
  out,
  State,
  state,
  tellsBoundaries,
} from "./stream";

const MAGIC_1: i32 = 0x1f;
const MAGIC_2: i32 = 0x8b;
const METHOD_DEFLATE: i32 = 8;
const FIXED_HEADER_BYTES: u32 = 10;
const METHOD_AT: u32 = 2;
const FLAGS_AT: u32 = 3;

const FLAG_HEADER_CRC: u32 = 2;
const FLAG_EXTRA: u32 = 4;
const FLAG_NAME: u32 = 8;
const FLAG_COMMENT: u32 = 16;
const FLAGS_RESERVED: u32 = 0xe0;

/** RFC 1952 has no limit; nobody writes paths longer than this. FEXTRA cannot be longer. */
const MAX_FIELD_BYTES: u32 = 65536;

/** Where one byte lies while its CRC is taken; the code lengths are not in use then. */
const SCRATCH: usize = PRECODE_LENGTHS;

let flags: u32 = 0;
let headerCrc: u32 = 0;
/** The number of two bytes that is being read: the length of FEXTRA, or the header's CRC. */
let number: u32 = 0;

// Every function here gives a status: ENDED when it is done with its part and another follows.

export function readMagic(): i32 {
  const byte = takeByte();
  if (byte < 0) return NEED_INPUT;
  // Tar pads files with zeros to whole blocks; gzip accepts them after the last member.
  if (byte === 0 && members > 0 && fieldBytes === 0) {
    state = State.Zeros;
    return ENDED;
  }
  if (byte !== (fieldBytes === 0 ? MAGIC_1 : MAGIC_2)) {
    return members > 0 ? TRAILING_BYTES : BAD_MAGIC;
  }
  if (fieldBytes === 0) headerCrc = 0;
  addToHeaderCrc(byte);
  if (++fieldBytes === 2) state = State.FixedHeader;
  else if (tellsBoundaries) return MEMBER_BOUNDARY;
  return ENDED;
}

export function readHeader(): i32 {
  const byte = takeByte();
  if (byte < 0) return NEED_INPUT;
  if (state === State.HeaderCrc) {
    number |= <u32>byte << (fieldBytes << 3);
    if (++fieldBytes < 2) return ENDED;
    if (number !== (headerCrc & 0xffff)) return BAD_HEADER_CRC;
    enterMember();
    return ENDED;
  }
  addToHeaderCrc(byte);
  switch (state) {
    case State.FixedHeader:
      return readFixedHeader(byte);
    case State.ExtraLength:
      number |= <u32>byte << (fieldBytes << 3);
      if (++fieldBytes < 2) return ENDED;
      fieldBytes = 0;
      if (number > 0) state = State.Extra;
      else enterName();
      return ENDED;
    case State.Extra:
      if (++fieldBytes === number) enterName();
      return ENDED;
    default:
      if (byte !== 0) return ++fieldBytes > MAX_FIELD_BYTES ? FIELD_TOO_LONG : ENDED;
      if (state === State.Name) enterComment();
      else enterHeaderCrc();
      return ENDED;
  }
}

function addToHeaderCrc(byte: i32): void {
  store<u8>(SCRATCH, <u8>byte);
  headerCrc = crc32(headerCrc, SCRATCH, 1);
}

function readFixedHeader(byte: i32): i32 {
  if (fieldBytes === METHOD_AT && byte !== METHOD_DEFLATE) return BAD_METHOD;
  if (fieldBytes === FLAGS_AT) {
    flags = <u32>byte;
    if (flags & FLAGS_RESERVED) return RESERVED_FLAGS;
  }
  if (++fieldBytes < FIXED_HEADER_BYTES) return ENDED;
  fieldBytes = 0;
  number = 0;
  if (flags & FLAG_EXTRA) state = State.ExtraLength;
  else enterName();
  return ENDED;
}

function enterName(): void {
  fieldBytes = 0;
  if (flags & FLAG_NAME) state = State.Name;
  else enterComment();
}

function enterComment(): void {
  fieldBytes = 0;
  if (flags & FLAG_COMMENT) state = State.Comment;
  else enterHeaderCrc();
}

function enterHeaderCrc(): void {
  fieldBytes = 0;
  number = 0;
  if (flags & FLAG_HEADER_CRC) state = State.HeaderCrc;
  else enterMember();
}

function enterMember(): void {
  state = State.BlockHeader;
  memberStart = out;
  checked = out;
  memberCrc = 0;
  memberBytes = 0;
}

/** Takes the output since the last check into the CRC-32 and the length of the member. */
export function checkOutput(): void {
  const bytes = <u32>(out - checked);
  if (!isRaw && !isCheckedByHost) memberCrc = crc32(memberCrc, checked, bytes);
  memberBytes += bytes;
  checked = out;
}

export function readTrailer(): i32 {
  if (fieldBytes === 0) {
    if (!need(32)) return NEED_INPUT;
    if (isCheckedByHost && out > checked) return CHECK_DUE;
    checkOutput();
    if (takeWord() !== memberCrc) return BAD_CRC;
    fieldBytes = 4;
  }
  if (!need(32)) return NEED_INPUT;
  if (takeWord() !== memberBytes) return BAD_LENGTH;
  fieldBytes = 0;
  endMember();
  state = State.Magic;
  return ENDED;
}

function takeWord(): u32 {
  const low = take(16);
  return low | take(16) << 16;
}

export function skipZeros(): i32 {
  while (true) {
    const byte = takeByte();
    if (byte < 0) return NEED_INPUT;
    if (byte !== 0) return TRAILING_BYTES;
  }
}
