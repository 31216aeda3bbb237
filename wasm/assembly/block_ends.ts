// deno-fmt-ignore-file: the formatter drops the decorators of AssemblyScript
// Decides where a block ends: where its items begin to differ from those before, so that each kind
// of content gets codes of its own. After every 512 items, how many there are of each kind (items.ts)
// is compared with the block so far. The measure is libdeflate's. lib/kernel/_js_block_ends.ts is
// the same in TypeScript.
import { KINDS } from "./items";
import { KINDS_BEFORE, KINDS_NEW } from "./memory";

const KINDS_BYTES: u32 = KINDS << 2;
/** Items between two comparisons. */
const INTERVAL: u32 = 512;
/** The difference that ends a block, of INTERVAL. */
const DIFFERENCE: u32 = 200;
/** Shorter blocks are not ended: their codes cost more than they save. */
const MIN_BLOCK_BYTES: u32 = 5000;
/** Blocks of fewer bytes and items end less easily, the more so the smaller they are. */
const SMALL_BLOCK_BYTES: u32 = 10000;
const SMALL_BLOCK_ITEMS: u32 = 8192;
/** Every so many bytes make it easier to end a block. */
const WEARINESS_BYTES: u32 = 4096;

let itemsBefore: u32 = 0;
/** The number of items at the next comparison. */
export let nextComparison: u32 = INTERVAL;

/** Begins a block. */
export function resetBlockEnds(): void {
  itemsBefore = 0;
  nextComparison = INTERVAL;
  memory.fill(KINDS_BEFORE, 0, KINDS_BYTES);
}

/** Compares the items since the last comparison; tells whether the block ends behind them. */
export function isBlockAtEnd(items: u32, blockBytes: u32): bool {
  if (blockBytes >= MIN_BLOCK_BYTES && isDifferent(items, blockBytes)) return true;
  for (let at: usize = 0; at < KINDS_BYTES; at += 4) {
    store<u32>(KINDS_BEFORE + at, load<u32>(KINDS_BEFORE + at) + load<u32>(KINDS_NEW + at));
  }
  memory.fill(KINDS_NEW, 0, KINDS_BYTES);
  itemsBefore = items;
  // Two items may come at once: a comparison may be one item late, but does not make the next later.
  nextComparison = items - items % INTERVAL + INTERVAL;
  return false;
}

function isDifferent(items: u32, blockBytes: u32): bool {
  if (itemsBefore === 0) return false;
  const added = items - itemsBefore;
  let difference: u32 = 0;
  for (let at: usize = 0; at < KINDS_BYTES; at += 4) {
    const expected = load<u32>(KINDS_BEFORE + at) * added;
    const actual = load<u32>(KINDS_NEW + at) * itemsBefore;
    difference += expected > actual ? expected - actual : actual - expected;
  }
  let limit: u32 = added * DIFFERENCE / INTERVAL * itemsBefore;
  if (blockBytes < SMALL_BLOCK_BYTES && items < SMALL_BLOCK_ITEMS) {
    // At most 2^22 * 2^13: taken apart, so that it fits into 32 bits.
    limit += (limit >> 3) * (SMALL_BLOCK_ITEMS - items >> 3) / (SMALL_BLOCK_ITEMS >> 6);
  }
  return difference + blockBytes / WEARINESS_BYTES * itemsBefore >= limit;
}
