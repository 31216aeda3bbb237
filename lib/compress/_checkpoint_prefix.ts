import { concatBytes } from "../bytes/concat.ts";
import type { Bytes } from "../model/bytes.ts";

// An inflater begins in the middle of a stream when it is first given a stream of our own that leads
// there (RFC 1951 §3.2): a stored block that writes the history, and empty blocks that use up as many
// bits as the byte it goes on in has before the block. So no state of any inflater is kept, and every
// kernel can go on from every checkpoint.
//
//   000 00000 | LEN | ~LEN | history …  | empty blocks, `bit` bits | block of the stream …

/** A piece of deflate: some bits, the first one lowest. */
interface Bits {
  readonly count: number;
  readonly value: bigint;
}

/** An empty block with the fixed codes: not the last one (0), type 01, and seven zeros as its end. */
const FIXED: Bits = { count: 10, value: 0b010n };

/** An empty block with codes of its own, of an odd number of bits. */
const DYNAMIC: Bits = join([
  bits(1, 0),
  bits(2, 2),
  // 257 literal codes, one distance code, all 19 lengths of the code length code.
  bits(5, 0),
  bits(5, 0),
  bits(4, 15),
  // In the order 16 17 18 0 8 … 2 14 1 15: one bit for 18, two for 0 and for 1.
  ...[0, 0, 1, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0].map((length) => bits(3, length)),
  // Symbol 0 has a code of one bit; 255 symbols have none; 256 has one bit; the distance has none.
  // Huffman codes begin with their highest bit: 18 is 0, 0 is 10, 1 is 11.
  bits(2, 0b11),
  bits(1, 0),
  bits(7, 138 - 11),
  bits(1, 0),
  bits(7, 117 - 11),
  bits(2, 0b11),
  bits(2, 0b01),
  // The end of the block.
  bits(1, 1),
]);

function bits(count: number, value: number): Bits {
  return { count, value: BigInt(value) };
}

function join(pieces: readonly Bits[]): Bits {
  let count = 0;
  let value = 0n;
  for (const piece of pieces) {
    value |= piece.value << BigInt(count);
    count += piece.count;
  }
  return { count, value };
}

/**
 * Makes the deflate stream that leads an inflater to a place.
 *
 * @param history What was written before, at most 32 KiB.
 * @param bit The bits of the first byte that are before the place.
 * @param first The first byte, the one with the place in it.
 * @returns The stream, which writes the history, up to and with the first byte.
 */
export function leadIn(history: Bytes, bit: number, first: number): Bytes {
  const length = history.byteLength;
  const header = Uint8Array.of(0, length, length >> 8, ~length, ~length >> 8);
  const isOdd = bit % 2 === 1;
  const odd = isOdd ? [DYNAMIC] : [];
  const missing = (bit - (isOdd ? DYNAMIC.count % 8 : 0) + 8) % 8;
  // A fixed block has ten bits: two more than whole bytes.
  const padding = join([...odd, ...new Array<Bits>(missing / 2).fill(FIXED)]);
  const tail: number[] = [];
  for (let at = 0; at < padding.count; at += 8) {
    tail.push(Number(padding.value >> BigInt(at) & 0xffn));
  }
  const used = bit === 0 ? 0 : tail.pop() ?? 0;
  tail.push(first & (0xff << bit) | used);
  return concatBytes([header, history, Uint8Array.from(tail)]);
}
