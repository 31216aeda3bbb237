// Huffman codes for a block that is written: the twin of wasm/assembly/huffman.ts, where the
// algorithm is explained. The two give the same lengths for the same counts.
import { reversedCode } from "./_reversed_code.ts";

const SYMBOL_BITS = 9;
const SYMBOL_MASK = (1 << SYMBOL_BITS) - 1;
const MAX_SYMBOLS = 288;
const MAX_DEPTH = 32;

/** The codes of up to 288 symbols: their lengths, and their bits as deflate sends them. */
export class HuffmanCode {
  readonly counts: Uint32Array<ArrayBuffer>;
  readonly lengths: Uint8Array<ArrayBuffer>;
  readonly codes: Uint16Array<ArrayBuffer>;
  readonly #limit: number;

  constructor(symbols: number, limit: number) {
    this.counts = new Uint32Array(symbols);
    this.lengths = new Uint8Array(symbols);
    this.codes = new Uint16Array(symbols);
    this.#limit = limit;
  }

  /** Makes lengths and codes from the counts. A code always has two symbols at least. */
  make(): void {
    const { lengths } = this;
    lengths.fill(0);
    const keys = sortedKeys(this.counts);
    if (keys.length < 2) {
      const only = (keys[0] ?? 0) & SYMBOL_MASK;
      lengths[only] = 1;
      lengths[only === 0 ? 1 : 0] = 1;
    } else {
      const lengthCounts = countLengths(treeOf(keys));
      limitLengths(lengthCounts, this.#limit);
      let next = 0;
      for (let length = this.#limit; length > 0; length--) {
        for (let left = lengthCounts[length] as number; left > 0; left--) {
          lengths[(keys[next++] as number) & SYMBOL_MASK] = length;
        }
      }
    }
    this.assign();
  }

  /** Gives each symbol its canonical code for the lengths. RFC 1951 §3.2.2. */
  assign(): void {
    const lengthCounts = new Uint16Array(this.#limit + 1);
    for (const length of this.lengths) (lengthCounts[length] as number)++;
    const next = new Uint16Array(this.#limit + 1);
    let code = 0;
    for (let length = 1; length <= this.#limit; length++) {
      next[length] = code;
      code = code + (lengthCounts[length] as number) << 1;
    }
    this.lengths.forEach((length, symbol) => {
      this.codes[symbol] = length === 0 ? 0 : reversedCode((next[length] as number)++, length);
    });
  }

  /** The bits that all counted symbols take. */
  bits(): number {
    return this.counts.reduce(
      (bits, count, symbol) => bits + count * (this.lengths[symbol] as number),
      0,
    );
  }
}

/** Lists the symbols that occur as frequency << 9 | symbol, rarest first. */
function sortedKeys(counts: Uint32Array): Uint32Array {
  const keys = new Uint32Array(MAX_SYMBOLS);
  let used = 0;
  counts.forEach((count, symbol) => {
    if (count > 0) keys[used++] = count << SYMBOL_BITS | symbol;
  });
  return keys.subarray(0, used).sort();
}

/** Gives the depths of the inner nodes, the deepest first. */
function treeOf(keys: Uint32Array): Uint32Array {
  const tree = keys.map((key) => key >>> SYMBOL_BITS);
  const used = keys.length;
  let root = 0;
  let leaf = 0;
  for (let next = 0; next < used - 1; next++) {
    let weight = 0;
    for (let child = 0; child < 2; child++) {
      if (leaf >= used || (root < next && (tree[root] as number) < (tree[leaf] as number))) {
        weight += tree[root] as number;
        tree[root++] = next;
      } else {
        weight += tree[leaf++] as number;
      }
    }
    tree[next] = weight;
  }
  tree[used - 2] = 0;
  for (let index = used - 3; index >= 0; index--) {
    tree[index] = (tree[tree[index] as number] as number) + 1;
  }
  return tree.subarray(0, used - 1);
}

/** Counts the leaves at each depth. */
function countLengths(inner: Uint32Array): Uint32Array {
  const counts = new Uint32Array(MAX_DEPTH + 1);
  let index = inner.length - 1;
  let places = 1;
  for (let depth = 0; places > 0; depth++) {
    let taken = 0;
    for (; index >= 0 && inner[index] === depth; index--) taken++;
    counts[depth] = places - taken;
    places = taken << 1;
  }
  return counts;
}

function limitLengths(counts: Uint32Array, limit: number): void {
  let claimed = 0;
  for (let length = limit + 1; length <= MAX_DEPTH; length++) {
    counts[limit] = (counts[limit] as number) + (counts[length] as number);
  }
  for (let length = 1; length <= limit; length++) {
    claimed += (counts[length] as number) << (limit - length);
  }
  for (; claimed > 1 << limit; claimed--) {
    let length = limit - 1;
    while (counts[length] === 0) length--;
    (counts[length] as number)--;
    counts[length + 1] = (counts[length + 1] as number) + 2;
    (counts[limit] as number)--;
  }
}
