// deno-fmt-ignore-file: the formatter drops the decorators of AssemblyScript
// The bits of the output (RFC 1951 §3.1.1: least significant bit first). Between two calls fewer
// than eight bits wait in `waiting`; the host takes whole bytes.
import { DEFLATE_OUTPUT } from "./memory";

export let waiting: u64 = 0;
export let waitingBits: u32 = 0;
/** Where the next byte of output goes. */
export let written: usize = DEFLATE_OUTPUT;

export function resetOutput(): void {
  waiting = 0;
  waitingBits = 0;
  written = DEFLATE_OUTPUT;
}

/** The host has taken the output. */
export function takeOutput(): void {
  written = DEFLATE_OUTPUT;
}

/** Writes the low `count` bits of `value`, at most 48; the bits above them are zeros. */
// @ts-ignore: decorator
@inline
export function putBits(value: u64, count: u32): void {
  waiting |= value << waitingBits;
  waitingBits += count;
  store<u64>(written, waiting);
  written += waitingBits >> 3;
  waiting >>= waitingBits & ~7;
  waitingBits &= 7;
}

/** Fills the last byte with zeros. */
export function alignOutput(): void {
  if (waitingBits > 0) putBits(0, 8 - waitingBits);
}
