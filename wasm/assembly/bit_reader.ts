// deno-fmt-ignore-file: the formatter drops the decorators of AssemblyScript
// The bits of the input (RFC 1951 §3.1.1: least significant bit first). The bit buffer holds
// `bitCount` bits, at most 63, and zeros above them.
import { INPUT } from "./memory";

export let bits: u64 = 0;
export let bitCount: u32 = 0;
/** The next byte of the input that is not in the bit buffer, and the end of the input. */
export let next: usize = 0;
export let inputEnd: usize = 0;
/** Bytes of the stream before the present piece of input. */
let bytesBefore: u64 = 0;

export function resetInput(): void {
  bits = 0;
  bitCount = 0;
  next = INPUT;
  inputEnd = INPUT;
  bytesBefore = 0;
}

/** Goes on with a piece of `bytes` bytes at INPUT. The piece before was used up. */
export function setInput(bytes: u32): void {
  bytesBefore += inputEnd - INPUT;
  next = INPUT;
  inputEnd = INPUT + bytes;
}

/** Bytes of the stream that were taken, not counting whole bytes in the bit buffer. */
export function position(): u64 {
  return bytesBefore + (next - INPUT) - (bitCount >> 3);
}

/** The bits of the last byte taken that were not taken. */
export function bitsLeft(): u32 {
  return bitCount & 7;
}

/** A refill leaves no more bits than this, so that the fast loop has room for its shift. */
const REFILLED_BITS: u32 = 61;
const REFILL_BYTES: usize = 8;

/** Makes sure that the buffer has `count` bits, at most 54; tells whether the input had them. */
export function need(count: u32): bool {
  if (bitCount < count && inputEnd - next >= REFILL_BYTES) {
    const bytes = REFILLED_BITS - bitCount >> 3;
    bits |= load<u64>(next) << bitCount;
    bitCount += bytes << 3;
    bits &= (<u64>1 << bitCount) - 1;
    next += bytes;
    return true;
  }
  while (bitCount < count) {
    if (next >= inputEnd) return false;
    bits |= <u64>load<u8>(next++) << bitCount;
    bitCount += 8;
  }
  return true;
}

/** Takes `count` bits, which are there, at most 31. */
export function take(count: u32): u32 {
  const value = <u32>bits & ((1 << count) - 1);
  bits >>= count;
  bitCount -= count;
  return value;
}

/** Takes a byte, or gives -1 when the input has run out. Only whole bytes were taken before. */
export function takeByte(): i32 {
  return need(8) ? <i32>take(8) : -1;
}

/** Drops the bits before the next byte. */
export function alignToByte(): void {
  take(bitCount & 7);
}
