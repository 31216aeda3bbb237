// Decoding tables of canonical Huffman codes (RFC 1951 §3.2.2) for the plain inflater.
//
// An entry of the root table stands for the next `rootBits` bits of input:
//   symbol << 4 | length        a code of `length` bits; length 0 marks bits that no code has
//   ~(offset << 4 | subBits)    negative: the code goes on in the table at `offset`
import { reversedCode } from "./_reversed_code.ts";

const MAX_BITS = 15;

// Codes of each length that are not in the table yet.
const counts = new Uint16Array(MAX_BITS + 1);
const nextCode = new Uint16Array(MAX_BITS + 1);

/**
 * Builds a table. As zlib does, it takes a code without symbols and a code of a single symbol with
 * one bit (unless `mustBeComplete`), and refuses any other incomplete code.
 *
 * @param lengths The code length of each symbol.
 * @param rootBits The bits that the root table resolves.
 * @param table Where to build.
 * @param mustBeComplete Whether an incomplete code is always an error.
 * @returns Whether the lengths make a valid code.
 */
export function buildCodeTable(
  lengths: Uint8Array,
  rootBits: number,
  table: Int32Array,
  mustBeComplete: boolean,
): boolean {
  counts.fill(0);
  for (const length of lengths) counts[length] = (counts[length] as number) + 1;
  counts[0] = 0;
  let left = 1;
  let code = 0;
  let longest = 0;
  for (let length = 1; length <= MAX_BITS; length++) {
    const count = counts[length] as number;
    left = (left << 1) - count;
    if (left < 0) return false;
    code = (code + (counts[length - 1] as number)) << 1;
    nextCode[length] = code;
    if (count > 0) longest = length;
  }
  if (left > 0 && (mustBeComplete || longest > 1)) return false;

  table.fill(0, 0, 1 << rootBits);
  let end = 1 << rootBits;
  // Codes in canonical order, so that those with the same root bits come one after another.
  for (let length = 1; length <= longest; length++) {
    if (counts[length] === 0) continue;
    for (let symbol = 0; symbol < lengths.length; symbol++) {
      if (lengths[symbol] !== length) continue;
      const canonical = nextCode[length] as number;
      nextCode[length] = canonical + 1;
      const bits = reversedCode(canonical, length);
      const entry = symbol << 4 | length;
      if (length <= rootBits) {
        for (let at = bits; at < 1 << rootBits; at += 1 << length) table[at] = entry;
        counts[length] = (counts[length] as number) - 1;
        continue;
      }
      const root = bits & ((1 << rootBits) - 1);
      if (table[root] === 0) {
        const subBits = subTableBits(length, rootBits, longest);
        table.fill(0, end, end + (1 << subBits));
        table[root] = ~(end << 4 | subBits);
        end += 1 << subBits;
      }
      const pointer = ~(table[root] as number);
      const offset = pointer >>> 4;
      const size = 1 << (pointer & 15);
      for (let at = bits >>> rootBits; at < size; at += 1 << (length - rootBits)) {
        table[offset + at] = entry;
      }
      counts[length] = (counts[length] as number) - 1;
    }
  }
  return true;
}

/** The bits of the sub-table that begins with the next code of `length`: enough for its longest. */
function subTableBits(length: number, rootBits: number, longest: number): number {
  let subBits = length - rootBits;
  let room = 1 << subBits;
  for (; length < longest; length++) {
    room -= counts[length] as number;
    if (room <= 0) break;
    room <<= 1;
    subBits++;
  }
  return subBits;
}
