// The state of a hash in the memory of the kernel: the layout of wasm/assembly/hash_state.ts.

/** Bytes of a state. */
export const STATE_BYTES = 208;
/** Where the number of bytes stands that were taken in, 64 bits. */
export const COUNT_AT = 0;
/** Where the chaining words begin. */
export const WORDS_AT = 16;
/** Where the bytes of the open block begin. */
export const BLOCK_AT = 80;
