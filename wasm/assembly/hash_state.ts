// deno-fmt-ignore-file: the formatter drops the decorators of AssemblyScript
// The state of a hash, in memory as the host writes and reads it:
//
//   0    8           16                  80
//   | byte count (u64) | chaining words | open block (up to 128 bytes) |
//
// Eight chaining words of 4 (SHA-256) or 8 bytes (SHA-512), little-endian.

export const COUNT: usize = 0;
export const WORDS: usize = 16;
export const BLOCK: usize = 80;
