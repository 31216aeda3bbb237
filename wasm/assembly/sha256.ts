// deno-fmt-ignore-file: the formatter drops the decorators of AssemblyScript
// SHA-256 (FIPS 180-4 §6.2). The rounds are in sha256_rounds.ts, which a script writes.
import { BLOCK, COUNT, WORDS } from "./hash_state";
import { sha256Blocks } from "./sha256_rounds";

const BLOCK_BYTES: u32 = 64;
/** Where the length of the message stands in the last block (FIPS 180-4 §5.1.1). */
const LENGTH_AT: u32 = 56;

// FIPS 180-4 §5.3.3: the fractions of the square roots of the first 8 primes.
// deno-fmt-ignore
const INITIAL: usize = memory.data<u32>([
  0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
  0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
]);

/** Begins a message. */
export function sha256Start(state: usize): void {
  store<u64>(state, 0, COUNT);
  memory.copy(state + WORDS, INITIAL, 8 * 4);
}

/** Takes in `bytes` bytes at `data`. */
export function sha256Update(state: usize, data: usize, bytes: u32): void {
  const held = <u32>load<u64>(state, COUNT) & (BLOCK_BYTES - 1);
  store<u64>(state, load<u64>(state, COUNT) + bytes, COUNT);
  if (held > 0) {
    const wanted = BLOCK_BYTES - held;
    if (bytes < wanted) {
      memory.copy(state + BLOCK + held, data, bytes);
      return;
    }
    memory.copy(state + BLOCK + held, data, wanted);
    sha256Blocks(state + WORDS, state + BLOCK, 1);
    data += wanted;
    bytes -= wanted;
  }
  sha256Blocks(state + WORDS, data, bytes / BLOCK_BYTES);
  const rest = bytes & (BLOCK_BYTES - 1);
  memory.copy(state + BLOCK, data + (bytes - rest), rest);
}

/** Ends the message; the digest takes the place of the chaining words. */
export function sha256Finish(state: usize): void {
  const count = load<u64>(state, COUNT);
  const held = <u32>count & (BLOCK_BYTES - 1);
  const block = state + BLOCK;
  store<u8>(block + held, 0x80);
  memory.fill(block + held + 1, 0, BLOCK_BYTES - held - 1);
  if (held >= LENGTH_AT) {
    sha256Blocks(state + WORDS, block, 1);
    memory.fill(block, 0, LENGTH_AT);
  }
  store<u64>(block, bswap<u64>(count << 3), LENGTH_AT);
  sha256Blocks(state + WORDS, block, 1);
  for (let word: usize = 0; word < 32; word += 4) {
    store<u32>(state + word, bswap<u32>(load<u32>(state + word, WORDS)), WORDS);
  }
}
