// deno-fmt-ignore-file: the formatter drops the decorators of AssemblyScript
// How the rules of tar headers, which are those of lib/kernel/tar_rules.ts, reach a block and the
// fields of an entry in memory; lib/kernel/tar_block.ts is its twin for bytes of any buffer.

export type Int = i32;
/** Where the 512 bytes of a header are. */
export type TarBlock = usize;
/** Where the fields of an entry are. */
export type TarFields = usize;

const BLOCK_BYTES: usize = 512;

// @ts-ignore: decorator
@inline
export function byteAt(block: TarBlock, at: Int): Int {
  return <i32>load<u8>(block + <usize>at);
}

// @ts-ignore: decorator
@inline
export function setField(fields: TarFields, index: Int, value: f64): void {
  store<f64>(fields + (<usize>index << 3), value);
}

/** Adds up the bytes of a block, unsigned. */
export function sumOfTarBlock(block: TarBlock): Int {
  let total = i32x4.splat(0);
  for (let at: usize = 0; at < BLOCK_BYTES; at += 16) {
    const pairs = i16x8.extadd_pairwise_i8x16_u(v128.load(block + at));
    total = i32x4.add(total, i32x4.extadd_pairwise_i16x8_u(pairs));
  }
  return i32x4.extract_lane(total, 0) + i32x4.extract_lane(total, 1) +
    i32x4.extract_lane(total, 2) + i32x4.extract_lane(total, 3);
}
