/**
 * How the rules of tar headers reach a block and the fields of an entry;
 * `wasm/assembly/tar_block.ts` is its twin in the kernel.
 *
 * @module
 */

/** An integer of 32 bits. */
export type Int = number;
/** The 512 bytes of a header. */
export type TarBlock = Uint8Array;
/** What a header says, in doubles. */
export type TarFields = Float64Array;

/**
 * Gives a byte of a block.
 *
 * @param block The block.
 * @param at Which one.
 * @returns The byte.
 */
export function byteAt(block: TarBlock, at: Int): Int {
  return block[at] ?? 0;
}

/**
 * Puts a field where it belongs.
 *
 * @param fields All fields.
 * @param index Its number.
 * @param value What it says.
 */
export function setField(fields: TarFields, index: Int, value: number): void {
  fields[index] = value;
}

const BLOCK_BYTES = 512;

/** Every other byte of a word: sums of them have 16 bits each. */
const OTHER_BYTES = 0xff00ff;

/**
 * Adds the bytes of a block up, sixteen at a time, of which most are zeros. A loop of many turns gets
 * hot within the first layer of a process, which then waits for its compilation: one of 128 turns
 * takes half a millisecond.
 *
 * @param block The 512 bytes.
 * @returns Their sum.
 */
export function sumOfTarBlock(block: TarBlock): Int {
  const view = new DataView(block.buffer, block.byteOffset, BLOCK_BYTES);
  // Each of the two sums in it is of 256 bytes, and less than 2^16.
  let sums = 0;
  for (let at = 0; at < BLOCK_BYTES; at += 16) {
    const a = view.getInt32(at);
    const b = view.getInt32(at + 4);
    const c = view.getInt32(at + 8);
    const d = view.getInt32(at + 12);
    if ((a | b | c | d) === 0) continue;
    sums = sums + (a & OTHER_BYTES) + (b & OTHER_BYTES) + (c & OTHER_BYTES) + (d & OTHER_BYTES) +
        (a >>> 8 & OTHER_BYTES) + (b >>> 8 & OTHER_BYTES) +
        (c >>> 8 & OTHER_BYTES) + (d >>> 8 & OTHER_BYTES) | 0;
  }
  return (sums & 0xffff) + (sums >>> 16);
}
